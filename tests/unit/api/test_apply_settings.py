"""What settings put into a specification and demand of it (contract §4.6)."""

import re
from typing import Any

import pytest

from conda_store_api.use_cases.apply_settings import apply_settings
from conda_store_api.use_cases.read_lock import SubmittedLock, read_lock
from conda_store_api.use_cases.read_submission import read_specification
from conda_store_shared.errors import ChannelNotAllowed, RequiredPackagesMissing
from tests.unit.shared.settings_builders import some_settings

LOCKFILE = """{"metadata": {"platforms": ["linux-64"], "channels": []}, "package": []}"""


def applied(text: str, **settings: Any) -> dict[str, Any]:
    return dict(apply_settings(read_specification(f"name: weather\n{text}"), some_settings(**settings)).value)


def dependencies(text: str, **settings: Any) -> list[Any]:
    found: list[Any] = applied(text, **settings)["dependencies"]
    return found


def test_default_channels_stand_in_what_is_stored_when_none_are_named() -> None:
    assert applied("", conda_default_channels=["main", "bioconda"])["channels"] == ["main", "bioconda"]
    assert applied("channels: [other]", conda_default_channels=["main"])["channels"] == ["other"]


@pytest.mark.parametrize(
    ("channels", "allowed"),
    [
        ("[main]", ["https://conda.example/main/"]),
        ("['https://conda.example/main']", ["main"]),
        ("[main, other]", ["other", "main", "third"]),
        ("[anything]", []),
    ],
)
def test_channel_is_allowed_however_it_is_written(channels: str, allowed: list[str]) -> None:
    alias = "https://conda.example"
    assert applied(f"channels: {channels}", conda_allowed_channels=allowed, conda_channel_alias=alias)


@pytest.mark.parametrize(
    ("text", "default", "named"),
    [("channels: [main, conda-forge]", ["conda-forge"], "main"), ("", ["bioconda"], "bioconda")],
)
def test_channel_is_refused_by_name_when_it_is_not_allowed(text: str, default: list[str], named: str) -> None:
    message = rf"Conda channels \{{'https://conda.anaconda.org/{named}'\}} not allowed in specification"
    with pytest.raises(ChannelNotAllowed, match=message):
        applied(text, conda_default_channels=default, conda_allowed_channels=["conda-forge"])


def test_default_packages_are_those_of_a_specification_without_any() -> None:
    assert dependencies("", conda_default_packages=["python", "numpy >1"]) == ["python", "numpy >1"]
    assert dependencies("dependencies: [flask]", conda_default_packages=["python"]) == ["flask"]
    assert dependencies("dependencies: [{pip: [flask]}]", conda_default_packages=["python"]) == [{"pip": ["flask"]}]
    assert dependencies("", pypi_default_packages=["flask"]) == [{"pip": ["flask"]}]
    assert dependencies("dependencies: [{pip: [a]}]", pypi_default_packages=["flask"]) == [{"pip": ["a"]}]


def test_included_packages_are_added_unless_they_are_there_by_name() -> None:
    included = {"conda_included_packages": ["NumPy >=1", "ipykernel"], "pypi_included_packages": ["Foo_Bar>1", "baz"]}
    given = "dependencies: ['conda-forge::numpy 1.26', {pip: [foo.bar==3]}]"
    assert dependencies(given, **included) == ["conda-forge::numpy 1.26", "ipykernel", {"pip": ["foo.bar==3", "baz"]}]
    assert dependencies("", **included) == ["NumPy >=1", "ipykernel", {"pip": ["Foo_Bar>1", "baz"]}]


def test_pip_option_is_included_once() -> None:
    option = "--index-url https://pypi.example/simple"
    text = f"dependencies: [python, {{pip: ['{option}', flask]}}]"
    expected = ["python", {"pip": [option, "flask"]}]
    assert dependencies(text, pypi_included_packages=[option], pypi_required_packages=[option]) == expected


def test_specification_is_refused_with_the_names_it_lacks() -> None:
    lacking = "packages {} required and missing from specification"
    conda = re.escape("Conda " + lacking.format("{'flask', 'ipykernel'}"))
    with pytest.raises(RequiredPackagesMissing, match=f"^{conda}$"):
        applied("dependencies: [numpy]", conda_required_packages=["ipykernel >6", "numpy", "Flask"])
    pypi = re.escape("PyPi " + lacking.format("{'black'}"))
    with pytest.raises(RequiredPackagesMissing, match=f"^{pypi}$"):
        applied("dependencies: [black]", pypi_required_packages=["black"])


def test_required_packages_may_come_from_the_other_settings() -> None:
    settings = {"conda_required_packages": ["python", "numpy"], "conda_included_packages": ["numpy"]}
    assert dependencies("", conda_default_packages=["python"], **settings) == ["python", "numpy"]


def test_lockfile_is_built_as_it_is() -> None:
    submission = read_lock(SubmittedLock(text=LOCKFILE, name="weather"))
    settings = some_settings(conda_required_packages=["numpy"], conda_allowed_channels=["main"])
    assert apply_settings(submission, settings) is submission


def test_specification_stays_as_it_is_when_settings_ask_for_nothing() -> None:
    submission = read_specification("name: weather\nchannels: [main]\ndependencies: [python, {pip: [flask]}]")
    assert apply_settings(submission, some_settings()) == submission
