"""conda-store delete build|environment|namespace."""

import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click

from conda_store_client.commands.invocation import URI_HELP, Invocation
from conda_store_client.connection import Connection
from conda_store_client.errors import ClientError, RequestRefused
from conda_store_client.uri import EnvironmentName, environment_path, find_build_id, namespace_path

F = TypeVar("F", bound=Callable[..., Any])


def _yes_option(command: F) -> F:
    option = click.option("--yes", "-y", "is_sure", is_flag=True, help="Do not ask; needed where there is no terminal.")
    return option(command)


@click.group("delete")
def delete_group() -> None:
    """Delete a build, environment or namespace.

    All that belongs to it goes with it. You are asked first.

    \b
    Examples:
      conda-store delete build ml/nightly:12
      conda-store delete environment ml/nightly --yes
      conda-store delete namespace ml
    """


@delete_group.command("build", epilog=URI_HELP)
@click.argument("uri")
@_yes_option
@click.pass_obj
def delete_build(invocation: Invocation, uri: str, *, is_sure: bool) -> None:
    """Delete a build, its prefix and its artifacts, but for those that the server's settings keep.

    \b
    Example:
      conda-store delete build 12
    """
    with invocation.connect() as connection:
        build_id = find_build_id(connection, uri)
        subject = f"build {build_id}" if uri == str(build_id) else f"build {build_id} ({uri})"
        _confirm(subject, is_sure=is_sure)
        _delete(connection, f"/api/v1/build/{build_id}/", f"build {build_id}")


@delete_group.command("environment")
@click.argument("environment", metavar="NAMESPACE/NAME")
@_yes_option
@click.pass_obj
def delete_environment(invocation: Invocation, environment: str, *, is_sure: bool) -> None:
    """Delete an environment with all its builds.

    \b
    Example:
      conda-store delete environment ml/nightly
    """
    path = environment_path(EnvironmentName.parse(environment))
    with invocation.connect() as connection:
        _confirm(f"environment {environment} and all its builds", is_sure=is_sure)
        _delete(connection, path, f"environment {environment}")


@delete_group.command("namespace")
@click.argument("namespace")
@_yes_option
@click.pass_obj
def delete_namespace(invocation: Invocation, namespace: str, *, is_sure: bool) -> None:
    """Delete a namespace with all its environments and their builds.

    \b
    Example:
      conda-store delete namespace ml
    """
    path = namespace_path(namespace)
    with invocation.connect() as connection:
        _confirm(f"namespace {namespace}, all its environments and all their builds", is_sure=is_sure)
        _delete(connection, path, f"namespace {namespace}")


def _confirm(subject: str, *, is_sure: bool) -> None:
    if is_sure:
        return
    if not sys.stdin.isatty():
        raise click.UsageError("There is no terminal to ask on: use --yes if you are sure.")
    if not click.confirm(f"Delete {subject}?", err=True):
        raise ClientError("Nothing was deleted")


def _delete(connection: Connection, path: str, subject: str) -> None:
    try:
        connection.delete(path)
    except RequestRefused as refusal:
        raise refusal.told_as(f"Error deleting {subject}") from None
    click.echo(f"{subject} is deleted")
