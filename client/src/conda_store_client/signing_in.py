"""Logging in and out: from what a person shows to a token, and back."""

from dataclasses import dataclass

import httpx

from conda_store_client.answers import field
from conda_store_client.connection import Connection
from conda_store_client.errors import ClientError, RequestRefused

_PERMISSIONS, _TOKENS = "/api/v1/permission/", "/api/v1/token/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who the server takes somebody for, and until when."""

    namespace: str
    expires_on: str | None


def asks_for_password(connection: Connection) -> bool:
    """Whether people log in by name and password, and not at a provider, or without being asked at all.

    In the last case the connection is logged in already.
    """
    try:
        connection.log_in({})
    except RequestRefused as refusal:
        if refusal.status == httpx.codes.NOT_FOUND:
            raise
        return refusal.status != httpx.codes.METHOD_NOT_ALLOWED
    return False


def log_in_by_password(connection: Connection, username: str, password: str) -> str:
    """Return the token of somebody who has a password; raises RequestRefused."""
    try:
        connection.log_in({"username": username, "password": password})
    except RequestRefused as refusal:
        refusal.detail = ""
        raise refusal.told_as(f"cannot log in as {username}") from None
    return connection.session_token


def identify(connection: Connection) -> Identity:
    """Return who the connection's token is for; raises ClientError when it is worth nothing."""
    told = connection.get_data(_PERMISSIONS)
    if not field(told, "authenticated", bool):
        raise ClientError(
            f"{connection.url} does not accept this token", "It may have expired, or be another server's."
        )
    expiration = told.get("expiration")
    return Identity(
        namespace=field(told, "primary_namespace", str), expires_on=None if expiration is None else str(expiration)
    )


def revoke(connection: Connection) -> str:
    """Have the token of a connection revoked; return why it could not be, empty when it is."""
    try:
        connection.delete(_TOKENS)
    except RequestRefused as refusal:
        if refusal.status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            return "it was worth nothing any more"
        return refusal.message
    except ClientError as error:
        return error.message
    return ""
