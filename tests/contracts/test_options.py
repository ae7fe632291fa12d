"""Every option of existing configuration files is there, has its default, and does what it says (contract §5)."""

import re
from pathlib import Path

import pytest

from conda_store_shared.config.sections import SECTIONS, options_of
from tests.contracts.option_table import ROWS

ROOT = Path(__file__).parents[2]
KINDS = {section.__name__: section for section in SECTIONS}


@pytest.mark.parametrize("name", ROWS)
def test_option_has_its_default(name: str) -> None:
    section, _, option = name.partition(".")
    assert option in options_of(KINDS[section])
    assert getattr(KINDS[section](), option) == ROWS[name].default


@pytest.mark.parametrize("test", sorted({row.shown_by for row in ROWS.values() if row.shown_by}))
def test_test_that_shows_the_effect_is_there(test: str) -> None:
    path, _, name = test.partition("::")
    assert re.search(rf"\bdef {re.escape(name.rpartition('::')[2])}\(", (ROOT / path).read_text())


def test_every_option_has_an_effect_that_is_shown_or_a_reason_to_have_none() -> None:
    assert [name for name, row in ROWS.items() if not row.shown_by and not row.none_since] == []
