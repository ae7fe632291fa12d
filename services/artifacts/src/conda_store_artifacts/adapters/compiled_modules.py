"""Runs in a child process: compiled Python modules that count whatever the time of their sources is (PEP 552).

In an image nobody may write beside the sources, and their times are made up: modules that were compiled for a time
would be compiled anew at each start.
"""

import importlib.util
import marshal
import os
import sys
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

_HEADER = 16
_UNCHECKED = (1).to_bytes(4, "little")
_TIMED = bytes(4)
_TESTS = frozenset({"test", "tests", "idle_test"})
_WORTH_A_PROCESS = 200
_OURS = f"{sys.version_info[0]}.{sys.version_info[1]}"


def compile_modules(prefix: Path, target: str, python: str, processes: int = 1) -> None:
    """Compile what lies below ``prefix``, which will be at ``target``, for ``python`` (``3.11``, or ``3.13t``).

    What is compiled already is taken over.  Else only modules of the Python that runs this can be compiled; those of
    another one stay as they are, and so do tests, which nobody runs in an image.
    """
    sources = list((prefix / "lib" / f"python{python}").rglob("*.py"))
    compiler = _Compiler(prefix=prefix, target=target, python=python)
    if len(sources) < _WORTH_A_PROCESS:
        processes = 1
    shares = [sources[number::processes] for number in range(processes)]
    helping = [(share, _fork(compiler, share)) for share in shares[1:]]
    compiler.compile_all(shares[0])
    for share, process in helping:
        _, status = os.waitpid(process, 0)
        if status != 0:
            compiler.compile_all(share)


def compiled_paths(path: str, python: str) -> Iterator[str]:
    """Where the compiled module of a source is, if ``path`` is one."""
    directory, _, name = path.rpartition("/")
    if name.endswith(".py"):
        yield f"{directory}/__pycache__/{name.removesuffix('.py')}.cpython-{python.replace('.', '')}.pyc"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Compiler:
    prefix: Path
    target: str
    python: str

    def compile_all(self, sources: Iterable[Path]) -> None:
        tag = f"cpython-{self.python.replace('.', '')}"
        for source in sources:
            compiled = source.parent / "__pycache__" / f"{source.stem}.{tag}.pyc"
            place = f"{self.target}/{source.relative_to(self.prefix)}"
            content = _compiled(source, compiled, place, self.python)
            if content is not None:
                compiled.parent.mkdir(exist_ok=True)
                # Never written through: the file may be a link to that of a package cache.
                compiled.unlink(missing_ok=True)
                compiled.write_bytes(content)


def _fork(compiler: _Compiler, sources: Iterable[Path]) -> int:
    """Compile in a process of its own, which is in our group and ends with us; return its id."""
    process = os.fork()
    if process == 0:
        status = 1
        try:
            compiler.compile_all(sources)
            status = 0
        finally:
            os._exit(status)
    return process


def _compiled(source: Path, compiled: Path, place: str, python: str) -> bytes | None:
    text = source.read_bytes()
    body = _taken_over(source, compiled, len(text))
    if body is not None:
        return body[:4] + _UNCHECKED + importlib.util.source_hash(text) + body[_HEADER:]
    if python != _OURS or not _TESTS.isdisjoint(place.split("/")):
        return None
    try:
        with warnings.catch_warnings(action="ignore"):
            code = compile(text, place, "exec", dont_inherit=True, optimize=0)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        # A template, or a test of what does not compile: nobody imports it.
        return None
    # Written twice: what is marked as shared depends on who else holds it, until it was read once.
    shared = marshal.dumps(marshal.loads(marshal.dumps(code)))  # noqa: S302 - our own bytes
    return importlib.util.MAGIC_NUMBER + _UNCHECKED + importlib.util.source_hash(text) + shared


def _taken_over(source: Path, compiled: Path, size: int) -> bytes | None:
    """The module as it was packaged, when it is that of the source as it is."""
    try:
        body = compiled.read_bytes()
    except FileNotFoundError:
        return None
    when = int(source.stat().st_mtime).to_bytes(8, "little")[:4] + size.to_bytes(8, "little")[:4]
    return body if body[4:8] == _TIMED and body[8:_HEADER] == when else None
