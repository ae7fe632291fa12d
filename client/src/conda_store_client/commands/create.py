"""conda-store create."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import click
from rich.console import Console

from conda_store_client.answers import field
from conda_store_client.builds import submit
from conda_store_client.commands.invocation import Invocation
from conda_store_client.connection import Connection
from conda_store_client.display import open_display, show_all
from conda_store_client.errors import RequestRefused
from conda_store_client.following import follow
from conda_store_client.submitting import is_lock, read_text, told, with_name
from conda_store_client.summary import show_summary
from conda_store_client.waiting import require_success


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """What is submitted, and where to."""

    text: str
    is_lockfile: bool
    namespace: str | None
    name: str | None
    lockfile_environment: str | None = None

    def body(self) -> dict[str, object]:
        """What is posted."""
        body: dict[str, object] = {"specification": self.text}
        if self.namespace:
            body["namespace"] = self.namespace
        if self.is_lockfile:
            chosen = {"lockfile_environment": self.lockfile_environment} if self.lockfile_environment else {}
            return {**body, "is_lockfile": True, "environment_name": self.name, **chosen}
        return {**body, "specification": with_name(self.text, self.name)} if self.name else body


@click.command("create")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option("--namespace", help="Namespace of the environment.  [default: yours]")
@click.option("--name", help="Name of the environment.  [default: the one in FILE]")
@click.option("--lockfile", "is_lockfile", is_flag=True, help="FILE is a lock, though it does not look like one.")
@click.option("--lockfile-environment", metavar="NAME", help="Which environment of a pixi.lock that has several.")
@click.option("--wait/--no-wait", default=True, help="Follow the build to its end (the default), or print its id only.")
@click.pass_obj
def create_build(  # noqa: PLR0913  one argument for each option
    invocation: Invocation,
    file: str,
    namespace: str | None,
    name: str | None,
    lockfile_environment: str | None,
    *,
    is_lockfile: bool,
    wait: bool,
) -> None:
    """Build the environment that FILE describes.

    FILE is an environment.yaml, a lock (conda-lock.yml, pixi.lock, or an @EXPLICIT list), or - for standard input. A
    lock needs --name, since it does not name its environment. The build is shown on standard error while it is made,
    alive on a terminal; where its parts are is printed on standard output. The exit status is 1 when the build fails.

    \b
    Examples:
      conda-store create environment.yaml
      conda-store create environment.yaml --namespace ml --name nightly
      conda-store create conda-lock.yml --name pinned
      conda-store create pixi.lock --name pinned --lockfile-environment gpu
      id=$(conda-store create environment.yaml --no-wait)
    """
    text = read_text(file)
    is_lockfile = is_lockfile or bool(lockfile_environment) or is_lock(text, file)
    if is_lockfile and not name:
        raise click.UsageError(f"{told(file)} needs --name: a lockfile does not name its environment")
    submission = Submission(
        text=text, is_lockfile=is_lockfile, namespace=namespace, name=name, lockfile_environment=lockfile_environment
    )
    with invocation.connect() as connection:
        build_id = _submit(connection, submission, file)
        if not wait:
            click.echo(str(build_id))
            return
        with _telling_where_it_goes_on(build_id):
            _follow(connection, build_id, namespace)


def _submit(connection: Connection, submission: Submission, file: str) -> int:
    try:
        return submit(connection, submission.body())
    except RequestRefused as refusal:
        raise refusal.told_as(f"Error creating a build of {told(file)}") from None


def _follow(connection: Connection, build_id: int, namespace: str | None) -> None:
    end = show_all(open_display(f"build {build_id}", Console(stderr=True)), follow(connection, build_id))
    require_success(end.build)
    if not namespace:
        namespace = field(connection.get_data("/api/v1/permission/"), "primary_namespace", str)
    show_summary(connection, end, f"{namespace}/{end.build.environment}")


@contextmanager
def _telling_where_it_goes_on(build_id: int) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        click.echo(f"\nbuild {build_id} goes on; see `conda-store logs {build_id} --follow`", err=True)
        raise
