"""A build is what its server signed, or the client says what is not and ends with 1."""

import base64
import hashlib
import json
import stat
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.unit.client.answering_server import Answer, AnsweringServer, data, error
from tests.unit.client.calling import Caller
from tests.unit.client.client_builds import a_build, serve_build

pytestmark = pytest.mark.slow

BUILD = "/api/v1/build/12/"
LOCKFILE, ARCHIVE = b"the lockfile", b"the archive"
KINDS: dict[str, Any] = {
    "_type": "https://in-toto.io/Statement/v1",
    "predicateType": "https://slsa.dev/provenance/v1",
}


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def pem_of(key: Any) -> str:
    pem: bytes = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return pem.decode()


def id_of(key: Ed25519PrivateKey) -> str:
    return sha256(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def a_statement(**changes: Any) -> dict[str, Any]:
    subjects = {
        "archive/12.tar.gz": sha256(ARCHIVE),
        "lockfile/12.yml": sha256(LOCKFILE),
        "docker/manifest/12": "d" * 64,
    }
    definition = {
        "externalParameters": {"namespace": "ml", "environment": "nightly"},
        "internalParameters": {"buildId": 12},
    }
    return {
        **KINDS,
        "subject": [{"name": name, "digest": {"sha256": digest}} for name, digest in subjects.items()],
        "predicate": {"buildDefinition": definition, "runDetails": {"builder": {"id": "https://site.example"}}},
        **changes,
    }


def an_envelope(key: Ed25519PrivateKey, value: Any, kind: str = "application/vnd.in-toto+json") -> dict[str, Any]:
    payload = json.dumps(value).encode()
    signature = key.sign(f"DSSEv1 {len(kind)} {kind} {len(payload)} ".encode() + payload)
    return {
        "payloadType": kind,
        "payload": base64.b64encode(payload).decode(),
        "signatures": [{"keyid": "any", "sig": base64.b64encode(signature).decode()}],
    }


def serve(server: AnsweringServer, key: Ed25519PrivateKey, envelope: Any = None) -> None:
    """A server with one build, signed with ``key``."""
    server.routes["/api/v1/provenance/key/"] = data({"public_key": pem_of(key), "key_id": "any"})
    told = an_envelope(key, a_statement()) if envelope is None else envelope
    server.routes[f"{BUILD}provenance/"] = Answer(200, json.dumps(told).encode())
    server.routes[f"{BUILD}archive/"] = Answer(200, ARCHIVE)
    server.routes[f"{BUILD}lockfile/"] = Answer(200, LOCKFILE)


@pytest.fixture
def key(server: AnsweringServer) -> Ed25519PrivateKey:
    """The key of the site, whose build 12 is as it should be."""
    made = Ed25519PrivateKey.generate()
    serve(server, made)
    return made


def test_everything_of_a_build_is_compared_when_no_file_is_named(call: Caller, key: Ed25519PrivateKey) -> None:
    told = call("verify", "12")
    assert told.out.splitlines() == [
        f"ok: archive/12.tar.gz ({sha256(ARCHIVE)})",
        f"not compared: docker/manifest/12 (sha256:{'d' * 64})",
        f"ok: lockfile/12.yml ({sha256(LOCKFILE)})",
        "build 12 of ml/nightly is what https://site.example signed",
    ]
    assert told.err == f"the key of {call.url} was not known; from now on it is {id_of(key)}\n"
    assert call("verify", "12").err == ""
    remembered = call.tokens.with_name("known-keys.json")
    assert stat.S_IMODE(remembered.stat().st_mode) == 0o600
    assert json.loads(remembered.read_text()) == {call.url: pem_of(key)}


@pytest.mark.usefixtures("key")
def test_files_are_compared_when_they_are_named(call: Caller, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.tar.gz", tmp_path / "bad.tar.gz"
    good.write_bytes(ARCHIVE)
    bad.write_bytes(ARCHIVE + b"!")
    assert f"ok: {good} (archive/12.tar.gz)" in call("verify", "12", str(good)).out
    told = call("verify", "12", str(good), str(bad), status=1)
    assert f"WRONG: {bad} (nothing that build 12 left behind: {sha256(ARCHIVE + b'!')})" in told.out
    assert told.err.splitlines()[-1] == f"not what was signed: {bad}"
    assert "is what" not in told.out


@pytest.mark.usefixtures("key")
def test_build_is_refused_when_the_server_gives_something_else(call: Caller, server: AnsweringServer) -> None:
    server.routes[f"{BUILD}archive/"] = Answer(200, b"another")
    told = call("verify", "12", status=1)
    assert f"WRONG: archive/12.tar.gz ({sha256(b'another')} instead of {sha256(ARCHIVE)})" in told.out
    assert told.err.splitlines()[-1] == "not what was signed: archive/12.tar.gz"


def test_archives_of_both_compressions_are_compared_each_with_its_own(
    call: Caller, server: AnsweringServer, key: Ed25519PrivateKey
) -> None:
    other = b"the archive, compressed by zstd"
    digests = {"archive/12.tar.gz": sha256(ARCHIVE), "archive/12.tar.zst": sha256(other)}
    subjects = [{"name": name, "digest": {"sha256": digest}} for name, digest in digests.items()]
    serve(server, key, an_envelope(key, a_statement(subject=subjects)))
    server.routes[f"{BUILD}archive/"] = lambda asked: Answer(200, other if "compression" in asked.query else ARCHIVE)
    assert call("verify", "12").out.splitlines()[:2] == [f"ok: {name} ({one})" for name, one in digests.items()]


@pytest.mark.usefixtures("key")
def test_build_is_refused_when_an_artifact_is_not_there_any_more(call: Caller, server: AnsweringServer) -> None:
    serve_build(server, a_build(12, "COMPLETED", "LOCKFILE"))
    server.routes[f"{BUILD}archive/"] = error(404, "gone")
    assert "Error downloading build 12" in call("verify", "12", status=1).err


def test_server_is_refused_when_its_key_has_changed(
    call: Caller, server: AnsweringServer, key: Ed25519PrivateKey
) -> None:
    call("verify", "12")
    other = Ed25519PrivateKey.generate()
    serve(server, other)
    told = call("verify", "12", status=1)
    assert told.err.splitlines()[0] == f"{call.url} signs with another key than before"
    assert f"Known is {id_of(key)}; now it shows {id_of(other)}." in told.err
    assert told.out == ""
    assert call("verify", "--forget-key").out == ""
    assert id_of(other) in call("verify", "12").err


def test_key_that_is_given_counts_and_not_the_server_s(
    call: Caller, server: AnsweringServer, key: Ed25519PrivateKey, tmp_path: Path
) -> None:
    own = tmp_path / "site.pem"
    own.write_text(pem_of(key))
    del server.routes["/api/v1/provenance/key/"]
    assert "is what https://site.example signed" in call("verify", "12", "--key", str(own)).out
    own.write_text(pem_of(Ed25519PrivateKey.generate()))
    assert "the signature of the provenance is wrong" in call("verify", "12", "--key", str(own), status=1).err
    assert not call.tokens.with_name("known-keys.json").exists()


@pytest.mark.parametrize("text", ["", "x", pem_of(generate_private_key(SECP256R1()))])
@pytest.mark.usefixtures("key")
def test_key_is_refused_when_it_is_none(call: Caller, tmp_path: Path, text: str) -> None:
    (tmp_path / "site.pem").write_text(text)
    told = call("verify", "12", "--key", str(tmp_path / "site.pem"), status=1)
    assert "is no public ed25519 key in PEM" in told.err


def test_provenance_is_refused_when_it_was_changed_or_is_about_something_else(
    call: Caller, server: AnsweringServer, key: Ed25519PrivateKey
) -> None:
    signed, forged = an_envelope(key, a_statement()), an_envelope(Ed25519PrivateKey.generate(), a_statement())
    other = a_statement()
    other["predicate"]["buildDefinition"]["internalParameters"]["buildId"] = 13
    cases: list[tuple[Any, str]] = [
        (forged, "the signature of the provenance is wrong"),
        ({**signed, "payload": base64.b64encode(b"{}").decode()}, "the signature of the provenance is wrong"),
        ({**signed, "payloadType": "text/plain"}, "the signature of the provenance is wrong"),
        ({**signed, "signatures": []}, "the signature of the provenance is wrong"),
        ({**signed, "payload": "?"}, "is not encoded as it should be"),
        (an_envelope(key, a_statement(), "text/plain"), "the provenance is of another kind: text/plain"),
        (an_envelope(key, a_statement(predicateType="x")), "the provenance is of another kind"),
        (an_envelope(key, a_statement(subject=[{}])), "the server's answer lacks 'name'"),
        (an_envelope(key, other), "the provenance is about something else than 12"),
        ([], "the server's answer lacks 'payloadType'"),
    ]
    for envelope, message in cases:
        serve(server, key, envelope)
        assert message in call("verify", "12", status=1).err
    assert not call.tokens.with_name("known-keys.json").exists()


def test_build_of_another_environment_is_refused(call: Caller, server: AnsweringServer, key: Ed25519PrivateKey) -> None:
    server.routes["/api/v1/environment/ml/other/"] = data({"id": 1, "current_build_id": 12})
    told = call("verify", "ml/other", status=1)
    assert "the provenance is about something else than ml/other\nIt is about build 12 of ml/nightly." in told.err
    assert id_of(key) not in told.err


def test_remedy_is_told_when_a_server_signs_nothing(call: Caller, server: AnsweringServer) -> None:
    server.routes["/api/v1/provenance/key/"] = error(404, "this server signs no provenance; its administrator …")
    assert "this server signs no provenance" in call("verify", "12", status=1).err


def test_keys_that_others_could_have_changed_are_not_trusted(call: Caller, key: Ed25519PrivateKey) -> None:
    remembered = call.tokens.with_name("known-keys.json")
    remembered.parent.mkdir()
    remembered.write_text(json.dumps({call.url: pem_of(key)}))
    remembered.chmod(0o666)
    assert "can be written by others" in call("verify", "12", status=1).err
    remembered.chmod(0o644)
    assert call("verify", "12").err == ""
    remembered.write_text(json.dumps({call.url: 3}))
    assert "is damaged" in call("verify", "12", status=1).err


def test_verify_wants_to_know_what(call: Caller) -> None:
    assert "Missing argument 'URI'" in call("verify", status=2).err
