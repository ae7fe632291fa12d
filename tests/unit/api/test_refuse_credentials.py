"""What is sent with a credential in an address is refused by name, before it is stored."""

from typing import Any

import pytest

from conda_store_api.use_cases.read_lock import SubmittedLock, read_lock
from conda_store_api.use_cases.read_submission import read_specification
from conda_store_api.use_cases.refuse_credentials import refuse_credentials
from conda_store_shared.errors import InvalidSpecification

CANARY = "canary-9f3b"


def specification(channels: str = "[main]", dependencies: str = "[a]") -> str:
    return f"name: x\nchannels: {channels}\ndependencies: {dependencies}\n"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (specification(channels=f"[main, 'https://me:{CANARY}@h.example/c']"), "channel https://h.example/c"),
        (specification(channels=f"['https://h.example/t/{CANARY}/c']"), "channel https://h.example/c"),
        (specification(channels=f"[t/{CANARY}/c]"), "a channel"),
        (specification(channels=f"['https://me:a/{CANARY}@h.example/c']"), "a channel"),
        (specification(dependencies=f"['https://me:{CANARY}@h.example/c::a']"), "channel https://h.example/c"),
        (specification(dependencies=f"['https://h.example/t/{CANARY}/c::a']"), "channel https://h.example/c"),
        (specification(dependencies=f"['https://me:{CANARY}@h.example/c::a no good!']"), "channel https://h.example/c"),
        (specification(dependencies=f"[a, 'a[url=\"https://{CANARY}@h/x.conda\"]']"), "channel https://h/x.conda"),
        (specification(dependencies=f"[a, 'a https://{CANARY}@h/x.conda']"), "dependency 2"),
        (specification(dependencies=f"[a, 'a[channel=https://h/t/{CANARY}/c]']"), "channel https://h/c"),
        (specification(dependencies=f"['a[version=1,channel=\"t/{CANARY}/c\"]']"), "a channel"),
        (specification(dependencies=f"['a[url=https://h/t/{CANARY}/c/noarch/a-1-0.conda]']"), "channel https://h/c/noarch"),
        (specification(dependencies=f"[{{pip: [--index-url=https://me:{CANARY}@h/simple]}}]"), "--index-url of the"),
        (
            specification(dependencies=f"[{{pip: ['--extra-index-url  https://h/t/{CANARY}/simple']}}]"),
            "--extra-index-url of the pip section",
        ),
        (specification(dependencies=f"[{{pip: [b, 'a @ https://me:{CANARY}@h/a.whl']}}]"), "entry 2 of the pip"),
    ],
)
def test_specification_is_refused_when_an_address_holds_a_credential(text: str, what: str) -> None:
    with pytest.raises(InvalidSpecification) as refused:
        read_specification(text)
    assert refused.value.message.startswith(f"{what}")
    assert "is written with a credential in it" in refused.value.message
    assert "CondaStoreWorker.channel_credentials" in refused.value.message
    assert CANARY not in refused.value.message


def locked(url: str, manager: str = "conda", **metadata: Any) -> str:
    package = {
        "name": "a", "version": "1", "manager": manager, "platform": "linux-64", "url": url,
        "hash": {"sha256": "0" * 64},
    }  # fmt: skip
    return repr({"version": 1, "metadata": {"platforms": ["linux-64"], **metadata}, "package": [package]})


@pytest.mark.parametrize(
    "text",
    [
        locked(f"https://me:{CANARY}@h.example/c/noarch/a-1-0.conda"),
        locked(f"https://h.example/t/{CANARY}/c/noarch/a-1-0.conda"),
        locked(f"https://{CANARY}@h.example/a-1-py3-none-any.whl", "pip"),
        locked("https://h/c/noarch/a-1-0.conda", channels=[{"url": f"https://h/t/{CANARY}/c", "used_env_vars": []}]),
    ],
)
def test_lockfile_loses_credentials_in_addresses_of_packages_and_channels(text: str) -> None:
    submission = read_lock(SubmittedLock(text=text, name="x"))
    refuse_credentials(submission)
    assert CANARY not in repr(submission)


def test_lockfile_is_refused_when_an_address_elsewhere_holds_a_credential() -> None:
    text = locked("https://h/c/noarch/a-1-0.conda", custom={"x": [f"https://me:{CANARY}@h"]})
    with pytest.raises(InvalidSpecification, match="some address in the lockfile is written with") as refused:
        refuse_credentials(read_lock(SubmittedLock(text=text, name="x")))
    assert CANARY not in refused.value.message


def test_what_holds_no_credential_is_taken() -> None:
    pip = "{pip: [--index-url=https://h/simple, 'a @ https://h/source/t/tqdm/a.whl', --trusted-host h]}"
    read_specification(specification(channels="[main, 'https://h.example/c']", dependencies=f"['main::a', {pip}]"))
    text = locked("https://h/source/t/tqdm/a-1-py3-none-any.whl", "pip")
    refuse_credentials(read_lock(SubmittedLock(text=text, name="x")))
