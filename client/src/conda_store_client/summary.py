"""What a build came to, and where things are."""

import click

from conda_store_client.builds import COMPLETED
from conda_store_client.connection import Connection
from conda_store_client.following import Progress
from conda_store_client.sizes import format_size
from conda_store_client.stage_view import label_of

_ADDRESSES = {
    "LOCKFILE": "lockfile",
    "YAML": "yaml",
    "CONDA_PACK": "archive",
    "CONSTRUCTOR_INSTALLER": "installer",
    "LOGS": "logs",
}


def show_summary(connection: Connection, end: Progress, environment: str) -> None:
    """Print where a completed build's environment and artifacts are, and which artifacts are missing."""
    build = end.build
    click.echo(f"build {build.id} of {environment}: {build.status}, {format_size(build.size)}")
    if "DIRECTORY" in build.artifacts:
        click.echo(f"  {'prefix':<10} {build.artifacts['DIRECTORY']}")
    for artifact_type, word in _ADDRESSES.items():
        if artifact_type in build.artifacts:
            click.echo(f"  {word:<10} {connection.url}/api/v1/build/{build.id}/{word}/")
    for stage in end.stages:
        if stage.state == "failed":
            click.echo(f"  {label_of(stage):<10} failed: {stage.detail}")
    if build.status == COMPLETED and "CONDA_PACK" in build.artifacts:
        click.echo(f"  {'run':<10} conda-store run {environment}:{build.id} -- python")
