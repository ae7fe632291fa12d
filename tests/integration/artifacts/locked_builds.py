"""A lockfile of two platforms, with a package of pip, and the order it was solved for."""

from typing import Any

from conda_store_shared.domain.lockfile import Lockfile
from conda_store_shared.domain.order import Order, PrefixOrder, SolveOrder

FORGE, OWN = "https://conda.anaconda.org/conda-forge", "https://c.example.org/t/hidden-token/own"


def a_row(name: str, platform: str, subdir: str = "", channel: str = FORGE, **changes: Any) -> dict[str, Any]:
    """A package of conda in a lockfile."""
    return {
        "name": name,
        "version": "1.0",
        "manager": "conda",
        "platform": platform,
        "dependencies": {},
        "url": f"{channel}/{subdir or platform}/{name}-1.0-h1_0.conda",
        "hash": {"md5": "0" * 32, "sha256": "1" * 64},
        "category": "main",
        "optional": False,
        **changes,
    }


def a_lockfile() -> Lockfile:
    """zlib and attrs for both platforms, and a wheel for one."""
    wheel = a_row("Flask_Login", "linux-64", manager="pip", hash={"sha256": "2" * 64}) | {
        "url": "https://files.example.org/flask_login-1.0-py3-none-any.whl"
    }
    rows = [
        a_row("attrs", "linux-64", "noarch", dependencies={"zlib": ">=1", "__glibc": ">=2.17"}),
        a_row("zlib", "linux-64", channel="https://c.example.org/own", hash={"md5": "3" * 32}),
        a_row("zlib", "linux-64", channel="https://c.example.org/own", hash={"md5": "3" * 32}, category="dev"),
        wheel,
        a_row("attrs", "osx-arm64", "noarch"),
    ]
    metadata = {
        "content_hash": {"linux-64": "a", "osx-arm64": "b"},
        "channels": [{"url": FORGE, "used_env_vars": []}, {"url": "https://c.example.org/own", "used_env_vars": []}],
        "platforms": ["linux-64", "osx-arm64"],
        "sources": ["environment.yaml"],
    }
    return Lockfile.from_value({"version": 1, "metadata": metadata, "package": rows})


def an_order() -> Order:
    """The order of that lockfile, from a channel whose address has a token."""
    return Order(
        build_id=1,
        build_key="0123abcd-1700000000-1-what?",
        namespace="team",
        environment="what?",
        solve=SolveOrder(
            specification={"name": "what?", "platforms": ["linux-64", "osx-arm64"]},
            channels=(FORGE, OWN),
            platforms=("linux-64", "osx-arm64"),
            deadline=60,
        ),
        prefix=PrefixOrder(
            platform="linux-64", path="/x", link=None, uid=None, gid=None, permissions=None, deadline=60
        ),
        artifacts=(),
        artifact_deadline=60,
    )
