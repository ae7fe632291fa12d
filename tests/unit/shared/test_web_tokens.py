"""Tokens: ours are read back, all others are worth nothing."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import OctKey

from conda_store_shared.domain.permission import Role, RoleBinding
from conda_store_shared.errors import ConfigurationError, InvalidInput
from conda_store_shared.web.tokens import Token, TokenSigner, read_expiration
from tests.unit.shared.hostile_tokens import CLAIMS, HOSTILE, LATER, NOW, SECRET, SENSELESS, signed


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


@pytest.mark.parametrize(
    "claims",
    [{"exp": LATER.timestamp() + 0.5}, {"nbf": int(NOW.timestamp())}, {"nbf": 0}, {"iat": 10**9}, {"sub": "alice"}],
)
def test_token_may_say_more_than_ours_do(claims: dict[str, Any]) -> None:
    token = TokenSigner(SECRET).verify(signed({**CLAIMS, **claims}), NOW)
    assert token is not None
    assert (token.primary_namespace, token.expiration.replace(microsecond=0)) == ("alice", LATER)


@pytest.mark.parametrize("header", [{"kid": "1"}, {"typ": "at+jwt"}, {"jku": "http://169.254.169.254/"}])
def test_header_of_a_token_names_no_key(header: dict[str, str]) -> None:
    assert TokenSigner(SECRET).verify(signed(CLAIMS, {"alg": "HS256", **header}), NOW) is not None


@given(text=st.text(max_size=300))
def test_any_text_is_read_without_an_error(text: str) -> None:
    assert TokenSigner(SECRET).verify(text, NOW) is None


@given(position=st.integers(min_value=0), letter=st.sampled_from("abcXYZ059-_.=+/ "))
def test_token_with_one_letter_changed_never_says_anything_else(position: int, letter: str) -> None:
    text = signed(CLAIMS)
    position %= len(text)
    changed = text[:position] + letter + text[position + 1 :]
    assert (TokenSigner(SECRET).verify(changed, NOW) is None) is (changed != text)


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
