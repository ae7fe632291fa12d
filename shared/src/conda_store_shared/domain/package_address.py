"""What the address of a conda package tells."""

import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

_ENDINGS = (".conda", ".tar.bz2")
# Files are called so on disk.
_FILE_NAME = re.compile(r"[^\s/\\\x00-\x1f\x7f]{1,250}", re.ASCII)
_SUBDIR = re.compile(r"[A-Za-z0-9_-]{1,50}", re.ASCII)
_PART = re.compile(r"(?!\.{0,2}$)[^\s/\\\x00-\x1f\x7f]{1,200}", re.ASCII)


def is_part(text: str) -> bool:
    """Whether a name, version or build can be part of the name of a file or directory."""
    return bool(_PART.fullmatch(text))


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageAddress:
    """What the address of a conda package tells; ``channel`` is its base address, ``build`` the build string."""

    channel: str
    subdir: str
    file_name: str
    name: str
    version: str
    build: str

    @classmethod
    def parse(cls, url: str) -> "PackageAddress":
        """Take the address apart; raises ValueError when it does not end in SUBDIR/NAME-VERSION-BUILD.conda."""
        base, _, _ = url.partition("#")
        pieces = base.rsplit("/", 2)
        file_name = unquote(pieces[-1])
        stem = next((file_name.removesuffix(ending) for ending in _ENDINGS if file_name.endswith(ending)), "")
        names = stem.rsplit("-", 2)
        is_named = bool(_FILE_NAME.fullmatch(file_name)) and len(pieces) == 3 and bool(_SUBDIR.fullmatch(pieces[1]))
        if not is_named or len(names) != 3 or not all(names) or not urlsplit(base).scheme:
            raise ValueError(f"…/{file_name!a} is not the address of a conda package")
        name, version, build = names
        return cls(channel=pieces[0], subdir=pieces[1], file_name=file_name, name=name, version=version, build=build)
