"""Configuration: file, then command line; what is wrong is named (contract §5)."""

from pathlib import Path

import pytest
from traitlets.config import Config

from conda_store_api.config import read_options
from conda_store_shared.assembly.database import open_database, open_own_database
from conda_store_shared.assembly.message_bus import open_bus
from conda_store_shared.assembly.object_storage import open_store
from conda_store_shared.assembly.process import log_level
from conda_store_shared.config.command_line import parser
from conda_store_shared.config.conda_store import CondaStore, current_platform
from conda_store_shared.config.load import Configuration, load_config
from conda_store_shared.config.sections import SECTIONS
from conda_store_shared.config.server import CondaStoreServer
from conda_store_shared.domain.settings import Settings
from conda_store_shared.errors import ConfigurationError
from conda_store_shared.storage.filesystem import FilesystemStore
from conda_store_shared.storage.s3 import S3Store

SECRET = ("--AuthenticationBackend.secret=" + "s" * 32,)


def load(*overrides: str, file: Path | None = None) -> Config:
    return loaded(*overrides, file=file).config


def loaded(*overrides: str, file: Path | None = None) -> Configuration:
    arguments, rest = parser("program", "A program.", "conda-store-shared").parse_known_args(
        [*(["--config", str(file)] if file else []), *overrides]
    )
    return load_config(arguments, rest)


def written(directory: Path, text: str, name: str = "conda_store_config.py") -> Path:
    path = directory / name
    path.write_text(text)
    return path


def test_every_option_has_a_default_and_says_what_it_is() -> None:
    for section in SECTIONS:
        made = section()
        for name, trait in section.class_traits(config=True).items():
            getattr(made, name)
            assert trait.help, f"{section.__name__}.{name} has no help"


def test_command_line_wins_over_the_file(tmp_path: Path) -> None:
    file = written(tmp_path, "c.CondaStoreServer.port = 1234\nc.CondaStoreServer.url_prefix = '/conda-store'\n")
    server = CondaStoreServer(config=load("--CondaStoreServer.port=4321", file=file))
    assert (server.port, server.url_prefix) == (4321, "/conda-store")


def test_file_may_be_json(tmp_path: Path) -> None:
    file = written(tmp_path, '{"CondaStoreServer": {"port": 1234}}', "config.json")
    assert CondaStoreServer(config=load(file=file)).port == 1234


def test_file_may_compute_and_load_another(tmp_path: Path) -> None:
    written(tmp_path, "c.CondaStore.default_namespace = 'base'\n", "base.py")
    file = written(tmp_path, "load_subconfig('base.py')\nc.CondaStore.build_artifacts = [*('YAML',)]\n")
    store = CondaStore(config=load(file=file))
    assert (store.default_namespace, store.build_artifacts) == ("base", ["YAML"])


def test_lists_are_separated_by_commas_on_the_command_line() -> None:
    store = CondaStore(config=load("--CondaStore.conda_allowed_channels=main,conda-forge"))
    assert store.conda_allowed_channels == ["main", "conda-forge"]


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("--CondaStoreServer.port=http", "CondaStoreServer.port"),
        ("--CondaStoreServer.prot=80", "unknown option CondaStoreServer.prot"),
        ("--Server.port=80", "unknown option Server.port"),
        ("--port=80", "unrecognized argument '--port=80'"),
        ("port", "unrecognized argument 'port'"),
        ("--CondaStoreServer.port", "unrecognized argument"),
        ("--CondaStore.build_key_version=4", "invalid build key version: 4, expected: (1, 2, 3)"),
        ("--CondaStoreServer.url_prefix=x", "'x' must start with /"),
        ("--RBACAuthorizationBackend.role_mappings_version=3", "invalid role mappings version: 3, expected: (1, 2)"),
    ],
)
def test_refusal_names_the_option(override: str, message: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        load(override)
    assert message in raised.value.message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("c.CondaStoreServer.port = (", "SyntaxError"),
        ("import nothing_like_this", "nothing_like_this"),
        ("c.CondaStoreServer.port = nothing", "name 'nothing' is not defined"),
        ("c.CondaStoreServer.port = 'http'", "port"),
        ("c.CondaStoreServer.authentication_class = int", "authentication_class"),
    ],
)
def test_refusal_names_the_file_and_the_reason(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        load(file=written(tmp_path, text))
    assert message in raised.value.message


def test_refusal_names_the_file_when_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"Failed to find specified config file: .*/nothing\.py"):
        load(file=tmp_path / "nothing.py")


def test_line_is_told_when_the_code_of_a_file_breaks(tmp_path: Path) -> None:
    file = written(tmp_path, "def port():\n    return {}['port']\n\nc.CondaStoreServer.port = port()\n")
    with pytest.raises(ConfigurationError, match=r"conda_store_config\.py, line 2: KeyError: 'port'"):
        load(file=file)


def test_file_that_is_broken_in_another_way_is_named(tmp_path: Path) -> None:
    broken = {"config.json": "{", "division.py": "1 / 0", "key.py": "{}['x']", "os.py": "open('/x/y')"}
    broken["assertion.py"] = "assert 1 > 2"
    for name, text in broken.items():
        with pytest.raises(ConfigurationError, match=name):
            load(file=written(tmp_path, text, name))


