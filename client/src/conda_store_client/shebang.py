"""Scripts that name the environment they run in.

The first line makes the kernel start ``conda-store``, another one says how::

    #!/usr/bin/env conda-store
    #! conda-store run namespace/name -- python

More such lines go on with the arguments.
"""

import re
import shlex
from collections.abc import Sequence
from pathlib import Path

from conda_store_client.errors import ClientError

_FIRST_LINE = re.compile(r"#!.*\bconda-store\s*")
_ARGUMENTS = re.compile(r"^#!\s*conda-store\s+(.*\brun\b.*)$", re.MULTILINE)
_LONGEST_HEAD = 64 * 1024


def expand_script(arguments: Sequence[str]) -> list[str]:
    """Return the arguments to go on with: those in the script, if the first argument is one; raises ClientError."""
    if not arguments or not is_conda_store_script(arguments[0]):
        return list(arguments)
    script = arguments[0]
    lines = _ARGUMENTS.findall(_head(script))
    if not lines:
        raise ClientError(
            f"{script} does not say which environment it runs in",
            "It needs a line `#! conda-store run <namespace>/<name>`.",
        )
    try:
        first, *more = map(shlex.split, lines)
    except ValueError as problem:
        raise ClientError(f"cannot read the arguments in {script}: {'; '.join(lines)}", str(problem)) from None
    # Further lines go on where the first one ends.
    return [*first, *(argument for line in more for argument in line[line.index("run") + 1 :]), *arguments]


def is_conda_store_script(path: str) -> bool:
    """Whether a file begins by asking for conda-store."""
    first_line, _, _rest = _head(path).partition("\n")
    return _FIRST_LINE.fullmatch(first_line.rstrip("\r")) is not None


def _head(path: str) -> str:
    try:
        with Path(path).open("rb") as script:
            return script.read(_LONGEST_HEAD).decode(errors="replace").replace("\r\n", "\n")
    except (OSError, ValueError):
        return ""
