"""Base images under the names that our own files have for them, made of Debian's packages: no registry is asked.

What a container of PostgreSQL or RabbitMQ says of its version is Debian's, not the tag's.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from conda_store_shared.testing.servers.docker_engine import DockerEngine
from conda_store_shared.testing.servers.process import find_program

DEBIAN = "debian:12.12-slim"
# The directory of each recipe by the image that it stands in for.
RECIPES = {
    "python:3.11.14-slim-bookworm": "python",
    "postgres:16.10-bookworm": "postgres",
    "rabbitmq:4.1.3": "rabbitmq",
}
_DIRECTORY = Path(__file__).parents[1] / "stand_ins"
_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
_SUITE = "bookworm"
# As the slim images have it.
_LEFT_OUT = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*", "/usr/share/info/*", "/usr/share/lintian/*")


def load_base_images(engine: DockerEngine) -> None:
    """Give the engine every base image; they are made once, and then kept below the user's cache directory."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "conda-store-tests"
    cache.mkdir(parents=True, exist_ok=True)
    kept = cache / f"base-images-{_digest()}.tar"
    with (cache / "base-images.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            _make(engine)
            made = kept.with_suffix(".new")
            engine.docker("save", "--output", made, DEBIAN, *RECIPES)
            for old in cache.glob("base-images-*.tar"):
                old.unlink()
            made.rename(kept)
            return
    engine.docker("load", "--quiet", "--input", kept)


def _digest() -> str:
    digest = hashlib.sha256(repr((DEBIAN, RECIPES, _LEFT_OUT)).encode())
    for path in [*sorted(_DIRECTORY.rglob("*")), _CERTIFICATES]:
        if path.is_file():
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _make(engine: DockerEngine) -> None:
    with tempfile.TemporaryDirectory(prefix="conda-store-base-") as scratch:
        root = Path(scratch) / "debian.tar"
        program = str(find_program("mmdebstrap", "mmdebstrap", "/usr/bin"))
        options = ["--quiet", "--variant=minbase", "--include=ca-certificates"]
        options += [f"--dpkgopt=path-exclude={pattern}" for pattern in _LEFT_OUT]
        subprocess.run([program, *options, _SUITE, str(root)], check=True, timeout=600, capture_output=True)
        engine.docker("import", "--change", 'CMD ["bash"]', root, DEBIAN)
        for image, recipe in RECIPES.items():
            context = Path(scratch) / recipe
            shutil.copytree(_DIRECTORY / recipe, context)
            # Packages are fetched through whatever this machine trusts.
            shutil.copy(_CERTIFICATES, context)
            engine.build(context, image, DEBIAN=DEBIAN)
