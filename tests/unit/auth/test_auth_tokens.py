"""Tokens for scripts: never more than their maker holds."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conda_store_shared.domain.permission import Permission, Role, RoleBinding, permissions_on

pytestmark = pytest.mark.slow

NOT_A_SUBSET = "Requested role_bindings are not a subset of current permissions"
TOO_LONG = "Requested expiration of token is greater than current permissions"
HOLDINGS = {"team/*": ["admin"], "shared/*": ["developer"], "lab-*/*": ["viewer"]}


async def ask(auth: Any, caller: str | None, body: object = None) -> tuple[int, dict[str, Any]]:
    async with auth.client(token=caller) as client:
        answer = await client.post("/api/v1/token/", **({} if body is None else {"json": body}))
    return answer.status_code, answer.json()


async def issue(auth: Any, now: datetime, body: object = None) -> Any:
    status, answer = await ask(auth, auth.token("alice", HOLDINGS), body)
    assert (status, answer["status"]) == (200, "ok"), answer
    return auth.authenticator.signer.verify(answer["data"]["token"], now)


async def test_token_without_wishes_is_the_callers_in_full(auth: Any, now: datetime) -> None:
    auth.database["alice"] = {"granted/*": ["viewer"]}
    token = await issue(auth, now)
    assert (token.primary_namespace, token.expiration) == ("alice", (now + timedelta(hours=1)).replace(microsecond=0))
    assert {binding.arn for binding in token.bindings} == {*HOLDINGS, "default/*", "filesystem/*", "granted/*"}
    assert token.token_id


@pytest.mark.parametrize(
    ("arn", "role"),
    [
        ("team/*", "admin"),
        ("team/env", "admin"),
        ("team/*", "viewer"),
        ("shared/*", "developer"),
        ("shared/*", "editor"),
        ("shared/a*b", "viewer"),
        ("lab-1/*", "viewer"),
        ("lab-*x/*", "viewer"),
        ("default/*", "viewer"),
    ],
)
async def test_token_may_hold_less(auth: Any, now: datetime, arn: str, role: str) -> None:
    token = await issue(auth, now, {"role_bindings": {arn: [role]}})
    assert token.bindings == (RoleBinding.parse(arn, [role]),)


@pytest.mark.parametrize(
    ("arn", "role"),
    [
        ("*/*", "viewer"),
        ("team*/*", "viewer"),
        ("te*/*", "admin"),
        ("shared/*", "admin"),
        ("lab-1/*", "developer"),
        ("lab/*", "viewer"),
        ("default/*", "developer"),
        ("other/*", "viewer"),
        ("*/env", "viewer"),
    ],
)
async def test_token_may_not_hold_more(auth: Any, arn: str, role: str) -> None:
    status, answer = await ask(auth, auth.token("alice", HOLDINGS), {"role_bindings": {arn: [role]}})
    assert (status, answer) == (400, {"status": "error", "message": NOT_A_SUBSET})


async def test_narrow_token_cannot_be_used_to_widen_itself(auth: Any, now: datetime) -> None:
    status, answer = await ask(auth, auth.token("alice", HOLDINGS), {"role_bindings": {"shared/x": ["viewer"]}})
    assert status == 200
    assert await ask(auth, answer["data"]["token"], {"role_bindings": {"shared/*": ["viewer"]}}) == (
        400,
        {"status": "error", "message": NOT_A_SUBSET},
    )


async def test_token_may_end_earlier_but_not_later(auth: Any, now: datetime) -> None:
    sooner = now + timedelta(minutes=10)
    assert (await issue(auth, now, {"expiration": sooner.isoformat()})).expiration == sooner.replace(microsecond=0)
    naive = {"expiration": sooner.replace(tzinfo=None).isoformat()}
    assert (await issue(auth, now, naive)).expiration == sooner.replace(microsecond=0)
    later = {"expiration": (now + timedelta(hours=2)).isoformat()}
    for wanted in (later, {"expiration": "9999-12-31T23:59:59Z"}):
        assert await ask(auth, auth.token("alice", HOLDINGS), wanted) == (400, {"status": "error", "message": TOO_LONG})


async def test_nobody_in_particular_gets_no_token(auth: Any) -> None:
    for caller in (None, "rubbish", auth.token("alice", HOLDINGS, timedelta(seconds=-1))):
        status, answer = await ask(auth, caller)
        assert (status, answer) == (403, {"status": "error", "message": "request not authorized"})


async def test_token_for_another_namespace_is_refused_even_to_an_administrator(auth: Any) -> None:
    auth.database["victim"] = {"treasure/*": ["admin"]}
    status, answer = await ask(auth, auth.token("alice", {"*/*": ["admin"]}), {"primary_namespace": "victim"})
    assert (status, answer["status"]) == (403, "error")
    assert "victim" in answer["message"]


async def test_own_namespace_may_be_named(auth: Any, now: datetime) -> None:
    assert (await issue(auth, now, {"primary_namespace": "alice", "surprise": 1})).primary_namespace == "alice"


@pytest.mark.parametrize(
    "bindings",
    [
        {"team": ["viewer"]},
        {"team/env/x": ["viewer"]},
        {"": ["viewer"]},
        {"/": ["viewer"]},
        {"../*": ["viewer"]},
        {"(a|b)/*": ["viewer"]},
        {"te%m/*": ["viewer"]},
        {"a\u0000/*": ["viewer"]},
        {"team/*\n": ["viewer"]},
        {"team/*": ["root"]},
        {"team/*": ["Admin"]},
        {"a*" * 30 + "b/*": ["viewer"]},
        {f"team/{number}": ["viewer"] for number in range(300)},
        {"team/" + "x" * 20_000: ["viewer"]},
    ],
)
async def test_role_bindings_nobody_can_read_are_refused(auth: Any, bindings: dict[str, list[str]]) -> None:
    status, answer = await ask(auth, auth.token("alice", HOLDINGS), {"role_bindings": bindings})
    assert (status, answer["status"]) == (400, "error")


@pytest.mark.parametrize(
    "body",
    [
        [],
        "text",
        {"role_bindings": []},
        {"role_bindings": {"team/*": "admin"}},
        {"role_bindings": {"team/*": [1]}},
        {"expiration": "soon"},
        {"expiration": []},
        {"primary_namespace": 7},
    ],
)
async def test_wrong_types_are_unprocessable(auth: Any, body: object) -> None:
    status, answer = await ask(auth, auth.token("alice", HOLDINGS), body)
    assert status == 422
    assert answer["detail"][0]["loc"][0] == "body"


@pytest.mark.parametrize(
    ("holdings", "database", "expected"),
    [
        ({}, {}, {"default/*": ["viewer"], "filesystem/*": ["viewer"]}),
        (
            {"alice/*": ["admin", "viewer"]},
            {"alice/*": ["developer"], "x/y": ["viewer"]},
            {
                "default/*": ["viewer"],
                "filesystem/*": ["viewer"],
                "alice/*": ["developer"],
                "x/y": ["viewer"],
            },
        ),
    ],
)
async def test_permissions_of_the_caller_follow_the_bindings(
    auth: Any,
    holdings: Mapping[str, Sequence[str]],
    database: Mapping[str, Sequence[str]],
    expected: Mapping[str, Sequence[str]],
) -> None:
    auth.database["alice"] = database
    async with auth.client(token=auth.token("alice", holdings)) as client:
        told = (await client.get("/api/v1/permission")).json()["data"]
    assert told["entity_roles"] == expected
    for arn, roles in expected.items():
        bindings = [RoleBinding.parse(arn, roles)]
        namespace, name = (part.replace("*", "x") for part in arn.split("/"))
        assert told["entity_permissions"][arn] == sorted(permissions_on(bindings, namespace, name))


async def test_stranger_is_told_what_everybody_may(auth: Any) -> None:
    async with auth.client() as client:
        told = (await client.get("/api/v1/permission/")).json()
    permissions = ["environment::read", "namespace-role-mapping::read", "namespace::read"]
    assert told == {
        "status": "ok",
        "data": {
            "authenticated": False,
            "primary_namespace": "default",
            "entity_permissions": {"default/*": permissions},
            "entity_roles": {"default/*": ["viewer"]},
            "expiration": None,
        },
        "message": None,
    }


# Few, so that several bindings are about the same places; and some that nobody thought of.
PATTERNS = st.sampled_from(["a", "b", "ab", "a*", "*"]) | st.text("ab*", min_size=1, max_size=3)
ROLES = st.lists(st.sampled_from(list(Role)), max_size=2)
BINDINGS = st.dictionaries(st.builds("{}/{}".format, PATTERNS, PATTERNS) | st.just("default/*"), ROLES, max_size=3)
# Rows of version 1 name any pattern, those of version 2 whole namespaces.
ROWS = BINDINGS | st.dictionaries(st.builds("{}/*".format, st.text("ab", min_size=1, max_size=3)), ROLES, max_size=3)
PLACES = [(namespace, name) for namespace in ("", "a", "b", "ab", "ba", "default") for name in (None, "a", "b", "ab")]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(holdings=BINDINGS, rows=ROWS, wishes=st.lists(BINDINGS, min_size=1, max_size=3))
async def test_no_token_ever_allows_what_its_maker_may_not(
    auth: Any, holdings: dict[str, list[str]], rows: dict[str, list[str]], wishes: list[dict[str, list[str]]]
) -> None:
    auth.database["alice"] = rows
    maker = auth.token("alice", holdings)
    for wanted in wishes:
        status, answer = await ask(auth, maker, {"role_bindings": wanted})
        assert status in (200, 400)
        if status == 200:
            made = answer["data"]["token"]
            makers, mades = await _allowed(auth, maker), await _allowed(auth, made)
            assert {place: mades[place] - makers[place] for place in PLACES} == {place: set() for place in PLACES}
            maker = made


async def test_token_may_not_hold_what_the_database_only_keeps_from_it_for_now(auth: Any, now: datetime) -> None:
    auth.database["alice"] = {"team/*": ["developer"]}
    maker = auth.token("alice", {})
    status, answer = await ask(auth, maker, {"role_bindings": {"team/*": ["admin"]}})
    assert (status, answer["message"]) == (400, NOT_A_SUBSET)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(holdings=BINDINGS, wanted=BINDINGS, rows=ROWS, later=ROWS)
async def test_no_token_ever_gains_what_its_maker_neither_had_nor_has(
    auth: Any,
    holdings: dict[str, list[str]],
    wanted: dict[str, list[str]],
    rows: dict[str, list[str]],
    later: dict[str, list[str]],
) -> None:
    auth.database["alice"] = rows
    maker = auth.token("alice", holdings)
    status, answer = await ask(auth, maker, {"role_bindings": wanted})
    if status == 200:
        had = await _allowed(auth, maker)
        auth.database["alice"] = later
        has, mades = await _allowed(auth, maker), await _allowed(auth, answer["data"]["token"])
        gained = {place: mades[place] - had[place] - has[place] for place in PLACES}
        assert gained == {place: set() for place in PLACES}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(holdings=BINDINGS, rows=ROWS)
async def test_token_without_wishes_allows_all_that_its_maker_may(
    auth: Any, holdings: dict[str, list[str]], rows: dict[str, list[str]]
) -> None:
    auth.database["alice"] = rows
    maker = auth.token("alice", holdings)
    status, answer = await ask(auth, maker)
    assert status == 200
    assert await _allowed(auth, answer["data"]["token"]) == await _allowed(auth, maker)


async def _allowed(auth: Any, text: str) -> dict[tuple[str, str | None], frozenset[Permission]]:
    token = auth.authenticator.signer.verify(text, auth.authenticator.clock())
    principal = await auth.authenticator.principal_of_token(token)
    return {place: permissions_on(principal.bindings, *place) for place in PLACES}
