"""Who a request speaks for, and what they may do."""

import base64
import dataclasses
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import HTTPConnection

from conda_store_shared.domain.permission import PERMISSIONS_OF_ROLE, Permission, Role, RoleBinding, is_allowed
from conda_store_shared.errors import ConfigurationError, NotAuthorized
from conda_store_shared.testing.memory_rights import MemoryRights
from conda_store_shared.web.authentication import (
    Authenticator,
    AuthorizationOptions,
    BindingSource,
    Principal,
    authorize,
)
from conda_store_shared.web.token_reader import KnownToken
from conda_store_shared.web.tokens import Token

SECRET = "a secret for these tests, and for nothing else"
NOW = datetime(2026, 11, 22, 11, 7, 30, tzinfo=UTC)


def authenticator(database: Mapping[str, Sequence[str]] | None = None, **options: Any) -> Authenticator:
    rights = MemoryRights(granted={"alice": database or {}}, revoked=options.pop("revoked", set()))
    clock, note_use = options.pop("clock", lambda: NOW), options.pop("note_use", None)
    return Authenticator(AuthorizationOptions(secret=SECRET, **options), rights, clock, note_use=note_use)


def request(*, cookie: str | None = None, authorization: str | None = None) -> HTTPConnection:
    headers = []
    if cookie is not None:
        headers.append((b"cookie", f"conda-store-auth={cookie}".encode()))
    if authorization is not None:
        headers.append((b"authorization", authorization.encode("utf-8")))
    return HTTPConnection({"type": "http", "headers": headers})


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


def token_of(name: str, *bindings: RoleBinding, expires_in: timedelta = timedelta(hours=1)) -> str:
    token = Token(expiration=NOW + expires_in, primary_namespace=name, bindings=bindings)
    return authenticator().signer.sign(token)


def spellings(text: str) -> Iterator[str]:
    """The token as it is, and as careless decoders of base64 would read it too."""
    yield text
    yield from (text + letter for letter in "=.-_A\u00e9")
    yield text[:-1] + chr(ord(text[-1]) + 1)
    yield text[:-5] + "!" + text[-5:]
    yield text + "=="


@dataclasses.dataclass
class Clock:
    """A clock the test moves."""

    time: datetime

    def __call__(self) -> datetime:
        return self.time


ALICE, BOB = token_of("alice"), token_of("bob")
STALE = token_of("carol", expires_in=timedelta(seconds=-1))


@pytest.mark.parametrize(
    ("connection", "name"),
    [
        (request(cookie=ALICE), "alice"),
        (request(authorization=f"Bearer {ALICE}"), "alice"),
        (request(authorization=f"bearer   {ALICE} "), "alice"),
        (request(authorization=basic(f"whoever:{ALICE}")), "alice"),
        (request(authorization=basic(f":{ALICE}").replace("Basic", "BASIC")), "alice"),
        (request(cookie=BOB, authorization=f"Bearer {ALICE}"), "bob"),
        (request(cookie=STALE, authorization=f"Bearer {ALICE}"), "alice"),
        (request(cookie="rubbish", authorization=basic(f"x:{ALICE}")), "alice"),
        (request(cookie="", authorization=f"Bearer {ALICE}"), "alice"),
    ],
)
async def test_first_valid_credential_counts(connection: HTTPConnection, name: str) -> None:
    principal = await authenticator().identify(connection)
    assert (principal.authenticated, principal.primary_namespace) == (True, name)


@pytest.mark.parametrize(
    "connection",
    [
        request(),
        request(cookie=STALE),
        request(authorization=""),
        request(authorization="Bearer"),
        request(authorization="Bearer "),
        request(authorization="Basic"),
        request(authorization="Basic !!!"),
        request(authorization="Basic é"),
        request(authorization="Basic " + base64.b64encode(b"\xff\xfe:\xff").decode()),
        request(authorization=basic("no colon")),
        request(authorization=basic("user:")),
        request(authorization=f"Digest {ALICE}"),
        request(authorization=ALICE),
        request(authorization="Bearer " + "x" * 1_000_000),
    ],
)
async def test_request_without_valid_credential_is_anonymous(connection: HTTPConnection) -> None:
    principal = await authenticator().identify(connection)
    assert principal == authenticator().anonymous
    assert (principal.authenticated, principal.primary_namespace, principal.expiration) == (False, "default", None)
    assert [binding.arn for binding in principal.bindings] == ["default/*"]


