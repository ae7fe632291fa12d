"""Rights of whoever reads a stream are asked again while it is read; on every database."""

from datetime import timedelta

from conda_store_shared.db.models import IssuedToken, Namespace
from conda_store_shared.db.moments import now
from conda_store_shared.testing.bus_messages import eventually
from tests.unit.api.ledger_builders import NOON, Ledger
from tests.unit.api.streaming import STREAM, Streaming, a_token, open_streaming, told, write

# What it may take by contract; the clocks of tests are slow.
_SOON = 10


async def make_namespaces(ledger: Ledger, *names: str) -> None:
    """Make namespaces without a word in the log."""
    async with ledger.transactions.begin() as transaction:
        transaction.session.add_all([Namespace(name=name) for name in names])


class EventStreamRightsSuite:
    """Suites below run on the ledger of their directory."""

    async def test_streams_of_a_token_end_when_it_is_revoked_and_others_do_not(self, ledger: Ledger) -> None:
        async with open_streaming(ledger) as streaming:
            revoked = [await streaming.read(caller=a_token(team=["viewer"])) for _ in range(2)]
            other = await streaming.read(caller=a_token(token_id="another", team=["viewer"]))
            async with ledger.transactions.begin() as transaction:
                made = {"kind": "script", "primary_namespace": "somebody", "created_on": NOON}
                until = now() + timedelta(hours=1)
                transaction.session.add(IssuedToken(id="of-a-test", revoked_on=now(), expires_on=until, **made))
            await eventually(lambda: all(reader.complete for reader in revoked), _SOON)
            assert [reader.types for reader in revoked] == [["unauthorized"]] * 2
            await write(ledger, told())
            await other.has(1)
            assert other.types == ["build.queued"]

    async def test_reader_is_sent_what_it_may_read_since_a_role_was_granted_or_taken_away(self, ledger: Ledger) -> None:
        async with (
            open_streaming(ledger, role_mappings_version=2) as here,
            open_streaming(ledger, role_mappings_version=2) as there,
        ):
            await make_namespaces(ledger, "team", "stranger")
            build = await ledger.released()
            # Another replica than the one that is told of the roles.
            reader = await there.read(caller="stranger")
            await write(ledger, told(actor="before"))
            await self._grant(here, "viewer")
            await write(ledger, told(actor="with the role"))
            await eventually(lambda: [event.data["actor"] for event in reader.events][-1:] == ["with the role"])
            of_build = await there.read(f"/api/v1/build/{build.id}/events/", "stranger")
            assert of_build.status == 200
            answer = await here.api.ask("DELETE", "/namespace/team/role", json={"other_namespace": "stranger"})
            assert answer.status_code == 200, answer.text
            await write(ledger, told(actor="without it"))
            await eventually(lambda: of_build.complete)
            assert of_build.types[-1] == "unauthorized"
            assert of_build.events[-1].data == {"message": "request not authorized"}
            await write(ledger, told("channel.indexed", ""))
            await eventually(lambda: "channel.indexed" in reader.types)
            assert "without it" not in [event.data["actor"] for event in reader.events]
            assert "before" not in [event.data["actor"] for event in reader.events]

    async def test_reader_is_sent_nothing_more_of_a_namespace_that_is_deleted_and_made_anew(
        self, ledger: Ledger
    ) -> None:
        async with open_streaming(ledger, role_mappings_version=2) as streaming:
            await make_namespaces(ledger, "team", "stranger")
            await self._grant(streaming, "viewer")
            reader = await streaming.read(caller="stranger")
            await write(ledger, told(actor="with the role"))
            await reader.has(1)
            assert (await streaming.api.ask("DELETE", "/namespace/team/")).status_code == 200
            assert (await streaming.api.ask("POST", "/namespace/team/")).status_code == 200
            await write(ledger, told(actor="anew"), told("channel.indexed", ""))
            await eventually(lambda: reader.types[-1] == "channel.indexed")
            assert "anew" not in [event.data["actor"] for event in reader.events]

    async def test_reader_is_sent_what_its_own_namespace_was_granted(self, ledger: Ledger) -> None:
        async with open_streaming(ledger) as here, open_streaming(ledger) as there:
            await make_namespaces(ledger, "stranger")
            reader = await there.read(caller="stranger")
            body = {"metadata": {}, "role_mappings": {"team/*": ["viewer"]}}
            answer = await here.api.ask("PUT", "/namespace/stranger/", json=body)
            assert answer.status_code == 200, answer.text
            await write(ledger, told())
            await reader.has(1)
            assert reader.types == ["build.queued"]

    async def test_stream_is_not_open_to_a_token_that_does_not_count(self, ledger: Ledger) -> None:
        async with open_streaming(ledger) as streaming:
            await write(ledger, told("build.queued", "default"))
            reader = await streaming.read(STREAM, a_token(seconds=-1, team=["viewer"]), cursor=0)
            await write(ledger, told(), told("build.failed", "default"))
            await reader.has(2)
            # As one who is not logged in.
            assert [event.data["subject"] for event in reader.events] == ["default/weather"] * 2

    async def _grant(self, streaming: Streaming, role: str) -> None:
        body = {"other_namespace": "stranger", "role": role}
        answer = await streaming.api.ask("POST", "/namespace/team/role", json=body)
        assert answer.status_code == 200, answer.text
