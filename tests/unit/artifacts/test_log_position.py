"""How much of a log a reader has seen."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conda_store_artifacts.domain.log_position import LogPiece, LogPosition, without_gaps
from conda_store_shared.errors import InvalidInput


def a_piece(attempt_id: str, sequence: int) -> LogPiece:
    return LogPiece(stage="solve", attempt_id=attempt_id, sequence=sequence, lines=f"{attempt_id}{sequence}\n")


def test_beginning_is_written_as_zero() -> None:
    assert str(LogPosition()) == "0"
    assert LogPosition.parse("0") == LogPosition()


def test_position_counts_the_pieces_of_each_attempt() -> None:
    position = LogPosition().after([a_piece("a", 0), a_piece("a", 1), a_piece("b", 0)])
    assert [position.seen_of(attempt) for attempt in "abc"] == [2, 1, 0]
    assert str(position).isdigit()
    assert LogPosition.parse(str(position)) == position


@pytest.mark.parametrize("text", ["", "00", "-1", "7", "1.0", "1" * 30, "²", "2" + "0" * 18, "1" + "0" * 18 * 1001])
def test_position_that_was_never_given_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="what X-Log-Position said"):
        LogPosition.parse(text)


def test_pieces_after_a_missing_one_wait_for_it() -> None:
    pieces = [a_piece("a", 0), a_piece("a", 2), a_piece("b", 0)]
    assert without_gaps(pieces, LogPosition()) == [a_piece("a", 0), a_piece("b", 0)]


@given(st.dictionaries(st.sampled_from("abcd"), st.integers(1, 9)), st.randoms())
def test_reader_sees_each_piece_once_however_they_arrive(counts: dict[str, int], chance: random.Random) -> None:
    coming = [a_piece(attempt, sequence) for attempt, count in counts.items() for sequence in range(count)]
    chance.shuffle(coming)
    there: list[LogPiece] = []
    seen: list[LogPiece] = []
    position = LogPosition()
    for piece in coming:
        there.append(piece)
        ordered = sorted(there, key=lambda each: (each.attempt_id, each.sequence))
        unseen = [each for each in ordered if each.sequence >= position.seen_of(each.attempt_id)]
        part = without_gaps(unseen, LogPosition.parse(str(position)))
        seen += part
        position = position.after(part)
    assert sorted(seen, key=str) == sorted(coming, key=str)
    for attempt in counts:
        sequences = [piece.sequence for piece in seen if piece.attempt_id == attempt]
        assert sequences == sorted(sequences)