async def test_later_source_of_bindings_replaces_the_same_arn_of_earlier_ones() -> None:
    token = token_of(
        "alice",
        RoleBinding("default", "*", frozenset({Role.ADMIN})),
        RoleBinding("alice", "*", frozenset({Role.ADMIN})),
    )
    database = {"alice/*": ["viewer"], "shared/*": ["developer", "viewer"]}
    principal = await authenticator(database).identify(request(cookie=token))
    assert {binding.arn: set(binding.roles) for binding in principal.bindings} == {
        "default/*": {Role.ADMIN},
        "filesystem/*": {Role.VIEWER},
        "alice/*": {Role.VIEWER},
        "shared/*": {Role.DEVELOPER, Role.VIEWER},
    }


async def test_predefined_token_needs_no_field_and_slides() -> None:
    known = authenticator(predefined_tokens={"service-token": {}})
    principal = await known.identify(request(authorization="Bearer service-token"))
    assert (principal.primary_namespace, principal.expiration) == ("default", NOW + timedelta(days=1))


async def test_predefined_token_says_what_it_was_given() -> None:
    claims = {"primary_namespace": "ci", "role_bindings": {"ci/*": ["admin"]}, "exp": NOW + timedelta(minutes=1)}
    principal = await authenticator(predefined_tokens={"t": claims}).identify(request(cookie="t"))
    assert (principal.primary_namespace, principal.expiration) == ("ci", NOW + timedelta(minutes=1))
    assert "ci/*" in {binding.arn for binding in principal.bindings}


async def test_predefined_token_ends_when_it_was_told_to() -> None:
    known = authenticator(predefined_tokens={"t": {"exp": NOW - timedelta(seconds=1)}})
    assert not (await known.identify(request(cookie="t"))).authenticated


async def test_predefined_token_lives_as_long_after_a_day_as_at_first() -> None:
    moments = [NOW, NOW + timedelta(days=1), NOW + timedelta(days=400)]
    for moment in moments:
        clock = Clock(moment)
        known = authenticator(predefined_tokens={"t": {"exp": None}}, clock=clock)
        for _ in range(2):
            principal = await known.identify(request(cookie="t"))
            assert principal.expiration == clock.time + timedelta(days=1)
            clock.time += timedelta(days=30)


async def test_predefined_token_goes_before_a_signed_one_of_the_same_text() -> None:
    known = authenticator(predefined_tokens={ALICE: {"primary_namespace": "robot"}})
    principal = await known.identify(request(cookie=ALICE))
    assert (principal.primary_namespace, principal.token_id) == ("robot", None)


async def test_token_that_was_revoked_is_as_good_as_none() -> None:
    known = authenticator(revoked={"id-1"})
    token = Token(expiration=NOW + timedelta(hours=1), primary_namespace="alice", token_id="id-1")
    other = dataclasses.replace(token, token_id="id-2")
    texts = [known.signer.sign(each) for each in (token, other)]
    assert not (await known.identify(request(cookie=texts[0]))).authenticated
    assert (await known.identify(request(cookie=texts[1]))).token_id == "id-2"
    assert (await known.identify(request(cookie=texts[0], authorization=f"Bearer {texts[1]}"))).token_id == "id-2"


async def test_token_without_an_id_is_revoked_by_the_digest_of_its_text() -> None:
    digest = hashlib.sha256(ALICE.encode()).hexdigest()
    assert (await authenticator().identify(request(cookie=ALICE))).token_id == digest
    known = authenticator(revoked={digest})
    for text in spellings(ALICE):
        assert not (await known.identify(request(cookie=text))).authenticated


