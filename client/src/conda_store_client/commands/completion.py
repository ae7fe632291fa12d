"""conda-store completion."""

import click
from click.shell_completion import get_completion_class

from conda_store_client.errors import ClientError

_SHELLS = ("bash", "zsh", "fish")
_VARIABLE = "_CONDA_STORE_COMPLETE"


@click.command("completion")
@click.argument("shell", type=click.Choice(_SHELLS))
@click.pass_context
def print_completion(ctx: click.Context, shell: str) -> None:
    """Print the completion script for SHELL.

    With it the tab key completes commands, options and their values.

    \b
    Examples, for now and for good:
      source <(conda-store completion bash)
      conda-store completion bash > ~/.local/share/bash-completion/completions/conda-store
      conda-store completion zsh > "${fpath[1]}/_conda-store"
      conda-store completion fish > ~/.config/fish/completions/conda-store.fish
    """
    kind = get_completion_class(shell)
    if kind is None:
        raise ClientError(f"{shell} is not supported")
    click.echo(kind(ctx.find_root().command, {}, "conda-store", _VARIABLE).source())
