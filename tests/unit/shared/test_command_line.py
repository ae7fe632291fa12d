"""What every command understands (contract §6.2)."""

import pytest

from conda_store_shared.config.command_line import parser
from conda_store_shared.config.sections import SECTIONS, options_of

PROGRAM = parser("conda-store-api", "conda-store: answers.", "conda-store-shared")


def exits(capsys: pytest.CaptureFixture[str], argument: str) -> str:
    with pytest.raises(SystemExit) as raised:
        PROGRAM.parse_args([argument])
    assert raised.value.code in (0, None)
    told = capsys.readouterr()
    assert told.err == ""
    return told.out


def test_version_is_told_bare(capsys: pytest.CaptureFixture[str]) -> None:
    assert exits(capsys, "--version").strip().replace(".", "").isdigit()


def test_help_says_what_to_type(capsys: pytest.CaptureFixture[str]) -> None:
    told = exits(capsys, "--help")
    assert "conda-store-api --config conda_store_config.py --CondaStoreServer.port=8081" in told
    assert "--generate-config > conda_store_config.py" in told


def test_all_help_tells_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    told = exits(capsys, "--help-all")
    for section in SECTIONS:
        own = section.class_own_traits(config=True)
        assert all(f"--{section.__name__}.{name}=" in told for name in options_of(section) if name in own)


def test_options_of_classes_are_left_to_the_configuration() -> None:
    arguments, rest = PROGRAM.parse_known_args(["--config", "x.py", "--CondaStoreServer.port=1", "--conf=y"])
    assert (arguments.config, rest) == ("x.py", ["--CondaStoreServer.port=1", "--conf=y"])
