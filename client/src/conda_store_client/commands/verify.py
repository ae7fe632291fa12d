"""conda-store verify."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import click

from conda_store_client.commands.invocation import URI_HELP, Invocation
from conda_store_client.connection import Connection, shown_address
from conda_store_client.errors import ClientError
from conda_store_client.known_keys import KnownKeys, known_keys_path
from conda_store_client.provenance import SiteKey
from conda_store_client.uri import find_build_id
from conda_store_client.verifying import (
    Checked,
    check_artifacts,
    check_files,
    fetch_statement,
    read_key,
    trusted_key,
)

_WORDS = {True: "ok", False: "WRONG", None: "not compared"}


@click.command("verify", epilog=URI_HELP)
@click.argument("uri", required=False)
@click.argument("files", nargs=-1, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--key", "key_file", metavar="FILE", type=click.Path(path_type=Path), help="The key of the site, in PEM.")
@click.option("--forget-key", is_flag=True, help="Forget the key of the server, because it was changed.")
@click.pass_obj
def verify_build(
    invocation: Invocation, uri: str | None, files: Sequence[Path], key_file: Path | None, *, forget_key: bool
) -> None:
    """Check that a build is what its server has signed.

    Checks the signature of the build's provenance, then whether each FILE is something the build left behind; without
    FILE everything it left behind is fetched and compared. The key of a server is remembered when it is first seen, and
    another one is refused later; --key names the one to trust instead. The exit status is 1 when anything is wrong.

    \b
    Examples:
      conda-store verify ml/nightly
      conda-store verify 12 nightly.tar.gz
      conda-store verify ml/nightly:12 --key site.pem
    """
    known = KnownKeys(known_keys_path(os.environ))
    if forget_key:
        known.remove(shown_address(invocation.url))
    if uri is None:
        if forget_key:
            return
        raise click.UsageError("Missing argument 'URI'.")
    with invocation.connect() as connection:
        key, is_new = (read_key(key_file), False) if key_file else trusted_key(connection, known)
        build_id = find_build_id(connection, uri)
        statement = fetch_statement(connection, build_id, uri, key)
        if is_new:
            _remember(known, connection, key)
        checked = check_files(statement, files) if files else check_artifacts(connection, statement)
        _tell(checked)
    click.echo(f"build {build_id} of {statement.namespace}/{statement.environment} is what {statement.builder} signed")


def _remember(known: KnownKeys, connection: Connection, key: SiteKey) -> None:
    known.put(connection.url, key.pem)
    click.echo(f"the key of {connection.url} was not known; from now on it is {key.id}", err=True)


def _tell(checked: Iterable[Checked]) -> None:
    wrong = []
    for one in checked:
        click.echo(f"{_WORDS[one.ok]}: {one.name} ({one.told})")
        if one.ok is False:
            wrong.append(one.name)
    if wrong:
        raise ClientError(f"not what was signed: {', '.join(wrong)}")
