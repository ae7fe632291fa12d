"""What the address of a conda package tells."""

from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

_ENDINGS = (".conda", ".tar.bz2")


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
        if len(pieces) != 3 or len(names) != 3 or not all(names) or not pieces[1] or not urlsplit(base).scheme:
            raise ValueError(f"…/{file_name} is not the address of a conda package")
        name, version, build = names
        return cls(channel=pieces[0], subdir=pieces[1], file_name=file_name, name=name, version=version, build=build)
