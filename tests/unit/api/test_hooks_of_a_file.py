"""A configuration file with hooks, as its how-to page shows it, and one whose hooks cannot be called."""

import argparse
import logging
import re
from pathlib import Path

import pytest

from conda_store_api.adapters.called_hooks import CalledHooks, HookOptions
from conda_store_api.config import ApiOptions, read_options
from conda_store_api.repositories.hook_views import find_environment_view
from conda_store_shared.config.load import load_config
from conda_store_shared.errors import ConfigurationError
from tests.unit.api.api_client import open_api
from tests.unit.api.ledger_builders import Ledger, a_policy

PAGE = Path(__file__).parents[3] / "docs/how-to/write-hooks.md"


def options_of(directory: Path, text: str) -> ApiOptions:
    path = directory / "conda_store_config.py"
    path.write_text(text)
    return read_options(load_config(argparse.Namespace(config=str(path)), []).config)


@pytest.fixture
def example(tmp_path: Path) -> HookOptions:
    """The hooks of the example on the page."""
    (text,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    return options_of(tmp_path, text).hooks


async def test_example_changes_and_refuses_what_it_says(ledger: Ledger, example: HookOptions) -> None:
    async with open_api(ledger, example) as api:
        text = "name: weather\nchannels: [conda-forge]\ndependencies: [python]"
        answer = await api.submit(text, namespace="research")
        assert answer.status_code == 200, answer.text
        build = await ledger.build(answer.json()["data"]["build_id"])
        assert (build.order or {})["solve"]["specification"]["dependencies"] == ["python", "ipykernel"]
        refused = await api.submit(text.replace("[python]", "[{pip: [flask]}]"))
        assert (refused.status_code, refused.json()["message"][:33]) == (400, "pip sections are not allowed here")
        await api.submit(text, namespace="production")
        kept = await api.ask("DELETE", "/environment/production/weather/")
        assert (kept.status_code, kept.json()["message"][:30]) == (400, "builds of production are kept;")
        assert (await api.ask("DELETE", "/environment/research/weather/")).status_code == 200
    assert example.seconds == 10


async def test_example_notes_what_users_get(
    ledger: Ledger, example: HookOptions, caplog: pytest.LogCaptureFixture
) -> None:
    build = await ledger.completed()
    async with ledger.database.session() as session:
        environment = await find_environment_view(session, "team", "weather")
    assert environment is not None
    hooks = CalledHooks(example, ledger.database, ledger.policy.settings)
    with caplog.at_level(logging.INFO, "conda_store.hooks"):
        await hooks.tell_update(environment)
    assert f"team/weather is build {build.id} now" in caplog.text


COPIED = """
from conda_store_server import environment, schema
from conda_store_server.app import conda_store_validate_action

def validate(db, conda_store, namespace, specification):
    settings = conda_store.get_settings(db, namespace=namespace, environment_name=specification.name)
    settings.conda_default_channels = settings.conda_default_channels + ["bioconda"]
    specification = environment.validate_environment_channels(specification, settings)
    specification = environment.validate_environment_pypi_packages(specification, settings)
    return environment.validate_environment_conda_packages(specification, settings)

c.CondaStore.validate_specification = validate
c.CondaStore.validate_action = conda_store_validate_action
"""


async def test_hook_made_of_the_pieces_of_the_rules_works_as_they_do(ledger: Ledger, tmp_path: Path) -> None:
    ledger.policy = a_policy(
        conda_default_channels=["main"], conda_included_packages=["numpy"], pypi_required_packages=["flask"]
    )
    async with open_api(ledger, options_of(tmp_path, COPIED).hooks) as api:
        answer = await api.submit("name: weather\ndependencies: [{pip: [flask]}]")
        refused = await api.submit("name: weather\ndependencies: [python]")
    build = await ledger.build(answer.json()["data"]["build_id"])
    specification = (build.order or {})["solve"]["specification"]
    assert specification["channels"] == ["main", "bioconda"]
    assert specification["dependencies"] == ["numpy", {"pip": ["flask"]}]
    assert (refused.status_code, refused.json()["message"]) == (
        400,
        "PyPi packages {'flask'} required and missing from specification",
    )


def test_server_does_not_start_when_a_hook_asks_for_what_is_not_there(tmp_path: Path, ledger: Ledger) -> None:
    options = options_of(tmp_path, "c.CondaStore.validate_action = lambda user, action: None")
    told = r"CondaStore\.validate_action: the function asks for user; it is given db, conda_store, namespace, action"
    with pytest.raises(ConfigurationError, match=told):
        CalledHooks(options.hooks, ledger.database, ledger.policy.settings)


@pytest.mark.parametrize("option", ["validate_specification", "validate_action", "post_update_environment_build_hook"])
def test_server_does_not_start_when_a_hook_is_no_function(tmp_path: Path, option: str) -> None:
    with pytest.raises(ConfigurationError, match=option):
        options_of(tmp_path, f"c.CondaStore.{option} = 'not a function'")


def test_server_does_not_start_when_a_hook_may_take_longer_than_a_message_waits(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"CondaStore\.hook_timeout=2000 is more than 0\.8 of the broker's"):
        options_of(tmp_path, "c.CondaStore.hook_timeout = 2000")


def test_rules_of_the_settings_step_back_where_there_is_a_hook(tmp_path: Path) -> None:
    without = options_of(tmp_path, "").policy
    hooked = options_of(tmp_path, "c.CondaStore.validate_action = lambda: None").policy
    assert (without.completes_specifications, without.guards_storage) == (True, True)
    assert (hooked.completes_specifications, hooked.guards_storage) == (True, False)
