"""Settings as a deployment has them that changed nothing, and as people set them."""

from typing import Any

from hypothesis import strategies as st

from conda_store_shared.domain.artifact import ArtifactType
from conda_store_shared.domain.settings import GLOBAL_KEYS, Settings

DEFAULTS: dict[str, Any] = {
    "default_namespace": "default",
    "filesystem_namespace": "filesystem",
    "default_uid": 1000,
    "default_gid": 1000,
    "default_permissions": "775",
    "storage_threshold": 5368709120,
    "conda_command": "mamba",
    "conda_platforms": ["linux-64", "noarch"],
    "conda_max_solve_time": 300,
    "conda_indexed_channels": ["main", "conda-forge", "https://repo.anaconda.com/pkgs/main"],
    "build_artifacts_kept_on_deletion": ["LOGS", "LOCKFILE", "YAML"],
    "conda_solve_platforms": ["linux-64"],
    "conda_channel_alias": "https://conda.anaconda.org",
    "conda_default_channels": ["conda-forge"],
    "conda_allowed_channels": [],
    "conda_default_packages": [],
    "conda_required_packages": [],
    "conda_included_packages": [],
    "pypi_default_packages": [],
    "pypi_required_packages": [],
    "pypi_included_packages": [],
    "build_artifacts": ["LOCKFILE", "YAML", "CONDA_PACK", "CONSTRUCTOR_INSTALLER"],
}
_NAMES = st.text("ab", min_size=1, max_size=3)
_NUMBERS = st.integers(min_value=1, max_value=1000)
_OWNERS = st.none() | _NUMBERS
_ARTIFACTS = st.lists(st.sampled_from([artifact.value for artifact in ArtifactType]), max_size=3)
_LISTS = st.lists(_NAMES, max_size=3)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    **dict.fromkeys(DEFAULTS, _LISTS),
    **dict.fromkeys(("default_namespace", "filesystem_namespace", "conda_command", "conda_channel_alias"), _NAMES),
    **dict.fromkeys(("default_uid", "default_gid"), _OWNERS),
    **dict.fromkeys(("storage_threshold", "conda_max_solve_time"), _NUMBERS),
    **dict.fromkeys(("build_artifacts", "build_artifacts_kept_on_deletion"), _ARTIFACTS),
    "default_permissions": st.none() | st.text("01234567", min_size=3, max_size=3),
}
OVERRIDES = st.fixed_dictionaries({}, optional=VALUES)
LOCAL_OVERRIDES = st.fixed_dictionaries(
    {}, optional={key: values for key, values in VALUES.items() if key not in GLOBAL_KEYS}
)


def some_settings(**changes: Any) -> Settings:
    """Every default but some."""
    return Settings.model_validate({**DEFAULTS, **changes})
