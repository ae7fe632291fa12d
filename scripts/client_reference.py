"""The command-line client, as its own help tells it."""

from collections.abc import Iterator
from pathlib import Path

import click

from conda_store_client.main import conda_store

PATH = Path("docs/reference/client.md")
_WIDTH = 100


def client_page(written_by: str) -> str:
    """Every command with its help; ``written_by`` says where the page comes from."""
    root = click.Context(conda_store, info_name="conda-store", terminal_width=_WIDTH, **conda_store.context_settings)
    sections = list(_sections(root))
    lines = [
        "# The command `conda-store`",
        "",
        f"{written_by} The source: `main.py` and `commands/` of `conda_store_client`.",
        "",
        *(f"- [`{name}`](#{name.replace(' ', '-')})" for name, _help in sections),
    ]
    for name, text in sections:
        lines += ["", f"## {name}", "", "```", *(line.rstrip() for line in text.splitlines()), "```"]
    return "\n".join(lines) + "\n"


def _sections(ctx: click.Context) -> Iterator[tuple[str, str]]:
    yield ctx.command_path, ctx.get_help()
    if isinstance(ctx.command, click.Group):
        for name in ctx.command.list_commands(ctx):
            command = ctx.command.get_command(ctx, name)
            if command is not None:
                yield from _sections(click.Context(command, parent=ctx, info_name=name, terminal_width=_WIDTH))
