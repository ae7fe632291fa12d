"""Lockfiles of any content, as the property tests want them."""

from typing import Any

from hypothesis import strategies as st

from conda_store_shared.domain.lockfile import Lockfile
from conda_store_shared.domain.platforms import PLATFORMS

NAMES = st.from_regex(r"[a-z]([a-z0-9]|_[a-z0-9]){0,6}(-[a-z0-9]{1,4})?", fullmatch=True)
VERSIONS = st.from_regex(r"[0-9]{1,3}(\.[0-9]{1,3}){0,2}(rc1|\.post1)?", fullmatch=True)
BUILDS = st.from_regex(r"(py3[0-9]{1,2})?h[0-9a-f]{4}_[0-9]{1,2}", fullmatch=True)
CHANNELS = st.sampled_from(["https://conda.anaconda.org/conda-forge", "https://c.example.org:8443/deep/own"])
ENDINGS = st.sampled_from([".conda", ".tar.bz2"])
CONSTRAINTS = st.sampled_from(["", "*", ">=3.11,<4.0a0", "3.11.*", "3.11.* *_cp311"])


def digests(*, with_md5: bool = True) -> st.SearchStrategy[dict[str, str]]:
    """Any of md5 and sha256, at least one of them."""
    md5 = st.fixed_dictionaries({"md5": st.text("0123456789abcdef", min_size=32, max_size=32)})
    sha256 = st.fixed_dictionaries({"sha256": st.text("0123456789abcdef", min_size=64, max_size=64)})
    both = st.tuples(md5, sha256).map(lambda pair: pair[0] | pair[1])
    return st.one_of(md5, sha256, both) if with_md5 else sha256


@st.composite
def conda_rows(draw: st.DrawFn, platform: str) -> dict[str, Any]:
    """A package of conda for a platform."""
    name, version, build = draw(NAMES), draw(VERSIONS), draw(BUILDS)
    subdir = draw(st.sampled_from([platform, "noarch"]))
    row = {
        "name": name,
        "version": version,
        "manager": "conda",
        "platform": platform,
        "dependencies": draw(st.dictionaries(NAMES, CONSTRAINTS, max_size=3)),
        "url": f"{draw(CHANNELS)}/{subdir}/{name}-{version}-{build}{draw(ENDINGS)}",
        "hash": draw(digests()),
        "category": "main",
        "optional": False,
    }
    return row | draw(st.sampled_from([{}, {"build": build}]))


@st.composite
def pip_rows(draw: st.DrawFn, platform: str) -> dict[str, Any]:
    """A wheel for a platform."""
    name, version = draw(NAMES), draw(VERSIONS)
    return {
        "name": name,
        "version": version,
        "manager": "pip",
        "platform": platform,
        "dependencies": {},
        "url": f"https://files.example.org/{name.replace('-', '_')}-{version}-py3-none-any.whl",
        "hash": draw(digests(with_md5=False)),
        "category": "main",
        "optional": False,
    }


@st.composite
def lockfiles(draw: st.DrawFn, platforms: int = 3) -> Lockfile:
    """A lockfile for one or several platforms, with each package once for each."""
    chosen = draw(st.lists(st.sampled_from(PLATFORMS), min_size=1, max_size=platforms, unique=True))
    rows: list[dict[str, Any]] = []
    for platform in chosen:
        rows += draw(st.lists(conda_rows(platform), max_size=4, unique_by=lambda row: str(row["name"])))
        rows += draw(st.lists(pip_rows(platform), max_size=2, unique_by=lambda row: str(row["name"])))
    known: dict[str, dict[str, Any]] = {}
    # A file has one content, whichever platforms it is for.
    rows = [{**known.setdefault(row["url"], row), "platform": row["platform"]} for row in rows]
    channels = draw(st.lists(CHANNELS, max_size=2, unique=True))
    metadata = {
        "content_hash": dict.fromkeys(chosen, "0" * 64),
        "channels": [{"url": channel, "used_env_vars": []} for channel in channels],
        "platforms": chosen,
        "sources": ["environment.yaml"],
    }
    return Lockfile.from_value({"version": 1, "metadata": metadata, "package": rows})
