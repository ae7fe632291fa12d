"""Credentials by name: what a configuration may hold, and whom each of them is shown to."""

from typing import Any

import pytest
from traitlets import TraitError
from traitlets.config import Config

from conda_store_shared.conda.credentials import CredentialBook
from conda_store_shared.config.credentials import read_credentials
from conda_store_shared.config.worker import CondaStoreWorker
from conda_store_shared.errors import ConfigurationError

CANARY = "canary-9f3b"
BOOK = CredentialBook(
    {
        "host": {"address": "https://conda.example", "bearer": "h"},
        "team": {"address": "https://conda.example/team", "bearer": "t"},
        "port": {"address": "https://conda.example:8443", "bearer": "p"},
        "other": {"address": "https://other.example/main", "bearer": "o"},
        "plain": {"address": "http://plain.example", "bearer": "x"},
    }
)


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("https://conda.example/team/linux-64/x-1-0.conda", "team"),
        ("https://conda.example/team", "team"),
        ("https://conda.example:443/team/x", "team"),
        ("https://CONDA.example/team", "team"),
        ("https://conda.example/teams/linux-64/x-1-0.conda", "host"),
        ("https://conda.example:8443/team/x", "port"),
        ("https://other.example/main/noarch/x-1-0.conda", "other"),
        ("https://other.example/mainly/x-1-0.conda", None),
        ("http://conda.example/team/x", None),
        ("http://conda.example:443/team/x", None),
        ("https://conda.example:444/team/x", None),
        ("https://plain.example/x", None),
        ("http://plain.example/x", "plain"),
        ("https://evil.example/team/x", None),
        ("https://conda.example.evil/team/x", None),
        ("https://conda.example@evil.example/team/x", None),
        ("https://conda.example:bad/team/x", None),
    ],
)
def test_address_is_shown_the_credential_of_the_nearest_address_of_its_very_place(
    address: str, name: str | None
) -> None:
    found = BOOK.find(address)
    assert (found.name if found else None) == name
    told = BOOK.refusal(address)
    assert f"the credential '{name}'" in told if name else "no credential" in told


@pytest.mark.parametrize(
    ("entry", "authorization"),
    [
        ({"bearer": "abc"}, "Bearer abc"),
        ({"username": "me", "password": "p:w/ü"}, "Basic bWU6cDp3L8O8"),
        ({"authorization": "Token abc"}, "Token abc"),
        ({"token": "abc"}, None),
    ],
)
def test_credential_is_shown_as_its_kind_says(entry: dict[str, str], authorization: str | None) -> None:
    [found] = CredentialBook({"x": {"address": "https://h.example/c", **entry}}).entries
    assert found.authorization == authorization
    address = "https://h.example/c/noarch/a-1-0.conda"
    expected = "https://h.example/t/abc/c/noarch/a-1-0.conda" if "token" in entry else address
    assert found.with_token(address) == expected


def test_credentials_are_in_one_form_whatever_stands_in_the_configuration() -> None:
    assert read_credentials(
        {
            "team": {"address": "HTTPS://Conda.Example:443/team/", "token": "abc"},
            "https://old.example:8443/x/": "Bearer abc",
        }
    ) == {
        "team": {"address": "https://conda.example/team", "token": "abc"},
        "https://old.example:8443/x": {"address": "https://old.example:8443/x", "authorization": "Bearer abc"},
    }


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"x": CANARY}, "credential 'x' is no mapping; it has an address, and one of: token; username and password;"),
        ({"a b": {"address": "https://h", "token": CANARY}}, "a name has at most 64 letters"),
        ({"x": {"token": CANARY}}, "credential 'x' is incomplete, or says too much"),
        ({"x": {"address": "https://h"}}, "credential 'x' is incomplete, or says too much"),
        ({"x": {"address": "https://h", "username": CANARY}}, "credential 'x' is incomplete, or says too much"),
        ({"x": {"address": "https://h", "token": CANARY, "bearer": CANARY}}, "'x' is incomplete, or says too much"),
        ({"x": {"address": "https://h", CANARY: CANARY}}, "'x' is incomplete, or says too much"),
        (
            {"x": {"address": "https://h", "token": f"{CANARY}/x"}},
            "token of credential 'x' is empty, or has characters",
        ),
        ({"x": {"address": "https://h", "bearer": f"{CANARY}\n"}}, "bearer of credential 'x' is empty, or has"),
        ({"x": {"address": "https://h", "bearer": ""}}, "bearer of credential 'x' is empty, or has"),
        ({"x": {"address": "https://h", "username": f"{CANARY}:x", "password": "y"}}, "username of credential 'x'"),
        (
            {"x": {"address": "file:///x", "token": CANARY}},
            "'x' is for no address that begins with https:// or http://",
        ),
        ({"x": {"address": f"https://h/?{CANARY}", "token": "y"}}, "'x' is for no address that begins with"),
        ({"x": {"address": "https://h:x/", "token": CANARY}}, "'x' is for no address that begins with"),
        (
            {"x": {"address": f"https://me:{CANARY}@h", "token": "y"}},
            "the address of credential 'x' holds a credential",
        ),
        (
            {"x": {"address": f"https://h/t/{CANARY}/c", "token": "y"}},
            "the address of credential 'x' holds a credential",
        ),
        ({f"https://h/t/{CANARY}/c": "Bearer x"}, "the address of the key of a credential holds a credential itself"),
        (
            {"x": {"address": "https://h/c", "token": CANARY}, "y": {"address": "https://H:443/c/", "token": CANARY}},
            "'x' and 'y' are for one address, https://h/c",
        ),
    ],
)
def test_credential_that_makes_no_sense_is_refused_without_being_told(value: Any, message: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        read_credentials(value)
    assert message in refused.value.message
    assert CANARY not in refused.value.message
    with pytest.raises(TraitError, match="channel_credentials"):
        CondaStoreWorker(config=Config({"CondaStoreWorker": {"channel_credentials": value}}))
