"""Why something is allowed, or what is missing."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conda_store_shared.domain.permission import Permission, Role, permissions_of

pytestmark = pytest.mark.slow

HOLDINGS = {"team/*": ["developer"], "team/secret": ["viewer", "admin"], "default/*": ["admin"]}
DATABASE = {"default/*": ["viewer"], "*/shared": ["editor"]}


async def explain(auth: Any, question: str, caller: str | None) -> dict[str, Any]:
    async with auth.client(token=caller) as client:
        answer = await client.get("/api/v1/permission/", params={"explain": question})
        plain = await client.get("/api/v1/permission/")
    assert answer.status_code == 200, answer.text
    data = answer.json()["data"]
    explanation: dict[str, Any] = data.pop("explanation")
    assert data == plain.json()["data"]
    return explanation


def alice(auth: Any) -> str:
    auth.database["alice"] = DATABASE
    token: str = auth.token("alice", HOLDINGS)
    return token


async def test_binding_that_allows_is_named_with_where_it_comes_from(auth: Any) -> None:
    told = await explain(auth, "environment::update@team/weather", alice(auth))
    assert told == {
        "permission": "environment::update",
        "arn": "team/weather",
        "allowed": True,
        "bindings": [
            {"arn": "team/*", "roles": ["developer"], "source": "token", "grants": True, "replaced_by": None}
        ],
        "granting_roles": ["developer", "admin"],
        "message": "environment::update is allowed on team/weather: the token gives developer on team/*",
    }


async def test_every_binding_that_allows_is_named(auth: Any) -> None:
    told = await explain(auth, "environment::read@team/secret", alice(auth))
    assert [(grant["arn"], grant["grants"]) for grant in told["bindings"]] == [("team/*", True), ("team/secret", True)]
    assert "; the token gives admin and viewer on team/secret" in told["message"]


async def test_what_is_missing_is_told_when_a_binding_is_too_weak(auth: Any) -> None:
    told = await explain(auth, "build::delete@team/weather", alice(auth))
    assert (told["allowed"], told["granting_roles"]) == (False, ["admin"])
    assert [(grant["arn"], grant["grants"]) for grant in told["bindings"]] == [("team/*", False)]
    assert told["message"] == (
        "build::delete is not allowed on team/weather: needed is role admin; the token gives developer on team/*"
    )


async def test_binding_that_was_replaced_is_told_as_such(auth: Any) -> None:
    told = await explain(auth, "build::delete@default/x", alice(auth))
    assert told["allowed"] is False
    assert [(grant["source"], grant["grants"], grant["replaced_by"]) for grant in told["bindings"]] == [
        ("authenticated", False, "database"),
        ("token", False, "database"),
        ("database", False, None),
    ]
    assert "the token gives admin on default/* (replaced: the role mappings of the namespace give" in told["message"]


async def test_role_of_the_database_is_told_as_such(auth: Any) -> None:
    told = await explain(auth, "environment::solve@elsewhere/shared", alice(auth))
    assert told["message"].endswith("the role mappings of the namespace give developer on */shared")


async def test_stranger_is_told_what_everybody_may(auth: Any) -> None:
    told = await explain(auth, "environment::read@default/x", None)
    assert told["message"].endswith("the configuration gives everybody viewer on default/*")
    told = await explain(auth, "environment::read@team/x", None)
    assert told["message"] == (
        "environment::read is not allowed on team/x: needed is role viewer or developer or admin; no binding matches it"
    )


@pytest.mark.parametrize(
    ("place", "arn", "allowed"),
    [
        ("team", "team/*", True),
        ("team/*", "team/*", True),
        ("default", "default/*", False),
        ("elsewhere", "elsewhere/*", False),
        ("", "*/*", False),
        ("*/*", "*/*", False),
    ],
)
async def test_place_may_be_a_namespace_or_everywhere(auth: Any, place: str, arn: str, allowed: bool) -> None:
    told = await explain(auth, f"setting::read@{place}", alice(auth))
    assert (told["arn"], told["allowed"]) == (arn, allowed)


async def test_administrator_of_everything_may_change_the_settings_of_everything(auth: Any) -> None:
    told = await explain(auth, "setting::update@", auth.token("root", {"*/*": ["admin"]}))
    assert (told["allowed"], told["bindings"][0]["arn"]) == (True, "*/*")


async def test_place_may_hold_an_at_sign(auth: Any) -> None:
    told = await explain(auth, "environment::read@alice@example.org/x", alice(auth))
    assert told["arn"] == "alice@example.org/x"


@pytest.mark.parametrize(
    "question",
    [
        "",
        "@",
        "@team/x",
        "environment::read",
        "environment::destroy@team/x",
        "environment:read@team/x",
        "Environment::Read@team/x",
        "environment::read@team/",
        "environment::read@/x",
        "environment::read@/",
        "environment::read@team/x/y",
        "environment::read@te*m/x",
        "environment::read@*/x",
        "environment::read@team/x*",
        "environment::read@te am/x",
        "environment::read@../x",
        "environment::read@team/..",
        "environment::read@team/\x00",
        "environment::read@" + "x" * 256,
        "environment::read@team/x?y=%2e&\n",
        "\u00e9",
    ],
)
async def test_question_nobody_can_read_is_refused(auth: Any, question: str) -> None:
    async with auth.client(token=alice(auth)) as client:
        answer = await client.get("/api/v1/permission/", params={"explain": question})
    assert (answer.status_code, answer.json()["status"]) == (400, "error")


PLACES = st.sampled_from(["", "a", "a/*", "a/a", "a/b", "b/a", "default", "default/a"])
PATTERNS = st.text("ab*", min_size=1, max_size=2)
ARNS = st.builds("{}/{}".format, PATTERNS, PATTERNS) | st.just("default/*")
BINDINGS = st.dictionaries(ARNS, st.lists(st.sampled_from(list(Role)), max_size=2), max_size=3)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(holdings=BINDINGS, rows=BINDINGS, permission=st.sampled_from(Permission), place=PLACES)
async def test_explanation_and_decision_agree(
    auth: Any, holdings: dict[str, list[str]], rows: dict[str, list[str]], permission: Permission, place: str
) -> None:
    auth.database["alice"] = rows
    told = await explain(auth, f"{permission}@{place}", auth.token("alice", holdings))
    assert told["allowed"] is any(grant["grants"] for grant in told["bindings"])
    for grant in told["bindings"]:
        holds = permission in permissions_of(Role(role) for role in grant["roles"])
        assert grant["grants"] is (holds and grant["replaced_by"] is None)