@pytest.mark.parametrize("token_id", ["", "x" * 65, "a b", "a\nb", "é", "a/b"])
async def test_token_with_an_odd_id_is_known_by_its_digest(token_id: str) -> None:
    token = Token(expiration=NOW + timedelta(hours=1), primary_namespace="alice", token_id=token_id)
    text = authenticator().signer.sign(token)
    principal = await authenticator().identify(request(cookie=text))
    assert principal.token_id == hashlib.sha256(text.encode()).hexdigest()


async def test_remembered_token_ends_when_its_time_comes() -> None:
    clock = Clock(NOW)
    known = authenticator(clock=clock)
    assert (await known.identify(request(cookie=ALICE))).authenticated
    clock.time += timedelta(hours=1)
    assert not (await known.identify(request(cookie=ALICE))).authenticated


async def test_use_is_noted_of_tokens_that_count_and_of_no_others() -> None:
    noted: list[str | None] = []

    def note(known: KnownToken, _now: datetime) -> None:
        noted.append(known.identifier)

    known = authenticator(note_use=note, revoked={hashlib.sha256(BOB.encode()).hexdigest()})
    for shown in (request(), request(cookie=STALE), request(cookie="rubbish"), request(cookie=BOB)):
        await known.identify(shown)
    assert noted == []
    await known.identify(request(cookie=STALE, authorization=f"Bearer {ALICE}"))
    assert noted == [hashlib.sha256(ALICE.encode()).hexdigest()]


@pytest.mark.parametrize(
    "options",
    [
        {"predefined_tokens": {"t": {"role_bindings": {"x": ["admin"]}}}},
        {"predefined_tokens": {"t": {"exp": "soon"}}},
        {"unauthenticated_role_bindings": {"default": {"viewer"}}},
        {"authenticated_role_bindings": {"default/*": {"root"}}},
        {"role_mappings": {"root": set()}},
        {"role_mappings": {"viewer": {"everything::read"}}},
    ],
)
def test_process_does_not_start_with_options_nobody_can_read(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        authenticator(**options)


def test_caller_without_permission_is_told_so() -> None:
    with pytest.raises(NotAuthorized, match=r"^request not authorized$"):
        authorize(authenticator().anonymous, {Permission.ENVIRONMENT_CREATE}, "default", "x")
    authorize(authenticator().anonymous, {Permission.ENVIRONMENT_READ}, "default", "x")


async def test_configured_role_mappings_decide_what_a_role_may() -> None:
    role_mappings = {"developer": set(), "editor": {"build::delete"}, "viewer": {"namespace::read"}}
    known = authenticator({"a/*": ["developer"]}, role_mappings=role_mappings)
    principal = await known.identify(request(cookie=ALICE))
    authorize(principal, {Permission.BUILD_DELETE}, "a", "x")
    authorize(principal, {Permission.NAMESPACE_READ}, "default", None)
    with pytest.raises(NotAuthorized):
        authorize(principal, {Permission.ENVIRONMENT_READ}, "a", "x")


NAMES = st.text("ab.*", min_size=1, max_size=4)
BINDINGS = st.lists(
    st.builds(RoleBinding, NAMES, NAMES, st.sets(st.sampled_from(Role), min_size=1).map(frozenset)),
    max_size=5,
    unique_by=lambda binding: binding.arn,
)


@given(bindings=BINDINGS, namespace=st.text("ab.", max_size=4), name=st.none() | st.text("ab.", max_size=4))
def test_permission_is_held_exactly_when_a_matching_binding_grants_it(
    bindings: list[RoleBinding], namespace: str, name: str | None
) -> None:
    principal = Principal(authenticated=True, primary_namespace="a", sources={BindingSource.TOKEN: bindings})
    for permission in Permission:
        expected = any(
            permission in PERMISSIONS_OF_ROLE[role]
            for binding in bindings
            if binding.matches(namespace, name)
            for role in binding.roles
        )
        assert is_allowed(principal.bindings, {permission}, namespace, name) is expected
