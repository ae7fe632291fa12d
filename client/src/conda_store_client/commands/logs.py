"""conda-store logs."""

import click

from conda_store_client.builds import find_build
from conda_store_client.commands.invocation import URI_HELP, Invocation
from conda_store_client.log_stream import follow_log, read_log_at_once
from conda_store_client.uri import find_build_id


@click.command("logs", epilog=URI_HELP)
@click.argument("uri")
@click.option("--follow", "-f", "is_followed", is_flag=True, help="Go on until nothing more is written.")
@click.pass_obj
def show_logs(invocation: Invocation, uri: str, *, is_followed: bool) -> None:
    """Print the log of a build.

    Followed, it is printed as the server writes it, each line once, also when the connection breaks or the server is
    started again meanwhile; standard error tells of that, and of attempts that failed.

    \b
    Examples:
      conda-store logs ml/nightly
      conda-store logs 12 --follow
    """
    with invocation.connect() as connection:
        build_id = find_build_id(connection, uri)
        if is_followed:
            said = ""
            for news in follow_log(connection, build_id):
                click.echo(news.text, nl=False)
                if news.remark and news.remark != said:
                    click.echo(news.remark, err=True)
                said = news.remark or said
            return
        find_build(connection, build_id)
        for text in read_log_at_once(connection, build_id):
            click.echo(text, nl=False)