@pytest.mark.parametrize(("value", "level"), [(10, 10), ("INFO", 20), ("warning", 30), ("40", 40)])
def test_log_level_is_a_number_or_a_name(value: int | str, level: int) -> None:
    assert log_level(value) == level


def test_log_level_is_refused_when_unknown() -> None:
    with pytest.raises(ConfigurationError, match="'loud' is not known"):
        log_level("loud")


def test_distributed_process_refuses_what_only_one_process_can_use() -> None:
    with pytest.raises(ConfigurationError, match=r"CondaStore\.database_url=postgresql"):
        open_database(load("--CondaStore.database_url=sqlite:////tmp/x.sqlite"), "api")
    with pytest.raises(ConfigurationError, match=r"Bus.url=amqp.*--standalone"):
        open_bus(load(), "api")


async def test_database_of_the_only_process_makes_its_directory(tmp_path: Path) -> None:
    path = tmp_path / "new" / "place" / "conda-store.sqlite"
    async with open_own_database(load(f"--CondaStore.database_url=sqlite:///{path}")) as database:
        await database.check()
    assert path.exists()


def test_database_is_refused_when_it_is_of_no_known_kind() -> None:
    with pytest.raises(ConfigurationError, match="'mysql' is not supported; use PostgreSQL or SQLite"):
        open_database(load("--CondaStore.database_url=mysql://localhost/x"), "api")


@pytest.mark.parametrize("url", ["", "nonsense", "postgresql://host:port/x"])
def test_database_is_refused_when_its_address_is_none(url: str) -> None:
    with pytest.raises(ConfigurationError):
        open_database(load(f"--CondaStore.database_url={url}"), "api")


def test_objects_go_to_files_unless_an_endpoint_is_given(tmp_path: Path) -> None:
    assert isinstance(open_store(load(f"--LocalStorage.storage_path={tmp_path}")).store, FilesystemStore)
    assert isinstance(open_store(load("--S3Storage.internal_endpoint=localhost:9000")).store, S3Store)


@pytest.mark.parametrize(
    ("flags", "priority"),
    [
        ("--strict-channel-priority", "strict"),
        ("--no-channel-priority", "disabled"),
        ("--channel-priority=disabled --channel-priority flexible", "flexible"),
        ("--strict-channel-priority --yes --repodata-fn 'a b'", "strict"),
        ("", "flexible"),
    ],
)
def test_flags_of_conda_say_what_the_order_of_channels_means(flags: str, priority: str) -> None:
    assert read_options(load(*SECRET, f"--CondaStore.conda_flags={flags}")).policy.channel_priority == priority


def test_settings_begin_as_the_options_of_their_names() -> None:
    changed = {"conda_max_solve_time": 7, "storage_threshold": 7, "default_permissions": "700"}
    overrides = [f"--CondaStore.{name}={value}" for name, value in changed.items()]
    settings = read_options(load(*SECRET, *overrides)).policy.settings.model_dump(mode="json")
    usual = CondaStore()
    assert settings == {name: changed.get(name, getattr(usual, name)) for name in settings}
    assert settings.keys() == Settings.model_fields.keys()


def test_options_of_builds_are_read(tmp_path: Path) -> None:
    options = read_options(load(*SECRET, f"--CondaStore.store_directory={tmp_path}", "--Ledger.capacity=3"))
    assert (options.policy.store_directory, options.policy.platform) == (tmp_path, current_platform())
    assert (options.ledger.capacity, options.ledger.per_namespace) == (3, 3)
    wanted = ["YAML", "CONDA_PACK", "CONSTRUCTOR_INSTALLER"]
    assert [artifact.value for artifact in options.policy.artifacts] == wanted


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("--CondaStore.max_install_time=1500", "CondaStore.max_install_time=1500 is more than 0.8"),
        ("--CondaStore.conda_solve_platforms=win-64", "CondaStore.conda_solve_platforms must contain"),
        ("--CondaStore.conda_default_packages===1", "CondaStore.conda_default_packages: Invalid conda package"),
        ("--CondaStore.pypi_included_packages=--no-index", "CondaStore.pypi_included_packages: Invalid pip option"),
        ("--CondaStore.build_artifacts=ZIP", "CondaStore.build_artifacts: Input should be 'DIRECTORY'"),
        ("--CondaStore.default_permissions=999", "CondaStore.default_permissions: String should match pattern"),
        ("--CondaStore.build_directory={nothing}/x", "build_directory"),
        ("--CondaStore.conda_flags=--channel-priority loose", "CondaStore.conda_flags='--channel-priority loose'"),
        ("--CondaStore.conda_flags='", "No closing quotation; use --strict-channel-priority"),
        ("--CondaStore.environment_directory={store_directory", "environment_directory"),
        ("--CondaStore.conda_default_channels=https://hunter2@h/c", "CondaStore.conda_default_channels: a channel is"),
        ("--CondaStore.conda_channel_alias=https://h/t/hunter2", "CondaStore.conda_channel_alias: a channel is"),
    ],
)
def test_api_refuses_options_that_do_not_fit(override: str, message: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        read_options(load(*SECRET, override))
    assert message in raised.value.message
    assert "hunter2" not in raised.value.message
