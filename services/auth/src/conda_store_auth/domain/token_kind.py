"""What a token was made for."""

from enum import StrEnum


class TokenKind(StrEnum):
    """Who made a token: a person by logging in, a person or program for a script; or nobody here, it was only seen."""

    LOGIN = "login"
    SCRIPT = "script"
    FOREIGN = "foreign"
