"""Tokens: ours are read back, all others are worth nothing."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws, jwt
from joserfc.jwk import OctKey, RSAKey

from conda_store_shared.domain.permission import Role, RoleBinding
from conda_store_shared.errors import ConfigurationError, InvalidInput
from conda_store_shared.web.tokens import Token, TokenSigner, read_claims, read_expiration

SECRET = "0123456789abcdef0123456789abcdef"
NOW = datetime(2026, 11, 22, 11, 7, 30, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
CLAIMS = {"exp": int(LATER.timestamp()), "primary_namespace": "alice", "role_bindings": {"alice/*": ["admin"]}}


def encode(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def signed(claims: dict[str, Any], header: dict[str, Any] | None = None, secret: str = SECRET) -> str:
    key = OctKey.import_key(secret)
    return jwt.encode(header or {"alg": "HS256", "typ": "JWT"}, claims, key, algorithms=["HS256", "HS384", "HS512"])


def tampered() -> str:
    header, _, signature = signed(CLAIMS).split(".")
    return f"{header}.{encode({**CLAIMS, 'role_bindings': {'*/*': ['admin']}})}.{signature}"


def with_raw_header(header: Any) -> str:
    _, payload, signature = signed(CLAIMS).split(".")
    return f"{encode(header)}.{payload}.{signature}"


def by_public_key() -> str:
    """Sign with a key the token brings along."""
    key = RSAKey.generate_key(2048)
    header = {"alg": "RS256", "jwk": key.as_dict(private=False)}
    return jwt.encode(header, CLAIMS, key, algorithms=["RS256"])


def with_payload(payload: bytes) -> str:
    return jws.serialize_compact({"alg": "HS256"}, payload, OctKey.import_key(SECRET), algorithms=["HS256"])


HOSTILE: dict[str, str] = {
    "empty": "",
    "dots": "..",
    "one part": "abc",
    "five parts": "a.b.c.d.e",
    "not ascii": "é.b.c",
    "nul": "\x00.\x00.\x00",
    "megabyte": "a" * 1_000_000,
    "megabyte of dots": "." * 1_000_000,
    "none": f"{encode({'alg': 'none'})}.{encode(CLAIMS)}.",
    "none in capitals": f"{encode({'alg': 'NONE'})}.{encode(CLAIMS)}.",
    "no algorithm": with_raw_header({"typ": "JWT"}),
    "list as algorithm": with_raw_header({"alg": ["HS256"]}),
    "list as header": with_raw_header(["HS256"]),
    "number as header": with_raw_header(7),
    "nested header": f"{base64.urlsafe_b64encode(b'[' * 9000).decode()}.e30.AA",
    "wrong key": signed(CLAIMS, secret="another secret of at least 32 bytes"),
    "other algorithm of the same key": signed(CLAIMS, {"alg": "HS512"}),
    "public key brought along": by_public_key(),
    "tampered": tampered(),
    "cut": signed(CLAIMS)[:-4],
    "unknown critical header": with_raw_header({"alg": "HS256", "crit": ["exp"], "exp": 1}),
    "unencoded payload": with_raw_header({"alg": "HS256", "crit": ["b64"], "b64": False}),
    "list as claims": with_payload(b"[1]"),
    "text as claims": with_payload(b'"admin"'),
    "no JSON as claims": with_payload(b"\xff\xfe"),
    "nested claims": with_payload(b'{"a":' * 3000),
}

SENSELESS: dict[str, Any] = {
    "no expiry": {"primary_namespace": "alice"},
    "expired a second ago": {**CLAIMS, "exp": int(NOW.timestamp()) - 1},
    "expires now": {**CLAIMS, "exp": int(NOW.timestamp())},
    "no number as expiry": {**CLAIMS, "exp": {"a": 1}},
    "true as expiry": {**CLAIMS, "exp": True},
    "expiry beyond all years": {**CLAIMS, "exp": 10**30},
    "expiry before all years": {**CLAIMS, "exp": -(10**30)},
    "number as namespace": {**CLAIMS, "primary_namespace": 7},
    "null as namespace": {**CLAIMS, "primary_namespace": None},
    "list as bindings": {**CLAIMS, "role_bindings": ["*/*"]},
    "null as bindings": {**CLAIMS, "role_bindings": None},
    "text as roles": {**CLAIMS, "role_bindings": {"*/*": "admin"}},
    "number as role": {**CLAIMS, "role_bindings": {"*/*": [1]}},
    "unknown role": {**CLAIMS, "role_bindings": {"*/*": ["root"]}},
    "arn without name": {**CLAIMS, "role_bindings": {"alice": ["admin"]}},
    "arn that climbs": {**CLAIMS, "role_bindings": {"../..//*": ["admin"]}},
    "arn with pattern of its own": {**CLAIMS, "role_bindings": {"(.*)/*": ["admin"]}},
    "number as id": {**CLAIMS, "jti": 7},
}


def test_token_is_read_back_as_it_was_signed() -> None:
    token = Token(
        expiration=LATER,
        primary_namespace="alice",
        bindings=(RoleBinding("alice", "*", frozenset({Role.ADMIN, Role.VIEWER})),),
        token_id="id-1",
    )
    assert TokenSigner(SECRET).verify(TokenSigner(SECRET).sign(token), NOW) == token


def test_token_has_the_header_and_claims_that_older_installations_write() -> None:
    text = TokenSigner(SECRET).sign(Token(expiration=LATER, primary_namespace="alice"))
    read = jwt.decode(text, OctKey.import_key(SECRET), algorithms=["HS256"])
    assert read.header == {"alg": "HS256", "typ": "JWT"}
    assert read.claims == {"exp": int(LATER.timestamp()), "primary_namespace": "alice", "role_bindings": {}}


def test_token_of_an_older_installation_is_read() -> None:
    token = TokenSigner(SECRET).verify(signed({**CLAIMS, "role_bindings": {"a/*": ["editor"]}}), NOW)
    assert token is not None
    assert (token.expiration, token.primary_namespace, token.token_id) == (LATER, "alice", None)
    assert token.bindings == (RoleBinding("a", "*", frozenset({Role.DEVELOPER})),)


def test_algorithm_is_the_configured_one() -> None:
    signer = TokenSigner(SECRET * 2, "HS512")
    assert signer.verify(signed(CLAIMS, {"alg": "HS512"}, SECRET * 2), NOW) is not None
    assert signer.verify(signed(CLAIMS, {"alg": "HS256"}, SECRET * 2), NOW) is None


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_token_is_worth_nothing(text: str) -> None:
    assert TokenSigner(SECRET).verify(text, NOW) is None


@pytest.mark.parametrize("claims", SENSELESS.values(), ids=SENSELESS.keys())
def test_signed_token_without_sense_is_worth_nothing(claims: dict[str, Any]) -> None:
    assert TokenSigner(SECRET).verify(signed(claims), NOW) is None


@given(text=st.text(max_size=300))
def test_any_text_is_read_without_an_error(text: str) -> None:
    assert TokenSigner(SECRET).verify(text, NOW) is None


@given(position=st.integers(min_value=0), letter=st.sampled_from("abcXYZ059-_.=+/ "))
def test_token_with_one_letter_changed_never_says_anything_else(position: int, letter: str) -> None:
    text = signed(CLAIMS)
    position %= len(text)
    found = TokenSigner(SECRET).verify(text[:position] + letter + text[position + 1 :], NOW)
    # The last letter of a signature has spare bits, so a change there may mean the same token.
    assert found in (None, read_claims(CLAIMS))


@pytest.mark.parametrize("secret", ["", "short", "x" * 31])
def test_process_does_not_start_with_a_short_secret(secret: str) -> None:
    with pytest.raises(ConfigurationError, match="32 bytes"):
        TokenSigner(secret)


@pytest.mark.parametrize("algorithm", ["none", "RS256", "hs256", "", "HS1"])
def test_process_does_not_start_with_another_algorithm(algorithm: str) -> None:
    with pytest.raises(ConfigurationError, match="HS256"):
        TokenSigner(SECRET, algorithm)


@pytest.mark.parametrize(
    "value",
    [
        NOW,
        NOW.replace(tzinfo=None),
        NOW.timestamp(),
        int(NOW.timestamp()),
        "2026-11-22T11:07:30",
        "2026-11-22T12:07:30+01:00",
        "2026-11-22T11:07:30Z",
    ],
)
def test_expiration_is_read_in_every_form_and_without_zone_is_utc(value: object) -> None:
    assert read_expiration(value) == NOW


@pytest.mark.parametrize("value", [None, "soon", [], float("nan"), float("inf"), 1e300, "9999-12-31T23:59:59-12:00"])
def test_expiration_that_is_no_time_is_refused(value: object) -> None:
    with pytest.raises(InvalidInput):
        read_expiration(value)
