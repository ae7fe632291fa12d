"""When a webhook that failed is tried again."""

from datetime import UTC, datetime

import pytest

from conda_store_api.domain.delivery_schedule import DeliverySchedule, parse_retry_after

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC).replace(tzinfo=None)
HOUR = 3600


def test_schedule_is_the_one_of_the_standard() -> None:
    pauses = [DeliverySchedule().next_pause(attempts, 0.0, None) for attempts in range(1, 11)]
    assert pauses == [5, 300, 1800, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR, None]


def test_pause_is_longer_by_a_chance_and_never_shorter() -> None:
    assert DeliverySchedule().next_pause(2, 0.5, None) == 315


def test_receiver_gets_a_longer_pause_than_planned_within_a_day() -> None:
    schedule = DeliverySchedule()
    assert schedule.next_pause(1, 0.0, 60.0) == 60
    assert schedule.next_pause(2, 0.0, 60.0) == 300
    assert schedule.next_pause(1, 0.0, 1e9) == 24 * HOUR
    assert schedule.next_pause(10, 0.0, 60.0) is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120.0),
        (" 7 ", 7.0),
        ("0", 0.0),
        ("9" * 400, 9999999999.0),
        ("Sun, 01 Mar 2026 12:01:00 GMT", 60.0),
        ("Sun, 01 Mar 2026 12:01:00 -0000", 60.0),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0.0),
        ("-5", None),
        ("١٢", None),
        ("soon", None),
        ("", None),
        ("Sun, 99 Mar 2026 12:01:00 GMT", None),
        (None, None),
    ],
)
def test_what_a_receiver_asks_for_is_a_number_or_a_date(text: str | None, seconds: float | None) -> None:
    assert parse_retry_after(text, NOW) == seconds
