"""Images of environments, pulled and run by clients of others from our own registry."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from conda_store_shared.testing.servers.docker_engine import DockerEngine
from conda_store_shared.testing.servers.image_clients import Podman, Skopeo
from conda_store_shared.testing.servers.image_registry import PASSWORD, USER, ImageRegistry
from conda_store_shared.testing.servers.process import ServerNotReady
from tests.acceptance.user import User
from tests.containers.base_image import make_base

PACKAGES = ("python", "numpy", "flask", "demo-prefix")
PROGRAM = "import numpy, flask, ssl, sqlite3; print(numpy.arange(3).sum(), flask.__name__)"


@dataclass(frozen=True, kw_only=True)
class Pulled:
    """An environment that was built, and how its image is called in our registry."""

    user: User
    build_id: int
    name: str

    @property
    def token(self) -> str:
        """The password of whoever pulls."""
        cookie: str = self.user.client.cookies["conda-store-auth"]
        return cookie

    @property
    def host(self) -> str:
        """Host and port of the registry."""
        return urlsplit(self.user.suite.url).netloc

    def image(self, tag: str = "latest") -> str:
        """The image by a tag."""
        return f"{self.host}/default/{self.name}:{tag}"

    @property
    def build_key(self) -> str:
        """The key of the build."""
        keys = self.user.wait_for_artifacts(self.build_id, "LOCKFILE")
        return keys["LOCKFILE"].removeprefix("lockfile/").removesuffix(".yml")


@pytest.fixture(scope="session")
def pulled(user: User) -> Pulled:
    """An environment whose image nobody has asked for yet."""
    return Pulled(user=user, build_id=user.submit("imaged", PACKAGES, variables={"GREETING": "hello"}), name="imaged")


def test_docker_runs_an_image_that_is_made_because_it_is_pulled(pulled: Pulled, engine: DockerEngine) -> None:
    engine.login(pulled.host, "anybody", pulled.token)
    # While the build is still under way.
    engine.docker("pull", "--quiet", pulled.image())
    printed = engine.run_image(pulled.image(), "python", "-c", PROGRAM)
    assert printed.split() == ["3", "flask"]
    assert "Action action_generate_docker_image completed in" in pulled.user.log(pulled.build_id)


def test_environment_of_an_image_is_activated_and_belongs_to_somebody_who_is_not_root(
    pulled: Pulled, engine: DockerEngine
) -> None:
    steps = 'echo "$CONDA_PREFIX $CONDA_DEFAULT_ENV $GREETING"; command -v python'
    script = f"{steps}; python -c 'import os; print(os.getuid(), os.path.expanduser(\"~\"))'; : > ~/mine"
    printed = engine.run_image(pulled.image(), "/bin/sh", "-ec", script)
    assert printed.splitlines() == ["/opt/conda imaged hello", "/opt/conda/bin/python", "1000 /home/conda"]


def test_modules_of_an_image_are_compiled_for_whatever_time(pulled: Pulled, engine: DockerEngine) -> None:
    program = "import json, numpy, flask, sys; print([m.__cached__ for m in (json, numpy, flask)])"
    printed = engine.run_image(pulled.image(), "python", "-v", "-c", program, options=["--read-only"])
    assert "__pycache__" in printed
    flags = "import json; print(open(json.__cached__, 'rb').read(8)[4])"
    assert engine.run_image(pulled.image(), "python", "-c", flags).strip() == "1"


def test_second_image_brings_no_layer_that_the_first_has(pulled: Pulled, engine: DockerEngine) -> None:
    other = Pulled(
        user=pulled.user, build_id=pulled.user.submit("also", [*PACKAGES, "demo-text"]), name="also"
    )
    engine.docker("pull", "--quiet", pulled.image())
    engine.docker("pull", "--quiet", other.image())
    first, second = (
        json.loads(engine.docker("inspect", "--format", "{{json .RootFS.Layers}}", each.image()))
        for each in (pulled, other)
    )
    assert len(set(second) - set(first)) == 2  # what is new, and the history of the environment


def test_skopeo_reads_tags_and_copies_in_either_form(pulled: Pulled, skopeo: Skopeo, tmp_path: Path) -> None:
    shown = ("--tls-verify=false", "--creds", f"anybody:{pulled.token}")
    told = skopeo.inspect(f"docker://{pulled.image()}", *shown)
    assert told["Architecture"] == "amd64"
    assert {"latest", pulled.build_key} <= set(told["RepoTags"])  # type: ignore[call-overload]
    labels: dict[str, str] = told["Labels"]  # type: ignore[assignment]
    assert labels["conda_store"] == "0.0.1"
    assert labels["org.opencontainers.image.title"] == "default/imaged"
    source = ("--src-tls-verify=false", "--src-creds", f"anybody:{pulled.token}")
    image = f"docker://{pulled.image(pulled.build_key)}"
    for form in ("oci", "v2s2"):
        skopeo("copy", "--format", form, *source, image, f"dir:{tmp_path}/{form}")


def test_podman_runs_an_image(pulled: Pulled, podman: Podman) -> None:
    podman.pull(pulled.image(), f"anybody:{pulled.token}")
    assert podman.run_image(pulled.image(), "python", "-c", PROGRAM).split() == ["3", "flask"]


def test_image_of_packages_in_its_name_is_built_on_demand(pulled: Pulled, engine: DockerEngine) -> None:
    engine.login(pulled.host, "anybody", pulled.token)
    image = f"{pulled.host}/conda-store-dynamic/python.ge.3.11/numpy"
    engine.docker("pull", "--quiet", image)
    assert engine.run_image(image, "python", "-c", "import numpy; print(numpy.__name__)") == "numpy\n"


def test_image_of_nothing_that_can_be_had_is_refused_with_the_reason(pulled: Pulled, engine: DockerEngine) -> None:
    engine.login(pulled.host, "anybody", pulled.token)
    with pytest.raises(ServerNotReady, match="no-such-package-anywhere"):
        engine.docker("pull", "--quiet", f"{pulled.host}/conda-store-dynamic/no-such-package-anywhere")


def test_image_is_pushed_to_a_registry_of_others_and_pulled_from_there(
    pulled: Pulled, guarded_registry: ImageRegistry, token_registry: ImageRegistry, engine: DockerEngine
) -> None:
    build_id = push(pulled, "pushed", PACKAGES)
    for registry in (guarded_registry, token_registry):
        address = address_at(registry, pulled, build_id)
        assert address.startswith(f"{registry.url}/{USER}/default-pushed:")
        engine.login(registry.host, USER, PASSWORD)
        image = address.removeprefix("http://")
        engine.docker("pull", "--quiet", image)
        assert engine.run_image(image, "python", "-c", PROGRAM).split() == ["3", "flask"]
        engine.docker("image", "rm", image)
    assert PASSWORD not in pulled.user.log(build_id)
    again = push(pulled, "pushed", PACKAGES)
    pulled.user.wait_for_artifacts(again, "CONTAINER_REGISTRY")
    assert pulled.user.log(again).count(" 0 of ") == 2


async def test_platforms_of_one_lock_stand_upon_the_configured_base(
    pulled: Pulled, guarded_registry: ImageRegistry, skopeo: Skopeo, engine: DockerEngine, tmp_path: Path
) -> None:
    build_id = push(pulled, "minimal", ["demo-text"])
    pulled.user.wait_for_artifacts(build_id, "CONTAINER_REGISTRY")
    await make_base(guarded_registry, address_at(guarded_registry, pulled, build_id), tmp_path)
    pulled.user.submit("based-on-it", ["demo-platform"], platforms=["linux-64", "linux-aarch64", "osx-64"])
    based = Pulled(user=pulled.user, build_id=0, name="based-on-it")
    engine.login(pulled.host, "anybody", pulled.token)
    engine.docker("pull", "--quiet", based.image())
    read = "read line < /opt/conda/share/demo-platform/subdir.txt; echo $line"
    assert engine.run_image(based.image(), "/bin/sh", "-c", read) == "linux-64\n"
    shown = ("--tls-verify=false", "--creds", f"anybody:{pulled.token}")
    index = json.loads(skopeo("inspect", "--raw", *shown, f"docker://{based.image()}"))
    assert [entry["platform"]["architecture"] for entry in index["manifests"]] == ["amd64", "arm64"]
    told = json.loads(skopeo("--override-arch", "arm64", "inspect", *shown, f"docker://{based.image()}"))
    assert (told["Architecture"], told["Labels"]["conda_store"]) == ("arm64", "0.0.1")


def push(pulled: Pulled, name: str, dependencies: Sequence[str]) -> int:
    """Build an environment whose image is pushed; return the id of the build."""
    settings = {"build_artifacts": ["CONTAINER_REGISTRY"]}
    answer = pulled.user.client.put(f"/api/v1/setting/default/{name}/", json=settings)
    assert answer.status_code == httpx.codes.OK, answer.text
    return pulled.user.submit(name, dependencies)


def address_at(registry: ImageRegistry, pulled: Pulled, build_id: int) -> str:
    """Where the image of a build was pushed to at a registry."""
    pulled.user.wait_for_artifacts(build_id, "CONTAINER_REGISTRY", timeout=120)
    rows = pulled.user.build(build_id)["build_artifacts"]
    keys = [row["key"] for row in rows if row["artifact_type"] == "CONTAINER_REGISTRY"]
    (address,) = (key for key in keys if key.startswith(registry.url))
    return str(address)
