"""Wheels that artifacts fetches itself: from private indexes, and from nobody who is not what the lockfile says."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from conda_store_shared.conda.pip_files import PipFiles
from conda_store_shared.domain.lockfile import LockedPackage
from conda_store_shared.errors import StageFailure
from conda_store_shared.testing.private_server import PrivateServer, Secrets, write_certificate
from conda_store_shared.testing.tiny_channel import TinyWheel

WHEEL = "mine/mine-1.0-py3-none-any.whl"
SECRETS = Secrets()


@pytest.fixture
def index(tmp_path: Path) -> Path:
    """A directory with one wheel."""
    TinyWheel(name="mine").write(tmp_path / "index")
    return tmp_path / "index"


@pytest.fixture
def server(index: Path) -> Iterator[PrivateServer]:
    """The wheel behind credentials."""
    with PrivateServer(index, SECRETS) as running:
        yield running


def locked(index: Path, url: str) -> LockedPackage:
    sha256 = hashlib.sha256((index / WHEEL).read_bytes()).hexdigest()
    return LockedPackage(
        name="mine", version="1.0", manager="pip", platform="linux-64", url=f"{url}/{WHEEL}", md5=None, sha256=sha256,
        build=None, dependencies={},
    )  # fmt: skip


@pytest.mark.parametrize("manner", ["open", "token", "basic", "bearer", "raw"])
def test_wheel_comes_from_whoever_is_shown_its_credential(
    server: PrivateServer, index: Path, tmp_path: Path, manner: str
) -> None:
    cache = PipFiles(root=tmp_path / "wheels", credentials=server.credentials())
    package = locked(index, f"{server.url}/{manner}")
    assert cache.fetch(package).read_bytes() == (index / WHEEL).read_bytes()
    asked = len(server.seen)
    cache.fetch(package)
    assert len(server.seen) == asked


@pytest.mark.parametrize(
    ("credentials", "words"),
    [({}, "it was shown no credential"), ({"bearer": "wr-ong"}, "it was shown the credential 'team'")],
)
def test_refusal_tells_which_credential_was_shown(
    server: PrivateServer, index: Path, tmp_path: Path, credentials: dict[str, str], words: str
) -> None:
    team = {"team": {"address": server.url, **credentials}} if credentials else {}
    with pytest.raises(StageFailure) as failure:
        PipFiles(root=tmp_path / "wheels", credentials=team).fetch(locked(index, f"{server.url}/basic"))
    assert (failure.value.cause, failure.value.transient) == ("channel_forbidden", False)
    assert words in failure.value.detail
    assert "wr-ong" not in failure.value.detail


@pytest.mark.parametrize("manner", ["token", "basic", "bearer", "raw"])
def test_credential_is_shown_to_nobody_else_when_a_wheel_is_moved(
    server: PrivateServer, index: Path, tmp_path: Path, manner: str
) -> None:
    with PrivateServer(index) as elsewhere:
        server.moved[f"/{manner}"] = f"{elsewhere.url}/open"
        cache = PipFiles(root=tmp_path / "wheels", credentials=server.credentials())
        assert cache.fetch(locked(index, f"{server.url}/{manner}")).exists()
        told = repr([(seen.path, seen.headers) for seen in elsewhere.seen])
    assert elsewhere.seen
    values = (SECRETS.token, SECRETS.password, SECRETS.bearer, SECRETS.raw, SECRETS.basic)
    assert [value for value in values if value in told] == []


def test_certificate_need_not_be_good_for_those_who_say_so(index: Path, tmp_path: Path) -> None:
    with PrivateServer(index, certificate=write_certificate(tmp_path / "certificate.pem")) as server:
        package = locked(index, f"{server.url}/open")
        with pytest.raises(StageFailure) as failure:
            PipFiles(root=tmp_path / "wheels").fetch(package)
        assert "CERTIFICATE_VERIFY_FAILED" in failure.value.detail
        assert not failure.value.transient
        assert PipFiles(root=tmp_path / "wheels", trusted_hosts=("127.0.0.1",)).fetch(package).exists()


def test_host_that_is_shown_a_credential_by_https_is_trusted_by_nobody_saying_so(index: Path, tmp_path: Path) -> None:
    with PrivateServer(index, SECRETS, certificate=write_certificate(tmp_path / "certificate.pem")) as server:
        cache = PipFiles(root=tmp_path / "wheels", credentials=server.credentials(), trusted_hosts=("127.0.0.1",))
        with pytest.raises(StageFailure):
            cache.fetch(locked(index, f"{server.url}/basic"))
        assert server.seen == []
