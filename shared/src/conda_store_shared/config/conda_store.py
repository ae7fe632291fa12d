"""Options of builds: channels, directories, artifacts, database (contract §5.1)."""

import os
import platform
import sys
from typing import Any

from traitlets import Any as AnyValue
from traitlets import Bool, Callable, Dict, Float, Int, List, TraitError, Type, Unicode, Union, default, validate
from traitlets.config import Configurable

from conda_store_shared.config.directories import data_directory
from conda_store_shared.config.storage import LocalStorage, Storage

_MACHINES = {"x86_64": "64", "amd64": "64", "aarch64": "aarch64", "arm64": "arm64", "ppc64le": "ppc64le"}
_SYSTEMS = {"linux": "linux", "darwin": "osx", "win32": "win"}


def current_platform() -> str:
    """The platform this process runs on, as conda names it: ``linux-64``."""
    machine = platform.machine().lower()
    system = _SYSTEMS.get(sys.platform, "linux")
    if system == "linux" and machine == "arm64":
        machine = "aarch64"
    return f"{system}-{_MACHINES.get(machine, machine)}"


class CondaStore(Configurable):
    """How environments are built and where they are kept."""

    database_url = Unicode(help="SQLAlchemy address of the database, PostgreSQL or SQLite.").tag(
        config=True, secret=True
    )
    upgrade_db = Bool(True, help="Whether a server brings the schema of the database up to date when it starts.").tag(
        config=True
    )
    storage_class = Type(
        LocalStorage, klass=Storage, help="Where artifacts are kept: LocalStorage or S3Storage, with their options."
    ).tag(config=True)
    store_directory = Unicode(help="Directory of the built prefixes; builders that share it serve the same ones.").tag(
        config=True
    )
    build_directory = Unicode(
        "{store_directory}/{namespace}",
        help="Directory a prefix is built in; keys: store_directory, namespace (empty in build key version 3), name.",
    ).tag(config=True)
    environment_directory = Unicode(
        "{store_directory}/{namespace}/envs/{name}",
        help="Symbolic link to the current build of an environment; keys: store_directory, namespace, name.",
    ).tag(config=True)
    build_key_version = Int(2, help="Format of new build keys: 1, 2 or 3.").tag(config=True)
    build_artifacts = List(
        Unicode(),
        ["LOCKFILE", "YAML", "CONDA_PACK", "CONSTRUCTOR_INSTALLER"],
        help="Artifacts made of each build; lockfile and logs are always kept.",
    ).tag(config=True)
    build_artifacts_kept_on_deletion = List(
        Unicode(), ["LOGS", "LOCKFILE", "YAML"], help="Artifacts that stay when their build is deleted."
    ).tag(config=True)
    conda_command = Unicode("mamba", help="Program that solved.").tag(
        config=True, gone="rattler solves, as part of the service"
    )
    conda_channel_alias = Unicode(
        "https://conda.anaconda.org", help="Address that short channel names stand below."
    ).tag(config=True)
    conda_default_channels = List(
        Unicode(), ["conda-forge"], help="Channels of specifications that name none."
    ).tag(config=True)
    conda_allowed_channels = List(
        Unicode(), [], help="Channels that specifications may use; empty permits all."
    ).tag(config=True)
    conda_indexed_channels = List(
        Unicode(),
        ["main", "conda-forge", "https://repo.anaconda.com/pkgs/main"],
        help="Channels whose packages can be searched for.",
    ).tag(config=True)
    conda_platforms = List(Unicode(), help="Platforms whose packages can be searched for.").tag(config=True)
    conda_solve_platforms = List(
        Unicode(), help="Platforms that lockfiles are solved for; must contain the one of the builders."
    ).tag(config=True)
    conda_default_packages = List(Unicode(), [], help="Dependencies of specifications that name none.").tag(config=True)
    conda_required_packages = List(
        Unicode(), [], help="Packages without which a specification is refused."
    ).tag(config=True)
    conda_included_packages = List(
        Unicode(), [], help="Dependencies added to specifications that lack them."
    ).tag(config=True)
    pypi_default_packages = List(
        Unicode(), [], help="Requirements of specifications without a pip section."
    ).tag(config=True)
    pypi_required_packages = List(
        Unicode(), [], help="Packages of PyPI without which a specification is refused."
    ).tag(config=True)
    pypi_included_packages = List(
        Unicode(), [], help="Requirements added to the pip section of specifications that lack them."
    ).tag(config=True)
    storage_threshold = Int(
        5 * 1024**3, help="Bytes that must be free on the disk of the prefixes for builds to be accepted."
    ).tag(config=True)
    conda_max_solve_time = Int(300, help="Seconds a solve may take.").tag(config=True)
    max_install_time = Float(1200, help="Seconds the installation of a prefix may take.").tag(config=True)
    max_artifact_time = Float(1200, help="Seconds the making of one artifact may take.").tag(config=True)
    max_index_time = Float(600, help="Seconds the listing of one platform of an indexed channel may take.").tag(
        config=True
    )
    index_interval = Float(900, help="Seconds between two looks at what an indexed channel has.").tag(config=True)
    max_build_time = Float(
        1800, help="Seconds after which a build that keeps failing for passing reasons is given up."
    ).tag(config=True)
    hook_timeout = Float(
        30, min=0.01, help="Seconds a hook may take; then whoever waits for it gets an error."
    ).tag(config=True)
    events_kept = Float(
        None,
        allow_none=True,
        min=0.0,
        help="Days for which events stay in their log, and streams can go on from them; None keeps them for ever.",
    ).tag(config=True)
    webhook_allowed_networks = List(
        Unicode(),
        [],
        help="Networks (10.1.0.0/16) that webhooks may be sent to although they are private, such as the one of your "
        "CI; never add one from which machines are administered, or their metadata.",
    ).tag(config=True)
    webhooks_per_owner = Int(
        50, min=0, help="Webhooks that one may have, by one's own namespace; those there are stay when it is lowered."
    ).tag(config=True)
    webhook_deliveries_kept = Float(
        30, min=0.0, help="Days for which it can be seen what was sent to a webhook, and sent again."
    ).tag(config=True)
    signing_key = Unicode(
        "",
        help="Private ed25519 key in PEM that signs the provenance of builds; the same for every process that serves "
        "downloads.  When empty, a single process makes one and keeps it in its data directory; several sign nothing.",
    ).tag(config=True, secret=True)
    builder_id = Unicode(
        "", help="URI of the builder in provenance, such as the address of the site; by default made of the key."
    ).tag(config=True)
    default_namespace = Unicode("default", help="Namespace of whoever names none.").tag(config=True)
    filesystem_namespace = Unicode("filesystem", help="Namespace of specifications found in watched paths.").tag(
        config=True
    )
    default_uid = Int(allow_none=True, help="Owner of built prefixes.").tag(config=True)
    default_gid = Int(allow_none=True, help="Group of built prefixes.").tag(config=True)
    default_permissions = Unicode("775", allow_none=True, help="Mode of built prefixes, three octal digits.").tag(
        config=True
    )

    validate_specification = Callable(
        None,
        allow_none=True,
        help="Hook that may change or refuse a specification: a function, plain or async, of db, conda_store, "
        "namespace and specification which returns the specification.",
    ).tag(config=True)
    validate_action = Callable(
        None,
        allow_none=True,
        help="Hook that may refuse an action: a function, plain or async, of db, conda_store, namespace and action.",
    ).tag(config=True)
    post_update_environment_build_hook = Callable(
        None,
        allow_none=True,
        help="Hook that is told when the current build of an environment changed: a function, plain or async, of "
        "conda_store and environment.",
    ).tag(config=True)
    event_hooks = Dict(
        help="Hooks that are told of public events: by type, such as build.completed, by all types of a kind, such as "
        "build.*, or * for every event, a function, plain or async, of event, a dictionary as of GET /event/.",
    ).tag(config=True)
    default_docker_base_image = Union(
        [Unicode(), Callable()],
        default_value="builtin",
        help="Image that images of environments are built upon, with its registry, best by digest; or a function of "
        "the build that tells it.  builtin needs no registry: glibc and a shell of the machine the workers run on.",
    ).tag(config=True)
    conda_flags = Unicode(
        "--strict-channel-priority",
        help="How channels are preferred in a solve: --strict-channel-priority, --no-channel-priority, or neither, "
        "which conda calls flexible: strict, unless that has no solution.",
    ).tag(config=True)
    redis_url = Unicode(None, allow_none=True, help="Address of Redis.").tag(
        config=True, secret=True, gone="there is no Redis any more; RabbitMQ is named by Bus.url"
    )
    celery_broker_url = Unicode(None, allow_none=True, help="Address of the broker.").tag(
        config=True, secret=True, gone="there is no Celery any more; RabbitMQ is named by Bus.url"
    )
    celery_results_backend = Unicode(None, allow_none=True, help="Where Celery kept results.").tag(
        config=True, secret=True, gone="there is no Celery any more; the database keeps what became of a build"
    )
    serialize_builds = Bool(True, help="Whether builds ran one by one.").tag(
        config=True, gone="builds never disturb each other; Ledger.capacity says how many run at once"
    )
    container_registry_class = AnyValue(None, allow_none=True, help="Class of the registry of images.").tag(
        config=True, gone="there is one registry, with the options of ContainerRegistry"
    )
    lock_backend = Unicode("conda-lock", help="Program that makes lockfiles.").tag(
        config=True, gone="lockfiles are always those of conda-lock, solved by rattler"
    )
    win_extended_length_prefix = Bool(False, help="Whether Windows gets paths of any length.").tag(
        config=True, gone="services run on Linux and macOS"
    )

    @default("database_url")
    def _database_in_data_directory(self) -> str:
        return f"sqlite:///{data_directory() / 'conda-store.sqlite'}"

    @default("store_directory")
    def _store_in_data_directory(self) -> str:
        return str(data_directory() / "state")

    @default("conda_solve_platforms")
    def _current_platform(self) -> list[str]:
        return [current_platform()]

    @default("conda_platforms")
    def _current_platform_and_noarch(self) -> list[str]:
        return [current_platform(), "noarch"]

    @default("default_uid")
    def _own_uid(self) -> int | None:
        return os.getuid()

    @default("default_gid")
    def _own_gid(self) -> int | None:
        return os.getgid()

    @validate("build_key_version")
    def _known_version(self, proposal: Any) -> int:
        version: int = proposal["value"]
        if version not in (1, 2, 3):
            raise TraitError(
                f"c.CondaStore.build_key_version: invalid build key version: {version}, expected: (1, 2, 3)"
            )
        return version
