"""Which Python distribution a conda package is, where its channel does not say so itself."""

import re

from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import InvalidVersion, Version

from conda_store_solver.domain.packages import CondaPackage

# Conda's name on the left; all others have one name in both worlds.
_DISTRIBUTIONS = {
    "dask-core": "dask",
    "matplotlib-base": "matplotlib",
    "msgpack-python": "msgpack",
    "opencv": "opencv-python",
    "py-lightgbm": "lightgbm",
    "py-opencv": "opencv-python",
    "py-xgboost": "xgboost",
    "py-xgboost-cpu": "xgboost",
    "py-xgboost-gpu": "xgboost",
    "pyqt": "pyqt5",
    "pytables": "tables",
    "python-build": "build",
    "python-duckdb": "duckdb",
    "python-flatbuffers": "flatbuffers",
    "python-graphviz": "graphviz",
    "python-kaleido": "kaleido",
    "python-lmdb": "lmdb",
    "python-tzdata": "tzdata",
    "python-xxhash": "xxhash",
    "pytorch": "torch",
    "pytorch-cpu": "torch",
    "pytorch-gpu": "torch",
    "seaborn-base": "seaborn",
}
_PURL = re.compile(r"pkg:pypi/(?P<name>[^@?#]+)(?:@(?P<version>[^?#]+))?")
_PYTHON = re.compile(r"python(?:_abi)?(?:[ =<>!~\[]|$)")


def distributions(package: CondaPackage) -> dict[NormalizedName, Version | None]:
    """The Python distributions ``package`` installs; a version is None where it cannot be told.

    A package's own ``purls`` stand above the table of names; one that does not depend on Python is none.
    """
    found = [match for match in map(_PURL.match, package.purls) if match]
    if found:
        return {canonicalize_name(match["name"]): _version(match["version"] or package.version) for match in found}
    if not any(_PYTHON.match(depend) for depend in package.depends):
        return {}
    name = _DISTRIBUTIONS.get(package.name, package.name)
    return {canonicalize_name(name): _version(package.version)}


def _version(text: str) -> Version | None:
    try:
        return Version(text)
    except InvalidVersion:
        return None
