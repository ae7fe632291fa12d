"""Records of conda-meta: read without their long lists, written with them."""

import json

import pytest

from conda_store_shared.conda.meta_record import MetaRecord

RECORD = {
    "name": "flask",
    "depends": ["python >=3.9"],
    "files": ["bin/flask", 'odd\n  "name": "x",'],
    "paths_data": {"paths_version": 1, "paths": [{"_path": "bin/flask"}]},
    "link": {"source": "/cache/flask", "type": 1},
}
OVER_LINES = json.dumps(RECORD, indent=2).encode()


def test_lists_of_files_are_not_read_when_a_record_is_written_over_lines() -> None:
    record = MetaRecord.parse(OVER_LINES)
    assert record.members == {key: RECORD[key] for key in ("name", "depends", "link")}
    assert len(record.bulk) == 2


def test_record_is_complete_when_it_is_written_after_a_change() -> None:
    record = MetaRecord.parse(OVER_LINES)
    record.members["license"] = "BSD-3-Clause"
    again = record.to_bytes()
    assert json.loads(again) == {**RECORD, "license": "BSD-3-Clause"}
    assert MetaRecord.parse(again) == record


@pytest.mark.parametrize("record", [RECORD, {**RECORD, "files": []}, {"name": "flask"}])
@pytest.mark.parametrize("indent", [None, 2])
def test_every_record_can_be_read_and_written(record: dict[str, object], indent: int | None) -> None:
    again = MetaRecord.parse(json.dumps(record, indent=indent).encode()).to_bytes()
    assert json.loads(again) == record


def test_record_that_ends_with_its_files_is_read() -> None:
    text = json.dumps({"name": "flask", "files": ["bin/flask"]}, indent=2).encode()
    assert json.loads(MetaRecord.parse(text).to_bytes()) == json.loads(text)
