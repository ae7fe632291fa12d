"""conda-store settings show|set|reset."""

import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from conda_store_client.answers import data_of
from conda_store_client.commands.invocation import Invocation, output_option
from conda_store_client.connection import Connection
from conda_store_client.errors import ClientError, RequestRefused
from conda_store_client.tables import show_rows
from conda_store_client.uri import settings_path

F = TypeVar("F", bound=Callable[..., Any])


def _at_option(command: F) -> F:
    option = click.option(
        "--at", "place", metavar="NAMESPACE[/NAME]", help="Where they hold.  [default: the whole deployment]"
    )
    return option(command)


@click.group("settings")
def settings_group() -> None:
    """Show, set or reset settings.

    They hold for the deployment, for a namespace or for an environment. What is set for an environment counts more than
    what is set for its namespace, and that more than what is set for the deployment; below everything is the server's
    configuration. A change counts for builds made from then on.

    \b
    Examples:
      conda-store settings show --at ml/nightly
      conda-store settings set --at ml conda_default_channels=conda-forge,bioconda
      conda-store settings reset --at ml conda_default_channels
    """


@settings_group.command("show")
@click.argument("keys", nargs=-1, metavar="[KEY]...")
@_at_option
@output_option
@click.pass_obj
def show_settings(invocation: Invocation, keys: Sequence[str], place: str | None, output: str) -> None:
    """Show the settings that hold.

    All of them, unless KEYs are named.

    \b
    Examples:
      conda-store settings show
      conda-store settings show conda_default_channels --at ml/nightly
      conda-store settings show --output json
    """
    with invocation.connect() as connection:
        settings = _read(connection, place)
    if unknown := [key for key in keys if key not in settings]:
        raise ClientError(f"there is no setting {', '.join(unknown)}", f"There are {', '.join(sorted(settings))}.")
    wanted = {key: settings[key] for key in keys or sorted(settings)}
    if output == "json":
        click.echo(json.dumps(wanted), nl=False)
        return
    rows = [{"key": key, "value": _shown(value)} for key, value in wanted.items()]
    show_rows(f"Settings of {_told(place)}", {"Setting": "key", "Value": "value"}, rows)


@settings_group.command("set")
@click.argument("changes", nargs=-1, required=True, metavar="KEY=VALUE...")
@_at_option
@click.pass_obj
def set_settings(invocation: Invocation, changes: Sequence[str], place: str | None) -> None:
    """Set settings.

    A VALUE is text or JSON; the parts of a list may be separated by commas.

    \b
    Examples:
      conda-store settings set conda_max_solve_time=600
      conda-store settings set --at ml conda_default_channels=conda-forge,bioconda
      conda-store settings set --at ml/nightly 'conda_included_packages=["ipykernel >=6,<7"]'
    """
    texts = dict(map(_read_change, changes))
    with invocation.connect() as connection:
        settings = _read(connection, place)
        values = {key: _read_value(text, settings.get(key)) for key, text in texts.items()}
        try:
            connection.put(settings_path(place), values)
        except RequestRefused as refusal:
            raise refusal.told_as(f"Error setting {', '.join(values)}") from None
    for key, value in values.items():
        click.echo(f"{_told(place)}: {key} = {_shown(value)}")


@settings_group.command("reset")
@click.argument("keys", nargs=-1, metavar="KEY...")
@click.option("--all", "is_everything", is_flag=True, help="Reset all that is set there.")
@_at_option
@click.pass_obj
def reset_settings(invocation: Invocation, keys: Sequence[str], place: str | None, *, is_everything: bool) -> None:
    """Take back what is set.

    What is set one level above, or configured, holds again.

    \b
    Examples:
      conda-store settings reset conda_max_solve_time
      conda-store settings reset --at ml/nightly --all
    """
    if bool(keys) == is_everything:
        raise click.UsageError("Name the settings, or use --all.")
    with invocation.connect() as connection:
        try:
            reset = data_of(connection.delete(settings_path(place), {"key": list(keys)}))
        except RequestRefused as refusal:
            raise refusal.told_as(f"Error resetting {', '.join(keys) or 'settings'}") from None
    for key in reset:
        click.echo(f"{_told(place)}: {key} is reset")
    if not reset:
        click.echo(f"{_told(place)}: nothing was set")


def _read(connection: Connection, place: str | None) -> dict[str, Any]:
    path = settings_path(place)
    try:
        settings: dict[str, Any] = connection.get_data(path)
    except RequestRefused as refusal:
        raise refusal.told_as(f"Error getting the settings of {_told(place)}") from None
    return settings


def _read_change(text: str) -> tuple[str, str]:
    key, is_there, value = text.partition("=")
    if not key or not is_there:
        raise click.BadParameter(f"{text!r} is not KEY=VALUE", param_hint="KEY=VALUE")
    return key.strip(), value


def _read_value(text: str, current: object) -> Any:
    """A value for a setting; what it is now tells what it may be."""
    if isinstance(current, str) and text != "null":
        return text
    try:
        value = json.loads(text)
    except ValueError:
        value = text
    if isinstance(current, list) and not isinstance(value, list):
        return [part.strip() for part in text.split(",") if part.strip()]
    return value


def _shown(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _told(place: str | None) -> str:
    return place or "the deployment"
