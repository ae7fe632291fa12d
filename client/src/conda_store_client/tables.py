"""Rows as a table for people, or as JSON for programs."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

# Where there is no terminal nothing is cut or wrapped.
_UNLIMITED = 10_000


def show_rows(
    title: str, columns: Mapping[str, str], rows: Iterable[Mapping[str, Any]], *, output: str = "table"
) -> None:
    """Print rows; ``columns`` maps headings to fields (``a.b`` is field b of a), ``output`` is table or json."""
    if output == "json":
        click.echo(json.dumps(list(rows)), nl=False)
        return
    table = Table(title=title)
    for heading in columns:
        table.add_column(heading, overflow="fold")
    for row in rows:
        # As plain text: what users wrote is no markup.
        table.add_row(*(Text(str(_lookup(row, path.split(".")))) for path in columns.values()))
    console = Console() if sys.stdout.isatty() else Console(width=_UNLIMITED)
    console.print(table)


def _lookup(row: Any, path: Sequence[str]) -> Any:
    for name in path:
        row = row.get(name, "") if isinstance(row, Mapping) else ""
    return row
