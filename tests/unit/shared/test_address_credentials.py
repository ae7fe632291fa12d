"""Addresses with credentials in them are known as such, and no others."""

import time

import pytest

from conda_store_shared.domain.address_credentials import (
    channel_has_credentials,
    has_user,
    index_has_credentials,
    text_has_credentials,
)

CHANNELS_WITH = [
    "https://me:secret@conda.example/team",
    "https://secret@conda.example/team",
    "https://me:se/cr#et@conda.example/team",
    "https://:secret@conda.example",
    "https://conda.example/t/secret/team",
    "https://conda.example/get/t/secret/team",
    "https://conda.example/t/secret",
    "t/secret/team",
]
CHANNELS_WITHOUT = [
    "conda-forge",
    "team/label/dev",
    "at/team",
    "https://conda.example/team",
    "https://conda.example:8443/team@2",
    "https://conda.example/at/secret/team",
    "https://conda.example/t",
]
INDEXES_WITH = ["https://me:secret@pypi.example/simple", "https://secret@pypi.example", "https://p.example/t/x/simple"]
INDEXES_WITHOUT = ["https://pypi.example/simple", "https://pypi.example:8443/a@b", "https://pypi.example/source/t/tqdm"]


@pytest.mark.parametrize("channel", CHANNELS_WITH)
def test_channel_with_a_credential_is_known(channel: str) -> None:
    assert channel_has_credentials(channel)
    assert text_has_credentials(f"name: x\nchannels:\n  - {channel}\ndependencies: []\n") or channel.endswith("/secret")


@pytest.mark.parametrize("channel", CHANNELS_WITHOUT)
def test_channel_without_a_credential_is_taken(channel: str) -> None:
    assert not channel_has_credentials(channel)
    assert not text_has_credentials(f"name: x\nchannels:\n  - {channel}\ndependencies:\n- a\n- pip:\n  - a @ x\n")


@pytest.mark.parametrize(
    ("text", "is_known"),
    [
        ("channels: [main, 'https://h.example/t/secret/c']", True),
        ('{"channels": [\n"https://h.example/t/secret/c"\n]}', True),
        ("channels:\n- t/secret/c", True),
        ("# as told in https://forum.example/t/some-topic/12\nname: x", False),
        ("description: see https://forum.example/t/some-topic/12", False),
        ("channels:\n- main  # see https://forum.example/t/some-topic/12", False),
        ("dependencies:\n- pip:\n  - a @ https://h.example/source/t/tqdm/tqdm-1-py3-none-any.whl", False),
    ],
)
def test_text_that_is_not_read_yet_is_looked_at_where_channels_stand(text: str, is_known: bool) -> None:
    assert text_has_credentials(text) == is_known


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        "://a:" * 400_000,
        "://a:b" * 300_000,
        "://" + "a:" * 900_000,
        "- " + "t/" * 900_000,
        "- t/x/" * 300_000,
        "- " + "t/x/" * 200_000 + ".whl",
    ],
)
def test_hostile_text_takes_no_longer_than_its_length_asks(text: str) -> None:
    began = time.perf_counter()
    text_has_credentials(f"{text} @")
    assert time.perf_counter() - began < 5


@pytest.mark.parametrize("address", INDEXES_WITH)
def test_index_with_a_credential_is_known(address: str) -> None:
    assert index_has_credentials(address)


@pytest.mark.parametrize("address", INDEXES_WITHOUT)
def test_index_without_a_credential_is_taken(address: str) -> None:
    assert not index_has_credentials(address)


@pytest.mark.parametrize(
    ("requirement", "is_known"),
    [
        ("x @ https://me:secret@h.example/x-1-py3-none-any.whl", True),
        ("x @ git+https://secret@github.com/o/x", True),
        ("x @ git+ssh://git@github.com/o/x", False),
        ("x @ https://mirror.example/source/t/tqdm/tqdm-1-py3-none-any.whl", False),
        ("x==1; python_version < '3.12'", False),
    ],
)
def test_requirement_with_a_credential_is_known(requirement: str, is_known: bool) -> None:
    assert has_user(requirement) == text_has_credentials(requirement) == is_known
