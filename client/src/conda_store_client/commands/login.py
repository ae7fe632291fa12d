"""conda-store login and logout."""

import os
import sys
import webbrowser
from collections.abc import Mapping
from getpass import getuser
from urllib.parse import quote, urlsplit

import click

from conda_store_client.commands.invocation import Invocation
from conda_store_client.connection import Connection, shown_address
from conda_store_client.credentials import (
    PASSWORD_VARIABLE,
    USERNAME_VARIABLE,
    Anonymous,
    BearerToken,
    checked_token,
)
from conda_store_client.errors import ClientError
from conda_store_client.signing_in import asks_for_password, identify, log_in_by_password, revoke
from conda_store_client.sizes import format_moment
from conda_store_client.token_file import StoredToken

# The page on which whoever has logged in makes a token, below the server's prefix.
_TOKEN_PAGE = "/login/token/"  # noqa: S105  an address


@click.command("login")
@click.option(
    "--username", envvar=USERNAME_VARIABLE, show_envvar=True, help="Who you are, where people log in by password."
)
@click.option("--with-token", is_flag=True, help="Read a token from standard input, and log in with that.")
@click.option(
    "--browser/--no-browser", default=True, help="Open the login page, where there is one, or only say where."
)
@click.pass_obj
def log_in(invocation: Invocation, username: str | None, *, with_token: bool, browser: bool) -> None:
    """Log in, and stay logged in.

    Lasts until the token expires, or until `conda-store logout`. Where people log in by name and password you are asked
    for both (or CONDA_STORE_USERNAME and CONDA_STORE_PASSWORD are taken). Where they log in at an identity provider
    your browser opens; the page that comes after the login makes a token, which you paste here.

    The token is stored for this server alone in $XDG_CONFIG_HOME/conda-store/tokens.json, which only you can read. It
    is used whenever --auth (CONDA_STORE_AUTH) is not given, and never printed.

    \b
    Examples:
      conda-store --conda-store-url https://HOST/PREFIX login
      conda-store login --username me
      conda-store login --with-token < token.txt
    """
    url = shown_address(invocation.url)
    if with_token:
        token = checked_token(sys.stdin.read(), "standard input")
    else:
        with invocation.connect_as(Anonymous()) as connection:
            token = _obtain_token(connection, username, browser=browser)
    with invocation.connect_as(BearerToken(token)) as connection:
        identity = identify(connection)
    stored = StoredToken(token=token, namespace=identity.namespace, expires_on=identity.expires_on)
    invocation.tokens.put(url, stored)
    until = f" until {format_moment(identity.expires_on)} UTC" if identity.expires_on else ""
    click.echo(f"logged in to {url} as {identity.namespace}{until}")
    if invocation.auth is not None:
        click.echo(f"--auth {invocation.auth} (CONDA_STORE_AUTH) is given and counts more than this login", err=True)


@click.command("logout")
@click.pass_obj
def log_out(invocation: Invocation) -> None:
    """Log out again.

    The token that `conda-store login` stored for this server is removed, and revoked by the server.

    \b
    Example:
      conda-store logout
    """
    url = shown_address(invocation.url)
    stored = invocation.tokens.find(url)
    if stored is None:
        raise ClientError(f"you are not logged in to {url}")
    with invocation.connect_as(BearerToken(stored.token)) as connection:
        problem = revoke(connection)
    invocation.tokens.remove(url)
    click.echo(f"logged out of {url}")
    if problem:
        click.echo(f"the server did not revoke the token: {problem}", err=True)


def _obtain_token(connection: Connection, username: str | None, *, browser: bool) -> str:
    if asks_for_password(connection):
        name, password = _ask_for_password(username, os.environ)
        return log_in_by_password(connection, name, password)
    if connection.has_session:
        return connection.session_token
    return _ask_for_token(connection.url, browser=browser)


def _ask_for_password(username: str | None, environment: Mapping[str, str]) -> tuple[str, str]:
    password = environment.get(PASSWORD_VARIABLE)
    if username is None or password is None:
        _require_somebody(f"Set {USERNAME_VARIABLE} and {PASSWORD_VARIABLE}, or use --with-token.")
    if username is None:
        username = str(click.prompt("User name", default=_own_name(), err=True))
    if password is None:
        # Some servers take an empty one.
        password = str(
            click.prompt(f"Password of {username}", default="", hide_input=True, show_default=False, err=True)
        )
    return username, password


def _ask_for_token(url: str, *, browser: bool) -> str:
    _require_somebody("Make a token on the server's pages, and use --with-token.")
    page = f"{url}/login/?next={quote(urlsplit(url).path + _TOKEN_PAGE, safe='/')}"
    click.echo(f"Log in with your browser, and make a token there:\n\n  {page}\n", err=True)
    if browser and _has_screen(os.environ):
        webbrowser.open(page)
    return checked_token(str(click.prompt("Paste the token here (it is not shown)", hide_input=True, err=True)), "this")


def _require_somebody(remedy: str) -> None:
    if not sys.stdin.isatty():
        raise click.UsageError(f"There is no terminal to ask on. {remedy}")


def _has_screen(environment: Mapping[str, str]) -> bool:
    """Whether a browser opens in a window; one that opens in the terminal would take the prompt's place."""
    on_desktop = sys.platform in ("darwin", "win32")
    return on_desktop or bool(environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY"))


def _own_name() -> str | None:
    try:
        return getuser()
    except (OSError, KeyError):
        return None
