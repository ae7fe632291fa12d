"""Containers die, are restarted, are many, or meet a newer schema: no build is lost, and none is stuck."""

import logging
import time
from threading import Thread

import pytest

from conda_store_shared.testing.servers.compose import SERVICES, ComposedSuite
from tests.acceptance.user import User
from tests.deploy.load import Load, kill, restart_in_turn, until_well

# What a later release may do to the schema while services of this one run: add, and take nothing away.  The schema is
# moved ahead, since there was no release before this one: older states have neither images nor such a configuration.
EXPANSION = """
ALTER TABLE build ADD COLUMN of_the_next_release text NOT NULL DEFAULT 'later';
ALTER TABLE build_stage ADD COLUMN of_the_next_release integer;
ALTER TABLE event ADD COLUMN of_the_next_release text;
ALTER TABLE outbox ADD COLUMN of_the_next_release boolean NOT NULL DEFAULT false;
ALTER TABLE blob ADD COLUMN of_the_next_release bigint NOT NULL DEFAULT 0;
ALTER TABLE token ADD COLUMN of_the_next_release text;
CREATE TABLE of_the_next_release (id integer PRIMARY KEY, build_id integer REFERENCES build (id) ON DELETE CASCADE);
CREATE INDEX of_the_next_release_by_build ON of_the_next_release (build_id);
UPDATE alembic_version SET version_num = 'ffffffffffff';
"""

log = logging.getLogger(__name__)


@pytest.fixture
def load(composed: ComposedSuite, user: User) -> Load:
    """Nothing yet."""
    return Load(composed, user)


@pytest.mark.parametrize("service", ["gateway", *SERVICES, "s3", "postgres", "rabbitmq"])
def test_builds_complete_when_every_container_of_a_service_is_killed(
    composed: ComposedSuite, load: Load, service: str
) -> None:
    load.submit(6)
    back, completed = kill(composed, service), load.wait_for_more()
    load.check()
    until_well(composed, service)
    log.info("%s ran again after %.1f s, and the next build completed %.1f s later", service, back, completed)


def test_work_is_spread_over_three_builders(composed: ComposedSuite, load: Load) -> None:
    began = time.time()
    load.submit(12)
    load.check()
    ids = [container["Id"] for container in composed.containers("builder")]
    logs = [composed.engine.combined("logs", "--since", f"{began:.3f}", each) for each in ids]
    assert [log.count("stage_ended") > 0 for log in logs] == [True, True, True]


def test_no_build_is_lost_when_services_are_restarted_in_turn_beside_the_schema_of_the_next_release(
    composed: ComposedSuite, load: Load
) -> None:
    composed.query(EXPANSION)
    submitting = Thread(target=load.submit, args=(20,))
    submitting.start()
    restart_in_turn(composed, (*SERVICES, "gateway"))
    submitting.join()
    load.check()
    # Whoever goes back to this release starts its job of migrations, too.
    composed.compose("run", "--rm", "migrate")
    assert composed.query("SELECT version_num FROM alembic_version") == ["ffffffffffff"]
