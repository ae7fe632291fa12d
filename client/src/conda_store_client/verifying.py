"""Checks that a build, and files of it, are what the site has signed."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from conda_store_client.connection import Connection
from conda_store_client.downloading import DOWNLOADED, write_artifact
from conda_store_client.errors import ClientError
from conda_store_client.known_keys import KnownKeys
from conda_store_client.provenance import SiteKey, Statement, fetch_envelope, fetch_key, open_envelope
from conda_store_client.uri import BuildUri

# What can be fetched, by how the names of what a build left behind begin and end.
_FETCHED = (
    ("lockfile/", ".yml", "lockfile"),
    ("yaml/", ".yml", "yaml"),
    ("archive/", ".tar.gz", "archive"),
    ("archive/", ".tar.zst", "archive-zstd"),
    ("installer/", ".sh", "installer"),
)
_PIECE = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A thing that was looked at: ``ok`` is None when it could not be fetched to be compared; ``told`` is about it."""

    name: str
    ok: bool | None
    told: str


def read_key(path: Path) -> SiteKey:
    """Return the key in a file; raises ClientError."""
    try:
        return SiteKey.parse(path.read_text(), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise ClientError(f"cannot read {path}", str(error)) from None


def trusted_key(connection: Connection, known: KnownKeys) -> tuple[SiteKey, bool]:
    """Return the key of a server, and whether it is seen for the first time; raises ClientError for a changed one."""
    shown, remembered = fetch_key(connection), known.find(connection.url)
    if remembered is None:
        return shown, True
    key = SiteKey.parse(remembered, f"the key of {connection.url} in {known.path}")
    if key.id != shown.id:
        raise ClientError(
            f"{connection.url} signs with another key than before",
            f"Known is {key.id}; now it shows {shown.id}.\nSomebody may have taken its place. When its administrator "
            "confirms that the key was changed: conda-store verify --forget-key",
        )
    return key, False


def fetch_statement(connection: Connection, build_id: int, uri: str, key: SiteKey) -> Statement:
    """Return what was signed about a build; raises ClientError when it is about another one."""
    statement = open_envelope(fetch_envelope(connection, build_id), key)
    asked = BuildUri.parse(uri).environment
    found = f"build {statement.build_id} of {statement.namespace}/{statement.environment}"
    if statement.build_id != build_id or (asked and str(asked) != f"{statement.namespace}/{statement.environment}"):
        raise ClientError(f"the provenance is about something else than {uri}", f"It is about {found}.")
    return statement


def check_files(statement: Statement, files: Sequence[Path]) -> Iterator[Checked]:
    """Compare files with what was signed; raises ClientError for one that cannot be read."""
    names = {digest: name for name, digest in statement.digests.items()}
    for path in files:
        digest = _digest_of(path)
        if digest in names:
            yield Checked(name=str(path), ok=True, told=names[digest])
        else:
            yield Checked(
                name=str(path), ok=False, told=f"nothing that build {statement.build_id} left behind: {digest}"
            )


def check_artifacts(connection: Connection, statement: Statement) -> Iterator[Checked]:
    """Fetch what a build left behind and compare it with what was signed."""
    for name, digest in sorted(statement.digests.items()):
        artifact = next((one for start, end, one in _FETCHED if name.startswith(start) and name.endswith(end)), "")
        if artifact not in DOWNLOADED:
            yield Checked(name=name, ok=None, told=f"sha256:{digest}")
            continue
        hasher = hashlib.sha256()
        write_artifact(connection, statement.build_id, artifact, hasher.update)
        same = hasher.hexdigest() == digest
        yield Checked(name=name, ok=same, told=digest if same else f"{hasher.hexdigest()} instead of {digest}")


def _digest_of(path: Path) -> str:
    hasher = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while piece := file.read(_PIECE):
                hasher.update(piece)
    except OSError as error:
        raise ClientError(f"cannot read {path}", error.strerror or str(error)) from None
    return hasher.hexdigest()
