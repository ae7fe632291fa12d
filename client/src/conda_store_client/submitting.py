"""What is submitted: the text of a specification or of a lockfile."""

import json
import re
import sys
from pathlib import Path

from conda_store_client.errors import ClientError

_NAME_LINE = re.compile(r"""^(?:name|"name"|'name')[ \t]*:.*$""", re.MULTILINE)
_EXPLICIT = re.compile(r"^[ \t]*@EXPLICIT[ \t]*\r?$", re.MULTILINE)
_TOP_LEVEL = re.compile(r"^([a-z]+)[ \t]*:", re.MULTILINE)
_LOCK_KEYS = ({"package", "metadata"}, {"packages", "environments"})
_DOCUMENT_START = re.compile(r"\A(?:(?:%|#).*\n|[ \t]*\n)*---[^\n]*\n")


def read_text(path: str) -> str:
    """Return the text of a file, or of standard input for ``-``; raises ClientError."""
    try:
        content = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
        return content.decode("utf-8-sig")
    except OSError as error:
        raise ClientError(f"cannot read {path}", error.strerror or str(error)) from None
    except UnicodeDecodeError as error:
        raise ClientError(f"{told(path)} is not text in UTF-8", str(error)) from None


def is_lock(text: str, path: str) -> bool:
    """Whether a file is a lock by its name or by what it says: conda-lock's, pixi's, or an ``@EXPLICIT`` list."""
    if Path(path).name == "pixi.lock" or Path(path).name.endswith(("conda-lock.yml", "conda-lock.yaml")):
        return True
    try:
        value = json.loads(text)
        keys = set(value) if isinstance(value, dict) else set()
    except ValueError:
        if _EXPLICIT.search(text):
            return True
        keys = set(_TOP_LEVEL.findall(text))
    return any(known <= keys for known in _LOCK_KEYS)


def told(path: str) -> str:
    """A file as errors name it."""
    return "standard input" if path == "-" else path


def with_name(specification: str, name: str) -> str:
    """Return a specification under another name, the rest as it is written."""
    try:
        fields = json.loads(specification)
    except ValueError:
        return _with_name_line(specification, f"name: {json.dumps(name)}")
    return json.dumps({**fields, "name": name}) if isinstance(fields, dict) else specification


def _with_name_line(specification: str, line: str) -> str:
    renamed, found = _NAME_LINE.subn(lambda _match: line, specification, count=1)
    if found:
        return renamed
    start = _DOCUMENT_START.match(specification)
    end = start.end() if start else 0
    return f"{specification[:end]}{line}\n{specification[end:]}"
