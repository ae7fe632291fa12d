"""Runs in a child process: what an archive has besides its packages, as conda-pack writes it."""

import io
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import conda_pack
from conda_pack import core

from conda_store_artifacts.adapters.gzip_stream import GzipStream
from conda_store_artifacts.adapters.plain_tar import END, Entry, PlainTar
from conda_store_shared.child.report import Report

# Not to edit a running file: the interpreter that runs conda-unpack.
_PYTHON = re.compile(r"bin/python")


def make_end(arguments: dict[str, Any], report: Report) -> str:
    """The last part of an archive, compressed, in base64; ``level`` is that of gzip.

    ``mentions`` are the files to be mended: path, placeholder and mode of each.
    """
    sink = io.BytesIO()
    with GzipStream(sink, level=arguments["level"], threads=1) as stream:
        tar = PlainTar(stream)
        for entry in _entries(arguments["mentions"]):
            tar.add(entry)
        stream.write(END)
    return b64encode(sink.getvalue()).decode()


def _entries(mentions: Iterable[list[str]]) -> Iterator[Entry]:
    # conda needs it to take the directory for an environment.
    yield Entry(path="conda-meta/history", content=b"")
    for source, target in core._scripts:
        yield Entry(path=target, content=Path(source).read_bytes())
    home = Path(conda_pack.__file__).parent
    yield Entry(path="bin/conda_unpack_progress.py", content=(home / "_progress.py").read_bytes())
    yield Entry(path="bin/conda-unpack", content=_conda_unpack(mentions, home), executable=True)


def _conda_unpack(mentions: Iterable[list[str]], home: Path) -> bytes:
    records = ",\n".join(repr(tuple(mention)) for mention in mentions if not _PYTHON.match(mention[0]))
    script: str = core._conda_unpack_template.format(
        shebang="#!/usr/bin/env python",
        prefix_records=records,
        prefixes_py=(home / "prefixes.py").read_text(),
        version=conda_pack.__version__,
    )
    return script.encode()
