"""Files of an image that belong to no package: the base without which nothing runs, and what activates it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from conda_store_artifacts.domain.image_config import ENTRYPOINT, HOME, PREFIX, USER, USER_ID

ROOT = 0
_SHELLS = f"{PREFIX}/bin/bash /bin/bash"

# Scripts of packages are written for bash more often than not.
_ENTRYPOINT_SCRIPT = f"""#!/bin/sh
# Activates the environment, then becomes the command.
if [ -z "${{BASH_VERSION:-}}" ]; then
    for shell in {_SHELLS}; do
        [ -x "$shell" ] && exec "$shell" "$0" "$@"
    done
fi
for script in "{PREFIX}"/etc/conda/activate.d/*.sh; do
    [ -r "$script" ] && . "$script"
done
unset script shell
exec "$@"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFile:
    """A file with ``content``, or that of the file ``source`` of this machine; a ``link``; else a directory."""

    path: str
    content: str | None = None
    source: str | None = None
    link: str | None = None
    mode: int = 0o644
    owner: int = ROOT


def directory(path: str, mode: int = 0o755, owner: int = ROOT) -> ImageFile:
    """A directory."""
    return ImageFile(path=path.strip("/"), mode=mode, owner=owner)


def base_files(libraries: Mapping[str, str], programs: Mapping[str, str]) -> tuple[ImageFile, ...]:
    """The minimal base: files of the machine by their path in the image, and who may be in it."""
    sources = {**libraries, **programs}
    files = [ImageFile(path=path.strip("/"), source=source, mode=0o755) for path, source in sources.items()]
    files += [
        ImageFile(path="etc/passwd", content=_passwd()),
        ImageFile(path="etc/group", content=f"root:x:0:\n{USER}:x:{USER_ID}:\nnogroup:x:65534:\n"),
        ImageFile(path="etc/nsswitch.conf", content="passwd: files\ngroup: files\nhosts: files dns\n"),
        directory("tmp", 0o1777),
        directory("var/tmp", 0o1777),
        directory("root", 0o700),
        ImageFile(path="usr/bin/sh", link="/bin/sh", mode=0o777),
    ]
    parents = {parent for file in files for parent in _parents(file.path)}
    return tuple(sorted([*(directory(path) for path in parents), *files], key=lambda file: file.path))


def activation_files(history: str) -> tuple[ImageFile, ...]:
    """What an image has besides its packages: the entrypoint, a home, and how the environment came to be."""
    files = [
        directory(PREFIX),
        directory(f"{PREFIX}/conda-meta"),
        directory(f"{PREFIX}/etc"),
        directory(f"{PREFIX}/etc/conda"),
        ImageFile(path=ENTRYPOINT.strip("/"), content=_ENTRYPOINT_SCRIPT, mode=0o755),
        ImageFile(path=f"{PREFIX}/conda-meta/history".strip("/"), content=history),
        directory(HOME, 0o755, USER_ID),
    ]
    return tuple(sorted(files, key=lambda file: file.path))


def write_history(specification: Sequence[str], packages: Sequence[str]) -> str:
    """What conda reads to know what was asked for; ``packages`` as ``channel::name-version-build``."""
    lines = ["==> 1970-01-01 00:00:00 <==", "# cmd: conda-store", *(f"+{package}" for package in packages)]
    asked = ", ".join(repr(each) for each in specification)
    return "\n".join([*lines, f"# update specs: [{asked}]", ""])


def _passwd() -> str:
    return (
        "root:x:0:0:root:/root:/bin/sh\n"
        f"{USER}:x:{USER_ID}:{USER_ID}:{USER}:{HOME}:/bin/sh\n"
        "nobody:x:65534:65534:nobody:/nonexistent:/bin/false\n"
    )


def _parents(path: str) -> list[str]:
    parts = path.split("/")[:-1]
    return ["/".join(parts[: count + 1]) for count in range(len(parts))]
