"""Package indexes that demand credentials, and indexes as odd as they may be, by the real uv."""

import hashlib
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

from conda_store_shared.domain.lockfile import Lockfile
from conda_store_shared.errors import StageFailure
from conda_store_shared.testing.private_server import PrivateServer, Secrets, write_certificate
from conda_store_shared.testing.tiny_channel import TinyWheel

pytestmark = pytest.mark.asyncio(loop_scope="session")
Solve = Callable[..., Coroutine[Any, Any, Lockfile]]
SECRETS = Secrets()


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The index ``simple``, and others in which something is odd."""
    root = tmp_path_factory.mktemp("indexes")
    for wheel in (TinyWheel(name="mine", requires=("shared-one",)), TinyWheel(name="shared-one")):
        wheel.write(root / "simple")
    TinyWheel(name="public").write(root / "more")
    return root


@pytest.fixture
def private(wheels: Path) -> Iterator[PrivateServer]:
    """The indexes behind credentials."""
    with PrivateServer(wheels, SECRETS) as running:
        yield running


def with_credentials(server: PrivateServer) -> dict[str, Any]:
    return {"channel_credentials": server.credentials()}


def by_pip(lockfile: Lockfile) -> dict[str, str]:
    return {package.name: package.url for package in lockfile.select("linux-64", "pip")}


async def failure_of(solving: Awaitable[Lockfile]) -> StageFailure:
    with pytest.raises(StageFailure) as failure:
        await solving
    return failure.value


def odd_index(root: Path, name: str, listing: str) -> None:
    """An index of one package, whose page says ``listing`` of its wheel ``{file}`` with ``{sha256}``."""
    path = TinyWheel(name="odd").write(root / name)
    text = listing.format(file=path.name, sha256=hashlib.sha256(path.read_bytes()).hexdigest())
    (path.parent / "index.html").write_text(text)


@pytest.mark.parametrize("form", ["--index-url {}", "--index-url={}", "--extra-index-url {}", "--extra-index-url={}"])
async def test_private_index_is_shown_its_credential_which_is_written_nowhere(
    solve: Solve, private: PrivateServer, form: str
) -> None:
    pip = [f"--index-url {private.url}/open/more", form.format(f"{private.url}/basic/simple"), "mine"]
    options = with_credentials(private)
    lockfile = await solve("python=3.11", {"pip": pip if "extra" in form else pip[1:]}, options=options)
    assert by_pip(lockfile) == {
        name: f"{private.url}/basic/simple/{name}/{name.replace('-', '_')}-1.0-py3-none-any.whl"
        for name in ("mine", "shared-one")
    }
    text = lockfile.to_text()
    assert [value for value in (SECRETS.password, SECRETS.username, SECRETS.basic) if value in text] == []


async def test_private_wheel_is_shown_its_credential_when_it_is_asked_for_by_address(
    solve: Solve, private: PrivateServer
) -> None:
    address = f"{private.url}/basic/simple/shared-one/shared_one-1.0-py3-none-any.whl"
    pip = [f"--index-url {private.url}/open/more", f"shared-one @ {address}"]
    lockfile = await solve("python=3.11", {"pip": pip}, options=with_credentials(private))
    assert [url.partition("#")[0] for url in by_pip(lockfile).values()] == [address]


async def test_several_indexes_are_asked_in_turn(solve: Solve, private: PrivateServer) -> None:
    pip = [
        f"--index-url {private.url}/open/more",
        f"--extra-index-url {private.url}/basic/simple",
        f"--extra-index-url={private.url}/open/none",
        "public",
        "mine",
    ]
    lockfile = await solve("python=3.11", {"pip": pip}, options=with_credentials(private))
    assert set(by_pip(lockfile)) == {"public", "mine", "shared-one"}


@pytest.mark.parametrize(
    ("place", "credentials", "words"),
    [
        ("basic", {}, "it was shown no credential; if it needs one, name one for its address"),
        ("basic", {"username": "robot", "password": "wr-ong"}, "it was shown the credential 'team'; check that"),
        (
            "bearer",
            {"bearer": "wr-ong"},
            "the credential 'team' for it is an Authorization header, which package indexes",
        ),
        ("token", {"token": "wr-ong"}, "the credential 'team' for it is a token in the path, which package indexes"),
    ],
)
async def test_refusal_of_an_index_is_final_and_tells_which_credential_it_was_shown(
    solve: Solve, private: PrivateServer, place: str, credentials: dict[str, str], words: str
) -> None:
    address = f"{private.url}/{place}"
    options = {"channel_credentials": {"team": {"address": address, **credentials}} if credentials else {}}
    failure = await failure_of(
        solve("python=3.11", {"pip": [f"--index-url {address}/simple", "mine"]}, options=options)
    )
    assert (failure.cause, failure.transient) == ("pip_failed", False)
    assert f"{address}/simple refused access (HTTP 401): {words}" in failure.detail
    assert "wr-ong" not in failure.detail


async def test_index_that_is_away_is_tried_again(solve: Solve) -> None:
    failure = await failure_of(solve("python=3.11", {"pip": ["--index-url http://127.0.0.1:1/simple", "mine"]}))
    assert (failure.cause, failure.transient) == ("pip_failed", True)
    assert "http://127.0.0.1:1/simple" in failure.detail


async def test_credential_goes_to_nobody_else_when_an_index_is_moved(
    solve: Solve, private: PrivateServer, wheels: Path
) -> None:
    with PrivateServer(wheels) as elsewhere:
        private.moved["/basic/away"] = elsewhere.url.replace("127.0.0.1", "localhost") + "/open/simple"
        pip = [f"--index-url {private.url}/basic/away", "mine"]
        assert by_pip(await solve("python=3.11", {"pip": pip}, options=with_credentials(private)))
        shown = repr([seen.headers for seen in elsewhere.seen])
    assert shown != "[]"
    assert "Authorization" not in shown
    assert "Referer" not in shown


@pytest.mark.parametrize("text", ["shared-one @ {}/x${{UV_DEFAULT_INDEX}}/x.whl", "--extra-index-url {}/${{HOME}}"])
async def test_variable_of_the_environment_is_never_filled_in(solve: Solve, private: PrivateServer, text: str) -> None:
    pip = [f"--index-url {private.url}/basic/simple", text.format(private.url)]
    failure = await failure_of(solve("python=3.11", {"pip": pip}, options=with_credentials(private)))
    assert failure.cause == "invalid_specification"
    assert private.seen == [] or "pw-" not in repr([seen.path for seen in private.seen])


async def test_host_that_is_shown_a_credential_by_https_has_to_prove_itself(
    solve: Solve, private: PrivateServer
) -> None:
    credentials = {"team": {"address": "https://pypi.example/x", "username": "me", "password": "pw"}}
    for host in ("pypi.example", "pypi.example:443"):
        pip = [f"--index-url {private.url}/open/more", f"--trusted-host={host}", "public"]
        failure = await failure_of(solve("python=3.11", {"pip": pip}, options={"channel_credentials": credentials}))
        assert failure.cause == "invalid_specification"
        assert f"--trusted-host {host}: it is shown a credential" in failure.detail
    pip = [f"--index-url {private.url}/open/more", "--trusted-host other.example", "--trusted-host=127.0.0.1", "public"]
    assert by_pip(await solve("python=3.11", {"pip": pip}, options={"channel_credentials": credentials}))


async def test_wheel_is_found_wherever_its_index_says(solve: Solve, private: PrivateServer, wheels: Path) -> None:
    odd_index(wheels, "absolute", f'<a href="{private.url}/open/absolute/odd/{{file}}#sha256={{sha256}}">{{file}}</a>')
    odd_index(wheels, "relative", '<a href="../../relative/odd/{file}#sha256={sha256}">{file}</a>')
    odd_index(wheels, "rooted", '<a href="/open/rooted/odd/{file}#sha256={sha256}">{file}</a>')
    for name in ("absolute", "relative", "rooted"):
        lockfile = await solve("python=3.11", {"pip": [f"--index-url {private.url}/open/{name}", "odd"]})
        assert by_pip(lockfile) == {"odd": f"{private.url}/open/{name}/odd/odd-1.0-py3-none-any.whl"}


async def test_wheel_is_locked_with_the_sha256_it_has_when_its_index_tells_none(
    solve: Solve, private: PrivateServer, wheels: Path
) -> None:
    odd_index(wheels, "unhashed", '<a href="{file}">{file}</a>')
    lockfile = await solve("python=3.11", {"pip": [f"--index-url {private.url}/open/unhashed", "odd"]})
    [package] = lockfile.select("linux-64", "pip")
    content = (wheels / "unhashed/odd/odd-1.0-py3-none-any.whl").read_bytes()
    assert package.sha256 == hashlib.sha256(content).hexdigest()


async def test_index_that_tells_an_md5_alone_is_refused_by_name(
    solve: Solve, private: PrivateServer, wheels: Path
) -> None:
    odd_index(wheels, "unhashed", '<a href="{file}#md5=d41d8cd98f00b204e9800998ecf8427e">{file}</a>')
    failure = await failure_of(solve("python=3.11", {"pip": [f"--index-url {private.url}/open/unhashed", "odd"]}))
    assert (failure.cause, failure.transient) == ("pip_failed", False)
    assert "the index publishes no sha256 for pip package odd-1.0-py3-none-any.whl" in failure.detail


async def test_yanked_wheel_is_taken_by_those_alone_who_ask_for_it(
    solve: Solve, private: PrivateServer, wheels: Path
) -> None:
    odd_index(wheels, "yanked", '<a href="{file}#sha256={sha256}" data-yanked="no good">{file}</a>')
    index = f"--index-url {private.url}/open/yanked"
    failure = await failure_of(solve("python=3.11", {"pip": [index, "odd"]}))
    assert (failure.cause, failure.transient) == ("unsatisfiable", False)
    assert "yanked" in failure.detail
    assert by_pip(await solve("python=3.11", {"pip": [index, "odd==1.0"]}))


async def test_conflict_with_conda_names_what_conda_installs(
    solve: Solve, private: PrivateServer, wheels: Path
) -> None:
    TinyWheel(name="wants-old-flask", requires=("flask<3",)).write(wheels / "conflict")
    TinyWheel(name="flask", version="2.0").write(wheels / "conflict")
    TinyWheel(name="flask", version="3.0").write(wheels / "conflict")
    pip = [f"--index-url {private.url}/open/conflict", "wants-old-flask"]
    failure = await failure_of(solve("python=3.11", "flask=3", {"pip": pip}))
    assert failure.cause == "unsatisfiable"
    assert "pip section, linux-64: it does not go with what conda installs, flask 3.0: " in failure.detail
    assert "wants-old-flask" in failure.detail


async def test_extra_of_what_conda_installs_is_added_by_pip(
    solve: Solve, private: PrivateServer, wheels: Path
) -> None:
    TinyWheel(name="flask", version="3.0", requires=("loud-extra ; extra == 'loud'",)).write(wheels / "extras")
    TinyWheel(name="loud-extra").write(wheels / "extras")
    pip = [f"--index-url {private.url}/open/extras", "flask[loud]"]
    assert set(by_pip(await solve("python=3.11", "flask=3", {"pip": pip}))) == {"loud-extra"}


async def test_index_whose_certificate_nobody_vouches_for_is_trusted_by_those_who_say_so(
    solve: Solve, wheels: Path, tmp_path: Path
) -> None:
    with PrivateServer(wheels, certificate=write_certificate(tmp_path / "certificate.pem")) as server:
        pip = [f"--index-url {server.url}/open/more", "public"]
        failure = await failure_of(solve("python=3.11", {"pip": pip}))
        assert (failure.cause, failure.transient) == ("pip_failed", False)
        assert "the certificate of an index is not trusted; have SSL_CERT_FILE name" in failure.detail
        assert by_pip(await solve("python=3.11", {"pip": [*pip, "--trusted-host 127.0.0.1"]}))
