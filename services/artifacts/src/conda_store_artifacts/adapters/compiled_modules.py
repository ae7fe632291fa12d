"""Runs in a child process: compiled Python modules that count whatever the time of their sources is (PEP 552).

In an image nobody may write beside the sources, and their times are made up: modules that were compiled for a time
would be compiled anew at each start.
"""

import importlib.util
import marshal
import os
import sys
import warnings
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_HEADER = 16
_UNCHECKED = (1).to_bytes(4, "little")
_TIMED = bytes(4)
_TESTS = frozenset({"test", "tests", "idle_test"})
_WORTH_A_PROCESS = 200
_OURS = f"{sys.version_info[0]}.{sys.version_info[1]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """The source of a module, and where its compiled one is to be written.

    ``place`` is where the source is going to be, ``packaged`` the compiled module that comes with it.
    """

    source: str
    place: str
    packaged: str | None
    compiled: str


def compile_modules(prefix: Path, target: str, python: str, processes: int = 1) -> None:
    """Compile what lies below ``prefix``, which will be at ``target``, for ``python``, each beside its source."""
    modules = []
    for source in (prefix / "lib" / f"python{python}").rglob("*.py"):
        path = str(source.relative_to(prefix))
        compiled = f"{prefix}/{compiled_path(path, python)}"
        modules.append(
            Module(source=str(source), place=f"{target}/{path}", packaged=compiled, compiled=compiled)
        )
    compile_all(modules, python, processes)


def compile_all(modules: Sequence[Module], python: str, processes: int = 1) -> None:
    """Compile modules for ``python`` (``3.11``, or ``3.13t``); of some there is none afterwards.

    What is compiled already is taken over.  Else only modules of the Python that runs this can be compiled; those of
    another one stay as they are, and so do tests, which nobody runs in an image.
    """
    if len(modules) < _WORTH_A_PROCESS:
        processes = 1
    shares = [modules[number::processes] for number in range(processes)]
    helping = [(share, _fork(share, python)) for share in shares[1:]]
    _compile_share(shares[0], python)
    for share, process in helping:
        _, status = os.waitpid(process, 0)
        if status != 0:
            _compile_share(share, python)


def compiled_path(path: str, python: str) -> str | None:
    """Where the compiled module of a source is; None for what is no source."""
    directory, _, name = path.rpartition("/")
    if not name.endswith(".py"):
        return None
    return f"{directory}/__pycache__/{name.removesuffix('.py')}.cpython-{python.replace('.', '')}.pyc"


def _compile_share(modules: Iterable[Module], python: str) -> None:
    for module in modules:
        content = _compiled(module, python)
        if content is not None:
            directory = os.path.dirname(module.compiled)
            os.makedirs(directory, exist_ok=True)
            # Never written through: the file may be a link to that of a package cache.
            with suppress(FileNotFoundError):
                os.unlink(module.compiled)
            with open(module.compiled, "xb") as file:
                file.write(content)


def _fork(modules: Iterable[Module], python: str) -> int:
    """Compile in a process of its own, which is in our group and ends with us; return its id."""
    process = os.fork()
    if process == 0:
        status = 1
        try:
            _compile_share(modules, python)
            status = 0
        finally:
            os._exit(status)
    return process


def _compiled(module: Module, python: str) -> bytes | None:
    with open(module.source, "rb") as file:
        text = file.read()
        time = os.fstat(file.fileno()).st_mtime
    body = None if module.packaged is None else _taken_over(module.packaged, int(time), len(text))
    if body is not None:
        return body[:4] + _UNCHECKED + importlib.util.source_hash(text) + body[_HEADER:]
    if python != _OURS or not _TESTS.isdisjoint(module.place.split("/")):
        return None
    try:
        with warnings.catch_warnings(action="ignore"):
            code = compile(text, module.place, "exec", dont_inherit=True, optimize=0)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        # A template, or a test of what does not compile: nobody imports it.
        return None
    # Written twice: what is marked as shared depends on who else holds it, until it was read once.
    shared = marshal.dumps(marshal.loads(marshal.dumps(code)))  # noqa: S302 - our own bytes
    return importlib.util.MAGIC_NUMBER + _UNCHECKED + importlib.util.source_hash(text) + shared


def _taken_over(packaged: str, time: int, size: int) -> bytes | None:
    """The module as it was packaged, when it is that of the source as it is."""
    try:
        body = Path(packaged).read_bytes()
    except FileNotFoundError:
        return None
    when = time.to_bytes(8, "little")[:4] + size.to_bytes(8, "little")[:4]
    return body if body[4:8] == _TIMED and body[8:_HEADER] == when else None
