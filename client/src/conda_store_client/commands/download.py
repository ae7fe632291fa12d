"""conda-store download."""

from pathlib import Path

import click

from conda_store_client.commands.invocation import URI_HELP, Invocation
from conda_store_client.downloading import DOWNLOADED, default_filename, download
from conda_store_client.uri import find_build_id


@click.command("download", epilog=URI_HELP)
@click.argument("uri")
@click.option(
    "--artifact",
    type=click.Choice(list(DOWNLOADED), case_sensitive=False),
    default="lockfile",
    show_default=True,
    help="What to download.",
)
@click.option("--output-filename", metavar="FILE", help="Where to.  [default: build-<id>.log|yaml|lock|tar.gz|…]")
@click.option("--platform", help="Which platform of the lock.  [default: the one that is installed]")
@click.pass_obj
def download_artifact(
    invocation: Invocation, uri: str, artifact: str, output_filename: str | None, platform: str | None
) -> None:
    """Download what a build left behind.

    Prints the path of the file. Of the lock there are other forms (pixi, explicit, environment) and bills of materials
    (cyclonedx, spdx); all but lockfile and pixi are of one platform.

    \b
    Examples:
      conda-store download ml/nightly
      conda-store download 12 --artifact archive --output-filename nightly.tar.gz
      conda-store download ml/nightly --artifact explicit --platform osx-arm64
    """
    with invocation.connect() as connection:
        build_id = find_build_id(connection, uri)
        target = Path(output_filename or default_filename(build_id, artifact))
        download(connection, build_id, artifact, target, platform)
    click.echo(str(target.absolute()), nl=False)
