"""Options of the services that work: solver, builder, artifacts (contract §5.5)."""

from collections.abc import Mapping
from typing import Any

from traitlets import Bool, Dict, Enum, Float, Int, List, TraitError, Unicode, Union, validate
from traitlets.config import Configurable

from conda_store_shared.config.credentials import Credentials, read_credentials
from conda_store_shared.errors import ConfigurationError


class CondaStoreWorker(Configurable):
    """How much is done at once, and within which limits."""

    log_level = Union(
        [Int(), Unicode()],
        default_value=20,
        help="Level of the log of solver, builder, artifacts and conda-store-worker: a number of Python's or its name.",
    ).tag(config=True)
    watch_paths = List(
        Unicode(), [], help="Files and directories of specifications, registered in CondaStore.filesystem_namespace."
    ).tag(config=True)
    watch_interval = Float(
        60.0, min=1.0, help="Seconds after which watched paths are looked at though no change was noticed."
    ).tag(config=True)
    config_file = Unicode("", help="Configuration file.").tag(config=True, gone="the file is named by --config")
    concurrency = Int(
        None,
        min=0,
        allow_none=True,
        help="Requests each worker service works on at once; the number of cores when None or 0.",
    ).tag(config=True)
    cache_directory = Unicode(
        "", help="Directory of downloaded channel indexes and packages; ~/.cache/conda-store when empty."
    ).tag(config=True)
    solve_memory = Int(4 * 1024**3, help="Bytes of memory one solve may use.").tag(config=True)
    install_memory = Int(4 * 1024**3, help="Bytes of memory one installation may use.").tag(config=True)
    heartbeat = Float(10.0, help="Seconds between signs of life of running work.").tag(config=True)
    unused_fragments_kept = Float(
        86400.0,
        min=1.0,
        help="Seconds after which what archives and images share is removed when none needs it any more, and packages "
        "and copies of it on local disk when nobody used them; four times CondaStore.max_artifact_time when that is "
        "longer.",
    ).tag(config=True)
    collect_interval = Float(
        3600.0, min=1.0, help="Seconds between two looks for what archives and images do not need any more."
    ).tag(config=True)
    builds_sdists = Bool(
        False, help="Whether pip packages that are no wheels may be built, which runs their code; in a sandbox, unless "
        "sandbox is off."
    ).tag(config=True)
    sandbox = Enum(
        ("auto", "required", "off"),
        "auto",
        help="Whether code that packages bring (link scripts, builds of sdists) is confined: auto where the system "
        "permits it, required, or off.",
    ).tag(config=True)
    package_max_bytes = Int(
        16 * 1024**3, min=1, help="Bytes a package may have once it is extracted; a larger one is refused."
    ).tag(config=True)
    package_max_files = Int(
        500_000, min=1, help="Files and directories a package may have; one with more is refused."
    ).tag(config=True)
    channel_credentials = Dict(
        help="Credentials of channels and package indexes: name -> {'address', and one of: 'token' (in the path); "
        "'username' and 'password'; 'bearer'; 'authorization' (the value of the header)}.  An address instead of a "
        "name has the value of an Authorization header.  Used at fetch, and never written down."
    ).tag(config=True, secret=True)

    @validate("channel_credentials")
    def _read_channel_credentials(self, proposal: Mapping[str, Any]) -> Credentials:
        try:
            return read_credentials(proposal["value"])
        except ConfigurationError as error:
            raise TraitError(error.message) from None


class Ledger(Configurable):
    """How api releases builds and rescues those that fall silent; times in seconds."""

    capacity = Int(
        None,
        allow_none=True,
        help="Builds that run at once in the whole suite; twice CondaStoreWorker.concurrency when None.",
    ).tag(config=True)
    per_namespace = Int(
        None, allow_none=True, help="Builds of one namespace that run at once; as capacity when None."
    ).tag(config=True)
    silence = Float(60.0, help="Silence after which running work is requested again.").tag(config=True)
    unheard = Float(10.0, help="Time after which a request is repeated if its queue is empty.").tag(config=True)
    rescue_interval = Float(10.0, help="Time between two looks for lost work.").tag(config=True)
    first_retry = Float(2.0, help="Longest first pause after a passing failure; doubles each time.").tag(config=True)
    longest_retry = Float(300.0, help="Longest pause after a passing failure.").tag(config=True)
