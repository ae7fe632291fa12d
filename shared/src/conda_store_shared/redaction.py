"""Text that is shown or logged, without the credentials in it."""

import re

# Credentials in addresses (scheme://user:secret@host), /t/<token>/ of conda channels, bearer tokens, signed queries,
# secrets of webhooks; each after the word in small letters without which there are none: to look for that alone is ten
# times quicker.
_SECRETS = (
    # The scheme's length is bounded: without it a long word takes time by the square of its length.
    # A user alone may be a token; what follows a colon and is no port is a password, whichever signs are in it.
    (
        "://",
        re.compile(
            r"(?P<keep>[a-z][a-z0-9+.-]{0,15}://)(?!git@)"
            r"(?:[^/\s@]++|[^/\s:@]*+:(?!\d++(?:[/\s]|$))(?:(?!://)[^\s@])++)@",
            re.IGNORECASE,
        ),
        r"\g<keep>***@",
    ),
    ("/t/", re.compile(r"(?P<keep>/t/)[^/\s]+"), r"\g<keep>***"),
    ("bearer", re.compile(r"(?P<keep>Bearer\s+)[A-Za-z0-9._~+/=-]+", re.IGNORECASE), r"\g<keep>***"),
    ("basic", re.compile(r"(?P<keep>Basic\s+)[A-Za-z0-9._~+/=-]+", re.IGNORECASE), r"\g<keep>***"),
    (
        "x-amz-",
        re.compile(r"(?P<keep>X-Amz-(?:Signature|Credential|Security-Token)=)[^&\s]+", re.IGNORECASE),
        r"\g<keep>***",
    ),
    ("whsec_", re.compile(r"(?P<keep>whsec_)[A-Za-z0-9+/=]+"), r"\g<keep>***"),
)


def redact(text: str) -> str:
    """Return ``text`` with credentials replaced by ``***``."""
    small = text.lower()
    for word, pattern, replacement in _SECRETS:
        if word in small:
            text = pattern.sub(replacement, text)
    return text
