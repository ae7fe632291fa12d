"""The command `conda-store`: which server, who asks, and what for."""

import os
import sys
from collections.abc import Sequence

import click
from rich.console import Console
from rich.text import Text

from conda_store_client.commands.cancel import cancel_build
from conda_store_client.commands.completion import print_completion
from conda_store_client.commands.create import create_build
from conda_store_client.commands.delete import delete_group
from conda_store_client.commands.diff import show_differences
from conda_store_client.commands.download import download_artifact
from conda_store_client.commands.info import show_info
from conda_store_client.commands.invocation import Invocation
from conda_store_client.commands.lists import list_group
from conda_store_client.commands.login import log_in, log_out
from conda_store_client.commands.logs import show_logs
from conda_store_client.commands.run import run_build
from conda_store_client.commands.settings import settings_group
from conda_store_client.commands.solve import solve_file
from conda_store_client.commands.tokens import token_group
from conda_store_client.commands.verify import verify_build
from conda_store_client.commands.wait import wait_for_build
from conda_store_client.commands.watch import watch_events
from conda_store_client.commands.webhooks import webhook_group
from conda_store_client.errors import ClientError
from conda_store_client.shebang import expand_script

_FAILED, _INTERRUPTED, _BROKEN_PIPE = 1, 130, 141


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--conda-store-url",
    envvar="CONDA_STORE_URL",
    default="http://localhost:8080",
    show_default=True,
    show_envvar=True,
    help="Address of the server, with its prefix if it has one.",
)
@click.option(
    "--auth",
    envvar="CONDA_STORE_AUTH",
    type=click.Choice(["none", "token", "basic"], case_sensitive=False),
    show_envvar=True,
    help="Who asks: nobody, the holder of CONDA_STORE_TOKEN, or CONDA_STORE_USERNAME with CONDA_STORE_PASSWORD."
    "  [default: whoever has logged in by `conda-store login`, else none]",
)
@click.option(
    "--no-verify-ssl",
    envvar="CONDA_STORE_NO_VERIFY",
    is_flag=True,
    show_envvar=True,
    help="Do not check the server's certificate.",
)
@click.version_option(package_name="conda-store-client", prog_name="conda-store")
@click.pass_context
def conda_store(ctx: click.Context, conda_store_url: str, auth: str | None, *, no_verify_ssl: bool) -> None:
    """Build environments on a conda-store server, and use them.

    \b
    Begin here:
      export CONDA_STORE_URL=https://HOST/PREFIX
      conda-store login
      conda-store create environment.yaml
      conda-store run NAMESPACE/NAME -- python script.py

    `conda-store COMMAND --help` explains each command, with examples. The exit status is 0 for success, 1 when
    something went wrong (standard error says what), 2 when a command was used wrongly, 130 when it was interrupted.
    """
    ctx.obj = Invocation(url=conda_store_url, auth=auth and auth.lower(), verify=not no_verify_ssl)


for _command in (
    log_in,
    log_out,
    show_info,
    token_group,
    create_build,
    wait_for_build,
    show_logs,
    watch_events,
    cancel_build,
    download_artifact,
    verify_build,
    run_build,
    solve_file,
    show_differences,
    list_group,
    delete_group,
    settings_group,
    webhook_group,
    print_completion,
):
    conda_store.add_command(_command)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status: 1 for what went wrong, 2 for what was asked wrongly."""
    try:
        given = sys.argv[1:] if arguments is None else arguments
        status = conda_store.main(expand_script(given), prog_name="conda-store", standalone_mode=False)
        sys.stdout.flush()
    except ClientError as error:
        return _tell(error.message, error.detail)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        return _INTERRUPTED
    except BrokenPipeError:
        # Whoever reads our output has enough; nor is there anything to say when Python flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _BROKEN_PIPE
    except OSError as error:
        return _tell(error.strerror or str(error), str(error.filename or ""))
    return status if isinstance(status, int) else 0


def _tell(message: str, detail: str) -> int:
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    console.print(Text(message, "bold red"))
    if detail:
        console.print(Text(detail))
    return _FAILED
