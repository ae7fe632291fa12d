"""The log of a build: pieces kept once, cut at its limit, written to the object store at the end (design §3.10)."""

from datetime import timedelta

from conda_store_api.repositories.logs import MAXIMUM_LOG_BYTES
from conda_store_api.use_cases.store_logs import store_logs
from conda_store_shared.domain.artifact import ArtifactType
from conda_store_shared.domain.stage import PREFIX, SOLVE
from conda_store_shared.domain.storage_keys import artifact_key
from tests.unit.api.ledger_builders import Attempt, Ledger

MEBIBYTE = 1024 * 1024


async def test_log_shows_attempts_in_order_when_pieces_come_in_any(ledger: Ledger) -> None:
    build = await ledger.released()
    first, second = Attempt(build, SOLVE), Attempt(build, SOLVE, ledger.now + timedelta(seconds=1))
    third = Attempt(build, PREFIX, ledger.now + timedelta(seconds=2))
    pieces = [third.log(0, "e"), second.log(1, "d"), first.log(1, "b"), second.log(0, "c"), first.log(0, "a")]
    await ledger.apply(*pieces, *pieces)
    assert await ledger.log(build) == ["a", "b", "c", "d", "e"]
    assert (await ledger.build(build.id)).log_bytes == 5


async def test_log_is_cut_with_a_word_when_it_grows_too_long(ledger: Ledger) -> None:
    build = await ledger.released()
    attempt = Attempt(build, SOLVE)
    # A message carries 64 KiB at most; the ledger does not depend on it.
    await ledger.apply(*(attempt.log(number, "x" * MEBIBYTE) for number in range(13)))
    log = await ledger.log(build)
    assert len(log) == 11
    assert log[:10] == ["x" * MEBIBYTE] * 10
    assert "truncated" in log[10]
    assert (await ledger.build(build.id)).log_bytes > MAXIMUM_LOG_BYTES


async def _stored(ledger: Ledger) -> int:
    return await store_logs(ledger.transactions, ledger.store, ledger.now)


async def test_log_is_stored_when_all_stages_are_over(ledger: Ledger) -> None:
    build = await ledger.completed()
    await ledger.apply(Attempt(build, SOLVE).log(0, "solved\n"))
    assert await _stored(ledger) == 0
    for stage in ("artifact.YAML", "artifact.CONDA_PACK"):
        await ledger.apply(Attempt(build, stage).product())
    assert await _stored(ledger) == 1
    assert await ledger.store.get(artifact_key(ArtifactType.LOGS, build.build_key), 100) == b"solved\n"
    assert "LOGS" in await ledger.artifacts(build)
    assert await _stored(ledger) == 0


async def test_log_is_stored_again_when_a_piece_comes_late(ledger: Ledger) -> None:
    build = await ledger.released()
    await ledger.apply(Attempt(build, SOLVE).failed("unsatisfiable"))
    assert await _stored(ledger) == 1
    await ledger.apply(Attempt(build, SOLVE).log(0, "solve failed: ünsatisfiable\n"))
    assert await _stored(ledger) == 1
    stored = await ledger.store.get(artifact_key(ArtifactType.LOGS, build.build_key), 100)
    assert stored.decode() == "solve failed: ünsatisfiable\n"
    assert (await ledger.artifacts(build)).count("LOGS") == 1


async def test_log_is_stored_when_a_queued_build_is_canceled(ledger: Ledger) -> None:
    build = await ledger.submit()
    assert await _stored(ledger) == 0
    await ledger.cancel(build)
    assert await _stored(ledger) == 1
