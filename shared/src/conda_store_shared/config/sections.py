"""Every section of a configuration, and the names under which existing files know some of them."""

from collections.abc import Iterator, Mapping

from traitlets import TraitType
from traitlets.config import Configurable

from conda_store_shared.config.authentication import (
    Authentication,
    AuthenticationBackend,
    DummyAuthentication,
    RBACAuthorizationBackend,
)
from conda_store_shared.config.bus import Bus
from conda_store_shared.config.conda_store import CondaStore
from conda_store_shared.config.oauth import (
    GenericOAuthAuthentication,
    GithubOAuthAuthentication,
    JupyterHubOAuthAuthentication,
    OIDCAuthentication,
)
from conda_store_shared.config.registry import ContainerRegistry
from conda_store_shared.config.server import CondaStoreServer
from conda_store_shared.config.storage import LocalStorage, S3Storage, Storage
from conda_store_shared.config.traces import Traces
from conda_store_shared.config.worker import CondaStoreWorker, Ledger

# Ends the name of the option that names the file of a secret.
FILE = "_file"
# Shown where the value of a secret would be.
MASK = "******"
Options = Mapping[str, TraitType[object, object]]

SECTIONS: tuple[type[Configurable], ...] = (
    CondaStore,
    CondaStoreServer,
    CondaStoreWorker,
    Ledger,
    Bus,
    LocalStorage,
    S3Storage,
    Authentication,
    DummyAuthentication,
    GenericOAuthAuthentication,
    GithubOAuthAuthentication,
    JupyterHubOAuthAuthentication,
    OIDCAuthentication,
    AuthenticationBackend,
    RBACAuthorizationBackend,
    ContainerRegistry,
    Traces,
)
# Classes that stand for one of several, never configured themselves.
_BASES: tuple[type[Configurable], ...] = (Authentication, AuthenticationBackend, RBACAuthorizationBackend, Storage)
# As documentation of conda-store wrote them, once.
MISSPELT_SECTIONS = {
    "AuthorizationBackend": "RBACAuthorizationBackend",
    "GenericOauthAuthentication": "GenericOAuthAuthentication",
}
MISSPELT_OPTIONS = {
    ("CondaStore", "storage_thresold"): ("CondaStore", "storage_threshold"),
    ("GenericOAuthAuthentication", "authorizie_url"): ("GenericOAuthAuthentication", "authorize_url"),
    ("GithubOAuthAuthentication", "jupyterhub_url"): ("JupyterHubOAuthAuthentication", "jupyterhub_url"),
    ("CondaStoreServer", "template"): ("CondaStoreServer", "templates"),
}


def known_sections() -> Mapping[str, type[Configurable]]:
    """Every section by name, with the classes that a configuration file derived from ours."""
    return {kind.__name__: kind for kind in (*_descendants(_BASES), *SECTIONS)}


def options_of(section: type[Configurable]) -> Options:
    """The options of a section by name, inherited ones included."""
    return section.class_traits(config=True)


def is_secret(trait: TraitType[object, object]) -> bool:
    """Whether nobody but the process may see the value."""
    return bool(trait.metadata.get("secret"))


def trait_of(section: str, option: str) -> TraitType[object, object] | None:
    """The trait of an option, or the secret one whose file an option names; None when there is neither."""
    kind = known_sections().get(section)
    if kind is None:
        return None
    traits = options_of(kind)
    held = traits.get(option.removesuffix(FILE))
    return traits.get(option) or (held if held is not None and is_secret(held) else None)


def _descendants(kinds: tuple[type[Configurable], ...]) -> Iterator[type[Configurable]]:
    for kind in kinds:
        yield kind
        yield from _descendants(tuple(kind.__subclasses__()))
