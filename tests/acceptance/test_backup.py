"""A backup that is made of the running suite is all that another suite needs to take over."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from conda_store_shared.testing.demo_channel.server import ChannelServer
from conda_store_shared.testing.servers import Bucket, Databases, VirtualHosts
from conda_store_shared.testing.servers.conda_store import Backing, DistributedSuite
from conda_store_shared.testing.servers.postgres import PLACES
from conda_store_shared.testing.servers.process import find_program, find_script
from tests.acceptance.user import User

SCRIPTS = Path(__file__).parents[2] / "deploy" / "backup"
STORED = ("CONDA_PACK", "LOCKFILE", "YAML", "LOGS")


def run_script(name: str, backing: Backing, *arguments: str) -> None:
    """Run one of the scripts with the variables that an administrator would set."""
    done = subprocess.run(
        [SCRIPTS / name, *arguments], env=variables(backing), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


def variables(backing: Backing) -> Mapping[str, str]:
    database, account = urlsplit(backing.database_url), backing.bucket.account
    programs = (find_program("pg_dump", "postgresql-client", *PLACES), find_script("rclone", "make setup"))
    return {
        "PATH": os.pathsep.join([*(str(program.parent) for program in programs), os.environ["PATH"]]),
        "PGHOST": database.hostname or "",
        "PGPORT": str(database.port),
        "PGUSER": database.username or "",
        "PGPASSWORD": database.password or "",
        "PGDATABASE": database.path.lstrip("/"),
        "RCLONE_CONFIG": "/dev/null",
        "RCLONE_CONFIG_STORE_TYPE": "s3",
        "RCLONE_CONFIG_STORE_PROVIDER": "Other",
        "RCLONE_CONFIG_STORE_ENDPOINT": account.endpoint,
        "RCLONE_CONFIG_STORE_ACCESS_KEY_ID": account.access_key,
        "RCLONE_CONFIG_STORE_SECRET_ACCESS_KEY": account.secret_key,
    }


def remote(bucket: Bucket) -> str:
    return f"store:{bucket.name}"


def everything(user: User, build_id: int) -> dict[str, Any]:
    """What a user gets of a build."""
    build = user.build(build_id)
    names = ("archive", "lockfile", "yaml", "logs")
    pages = {name: user.client.get(f"/api/v1/build/{build_id}/{name}/") for name in names}
    assert {page.status_code for page in pages.values()} == {httpx.codes.OK}
    return {"build": build, **{name: page.content for name, page in pages.items()}}


def admits(suite: DistributedSuite, token: str) -> bool:
    answer = httpx.get(
        f"{suite.url}/api/v1/permission/", headers={"Authorization": f"Bearer {token}"}, timeout=30
    ).raise_for_status()
    admitted: bool = answer.json()["data"]["authenticated"]
    return admitted


@dataclass(frozen=True)
class Restored:
    """A suite made of the backup of another: what a user had of a build there, and two tokens, the second revoked."""

    suite: DistributedSuite
    build_id: int
    had: Mapping[str, Any]
    tokens: Sequence[str]


@pytest.fixture(scope="module")
def restored(
    distributed_suite: DistributedSuite,
    backing: Backing,
    demo_channel_server: ChannelServer,
    postgres_server: Databases,
    rabbitmq_server: VirtualHosts,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Restored]:
    """Back up a suite that runs, and start another from that; prefixes, queues and caches are not in it."""
    with User(distributed_suite, demo_channel_server.url) as user:
        build_id = user.submit("backed-up", ["demo-link-script", "demo-text"])
        prefix = user.wait_for_artifacts(build_id, "DIRECTORY", *STORED)["DIRECTORY"]
        tokens = [user.client.post("/api/v1/token/").raise_for_status().json()["data"]["token"] for _ in range(2)]
        url = f"{distributed_suite.url}/api/v1/token/"
        httpx.delete(url, headers={"Authorization": f"Bearer {tokens[1]}"}, timeout=30).raise_for_status()
        had = everything(user, build_id)
    kept = backing.bucket.account.create_bucket()
    run_script("back_up.sh", backing, remote(backing.bucket), remote(kept))
    shutil.rmtree(prefix)
    database, bucket = postgres_server.create_database(), backing.bucket.account.create_bucket()
    run_script("restore.sh", replace(backing, database_url=database), remote(kept), remote(bucket))
    # As the job does that migrates: logins and grants are in no backup.
    new = Backing.narrow(postgres_server, rabbitmq_server, database, bucket)
    with DistributedSuite(tmp_path_factory.mktemp("restored"), new) as suite:
        yield Restored(suite, build_id, had, tokens)


@pytest.fixture
def user(restored: Restored, demo_channel_server: ChannelServer) -> Iterator[User]:
    """A user of the restored suite."""
    with User(restored.suite, demo_channel_server.url) as user:
        yield user


@pytest.mark.timeout(240)
def test_restored_suite_has_every_build_artifact_and_token(restored: Restored, user: User) -> None:
    assert everything(user, restored.build_id) == restored.had
    assert user.environment("backed-up")["current_build_id"] == restored.build_id
    assert [admits(restored.suite, token) for token in restored.tokens] == [True, False]


def test_restored_suite_builds(user: User) -> None:
    build_id = user.submit("built-afterwards", ["demo-text"])
    user.wait_for_artifacts(build_id, *STORED)
    # No id that anybody can have seen in the time that is lost.
    events = user.client.get("/api/v1/event/", params={"build_id": build_id}).json()["data"]
    assert min(int(event["id"]) for event in events) > 1_000_000


def test_restored_suite_makes_an_image_of_a_build_whose_prefix_is_lost(restored: Restored, user: User) -> None:
    # What a link script made is nowhere but in an installed prefix.
    answer = user.client.get("/v2/default/backed-up/manifests/latest", auth=("alice", restored.tokens[0]), timeout=60)
    assert answer.status_code == httpx.codes.OK, answer.text
    assert "there is no whole prefix" in user.log(restored.build_id)


def test_backup_in_a_directory_changes_nothing_where_there_are_tables_already(
    make_backing: Callable[[], Backing], tmp_path: Path
) -> None:
    backing = make_backing()
    run_script("back_up.sh", backing, remote(backing.bucket), str(tmp_path))
    (tmp_path / "objects" / "newer").write_text("that must not come into the bucket")
    with pytest.raises(AssertionError, match="has tables already"):
        run_script("restore.sh", backing, str(tmp_path), remote(backing.bucket))
    assert backing.bucket.keys() == set()
