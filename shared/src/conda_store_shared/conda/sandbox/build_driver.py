"""Calls the build backend of a source package (PEP 517); runs in a sandbox, by the environment's own Python.

``python build_driver.py ARCHIVE WORK WHAT BACKEND PATH…``: extracts ARCHIVE into WORK/source, and writes to WORK/out
what hook ``get_requires_for_build_wheel`` gives (WHAT is ``requires``), or the wheel (``wheel``).  Standard library
alone, and the syntax of Python 3.8: nothing of this project is there.
"""

import importlib
import json
import os
import sys
import tarfile
import zipfile


def main() -> None:
    """Do what the arguments say."""
    archive, work, what, backend, *places = sys.argv[1:]
    source = os.path.join(work, "source")
    if not os.path.isdir(source):
        _extract(archive, source)
    (top,) = os.listdir(source)
    os.chdir(os.path.join(source, top))
    sys.path[:0] = [os.path.abspath(place) for place in places] if places else []
    out = os.path.join(work, "out")
    os.makedirs(out, exist_ok=True)
    module, _, attributes = backend.partition(":")
    hooks = importlib.import_module(module)
    for name in filter(None, attributes.split(".")):
        hooks = getattr(hooks, name)
    if what == "wheel":
        hooks.build_wheel(out)
        return
    hook = getattr(hooks, "get_requires_for_build_wheel", list)
    with open(os.path.join(out, "requires.json"), "w") as file:
        json.dump(list(hook()), file)


def _extract(archive: str, target: str) -> None:
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as opened:
            opened.extractall(target)  # noqa: S202 - it can write to the sandbox alone
    else:
        with tarfile.open(archive) as tar:
            # Where Python knows no filters there is none.
            tar.extraction_filter = getattr(tarfile, "data_filter", None)
            tar.extractall(target)  # noqa: S202


if __name__ == "__main__":
    main()
