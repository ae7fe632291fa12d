"""An archive runs on a machine that has nothing but glibc."""

from pathlib import Path

from conda_store_shared.testing.servers.docker_engine import DockerEngine
from tests.acceptance.user import User
from tests.containers.bare_machine import write_bare_machine

PLACE = "elsewhere/in-a-longer-place/environment"


def test_user_runs_an_archive_in_a_container_that_has_only_glibc(
    user: User, engine: DockerEngine, tmp_path: Path
) -> None:
    build_id = user.submit("bare", ["python", "numpy", "flask", "demo-prefix"])
    user.wait_for_artifacts(build_id, "CONDA_PACK")
    archive = tmp_path / "archive.tar.gz"
    archive.write_bytes(user.client.get(f"/api/v1/build/{build_id}/archive/").content)
    write_bare_machine(tmp_path / "machine.tar", archive, PLACE)
    engine.docker("import", tmp_path / "machine.tar", "bare:1")

    steps = (
        # Activation reads the name of the shell with tools that are not there.
        f"export PATH=/{PLACE}/bin",
        "conda-unpack",
        "python -c 'import numpy, flask, ssl, sqlite3; print(numpy.arange(3).sum(), flask.__name__)'",
        "flask --version",
    )
    printed = engine.run_image("bare:1", "/bin/sh", "-ec", "\n".join(steps))

    assert printed.splitlines()[0] == "3 flask"
    assert "Werkzeug" in printed
