"""The catalogue of public events is a promise: what is in it, and that it is told to users."""

from pathlib import Path

from conda_store_shared.domain.public_event import NEEDED, PublicEventType

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "read-events.md"


def test_every_public_event_says_who_may_know_of_it() -> None:
    assert set(NEEDED) == set(PublicEventType)


def test_every_public_event_is_described() -> None:
    text = PAGE.read_text()
    assert [kind for kind in PublicEventType if f"`{kind.value}`" not in text] == []


def test_type_of_a_public_event_has_its_version() -> None:
    assert PublicEventType.BUILD_COMPLETED.cloud_event_type == "conda-store.events.build.completed.v1"


def test_guide_shows_the_example_that_is_tested() -> None:
    example = (PAGE.parents[1] / "examples" / "consume_events.py").read_text()
    assert f"```python\n{example}```" in PAGE.with_name("consume-from-rabbitmq.md").read_text()
    assert len(example.splitlines()) <= 26
