"""docker-compose.yaml: from nothing to a completed build, its archive and its image."""

import ssl
import subprocess
import tarfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from conda_store_shared.testing.private_server import write_certificate
from conda_store_shared.testing.servers.compose import SERVICES, ComposedSuite, service_of
from conda_store_shared.testing.servers.process import free_port, wait_until
from tests.acceptance.user import User

SUITE = (*SERVICES, "gateway", "migrate", "postgres", "rabbitmq", "s3")
PACKAGES = ("python", "numpy", "demo-prefix")
PROGRAM = "import numpy, ssl, sqlite3; print(numpy.arange(3).sum())"
BUILD_TIMEOUT = 180.0


def test_environment_is_built_downloaded_and_run_as_an_image(
    composed: ComposedSuite, user: User, tmp_path: Path
) -> None:
    build_id = user.submit("composed", PACKAGES)
    assert user.wait(build_id, timeout=BUILD_TIMEOUT)["status"] == "COMPLETED", user.log(build_id)
    user.wait_for_artifacts(build_id, "CONDA_PACK", "LOCKFILE", "YAML", timeout=BUILD_TIMEOUT)
    # Through the gateway to the end: nobody is sent to a store that only containers reach.
    with user.client.stream("GET", f"/api/v1/build/{build_id}/archive/") as answer:
        answer.raise_for_status()
        assert {step.url.host for step in (*answer.history, answer)} == {"127.0.0.1"}
        (tmp_path / "archive.tar.gz").write_bytes(answer.read())
    with tarfile.open(tmp_path / "archive.tar.gz") as archive:
        archive.extractall(tmp_path / "unpacked", filter="fully_trusted")
    python = tmp_path / "unpacked" / "bin" / "python"
    assert subprocess.check_output([python, "-c", PROGRAM], text=True).strip() == "3"

    composed.engine.login(composed.host, "anybody", user.client.cookies["conda-store-auth"])
    image = f"{composed.host}/default/composed:latest"
    composed.engine.docker("pull", "--quiet", image)
    assert composed.engine.run_image(image, "python", "-c", PROGRAM).strip() == "3"


def test_containers_may_do_no_more_than_they_must(composed: ComposedSuite) -> None:
    counted = Counter(map(service_of, composed.containers()))
    assert counted == {**dict.fromkeys(SUITE, 1), "solver": 2, "builder": 3, "channel": 1}
    for container in composed.containers(*SUITE):
        service, settings, limits = service_of(container), container["Config"], container["HostConfig"]
        assert settings["User"] not in {"", "0", "root", "0:0"}, service
        assert limits["ReadonlyRootfs"], service
        assert limits["CapDrop"] == ["ALL"], service
        assert not limits["CapAdd"], service
        assert "no-new-privileges:true" in limits["SecurityOpt"], service
        assert all(limits[name] for name in ("Memory", "NanoCpus", "PidsLimit")), service
        assert limits["RestartPolicy"]["Name"] in {"unless-stopped", "on-failure"}, service


def test_gateway_alone_can_be_reached_from_outside(composed: ComposedSuite) -> None:
    published = {
        service_of(container): bindings
        for container in composed.containers()
        if (bindings := _published(container))
    }
    assert published == {"gateway": [("127.0.0.1", str(composed.port))]}


def test_gateway_speaks_tls_with_the_certificate_it_is_given(composed: ComposedSuite, tmp_path: Path) -> None:
    port = free_port()
    certificate = write_certificate(tmp_path / "tls.pem")
    for name in ("tls.crt", "tls.key"):
        (tmp_path / name).write_bytes(certificate.read_bytes())
    tmp_path.chmod(0o755)
    files = ("--file", "docker-compose.yaml", "--file", "deploy/compose/tls.yaml")
    variables = {"CONDA_STORE_TLS": str(tmp_path), "CONDA_STORE_TLS_PORT": str(port)}
    composed.compose(*files, "up", "--detach", "--no-deps", "gateway", **variables)
    trust = ssl.create_default_context(cafile=str(certificate))
    try:
        assert wait_until(lambda: _status(f"https://127.0.0.1:{port}/api/v1/", trust) == 200, BUILD_TIMEOUT)
        plain = httpx.get(f"{composed.url}/api/v1/")
        assert (plain.status_code, plain.headers["location"]) == (308, "https://127.0.0.1/api/v1/")
    finally:
        composed.up("--no-deps", "gateway")


def test_everything_is_kept_when_the_suite_goes_down_and_comes_up_again(composed: ComposedSuite, user: User) -> None:
    build_id = user.submit("kept", ["demo-text"])
    assert user.wait(build_id, timeout=BUILD_TIMEOUT)["status"] == "COMPLETED", user.log(build_id)
    user.wait_for_artifacts(build_id, "CONDA_PACK", timeout=BUILD_TIMEOUT)
    before = composed.object_keys()
    composed.compose("down")
    composed.up("--scale", "solver=2", "--scale", "builder=3")
    assert user.build(build_id)["status"] == "COMPLETED"
    assert before <= composed.object_keys()
    assert user.client.get(f"/api/v1/build/{build_id}/archive/").status_code == 200
    again = user.submit("kept", ["demo-text", "demo-prefix"])
    assert user.wait(again, timeout=BUILD_TIMEOUT)["status"] == "COMPLETED", user.log(again)


def _status(url: str, trust: ssl.SSLContext) -> int | None:
    try:
        return httpx.get(url, verify=trust).status_code
    except httpx.TransportError:
        return None


def _published(container: Mapping[str, Any]) -> list[tuple[str, str]]:
    ports = container["NetworkSettings"]["Ports"].values()
    return [(each["HostIp"], each["HostPort"]) for bindings in ports for each in bindings or ()]
