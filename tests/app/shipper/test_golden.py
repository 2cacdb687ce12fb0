"""Golden files: for each line of a log, the alert line that it becomes.

``golden/FORMAT.log`` has lines that were written for this test, and ``golden/FORMAT.jsonl`` has for each of them the alert line, or the reason
why there is none. ``WRITE_GOLDEN=1`` writes the latter anew.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from app.shipper.adapters import ADAPTERS
from app.shipper.adapters.adapter import Adapter, ConversionError
from app.shipper.converter import Converter
from app.shipper.log_reader import UnreadableRecordError

FOLDER = Path(__file__).with_name("golden")


def outcomes(adapter: Adapter[Any], line: str) -> list[dict[str, Any]]:
    """Return what becomes of the records of a line."""
    found: list[dict[str, Any]] = []
    for record in adapter.records_in(line):
        try:
            if isinstance(record, UnreadableRecordError):
                raise record
            found.append(Converter(adapter).convert(record) or {"skipped": adapter.kind(record)})
        except (UnreadableRecordError, ConversionError) as error:
            found.append({"unreadable": str(error)})
    return found


@pytest.mark.parametrize("name", ADAPTERS)
def test_each_line_becomes_the_alert_line_of_the_golden_file(name: str) -> None:
    golden = FOLDER / f"{name}.jsonl"
    lines = (FOLDER / f"{name}.log").read_text("utf-8").splitlines()
    found = [outcome for line in lines for outcome in outcomes(ADAPTERS[name], line)]
    if os.environ.get("WRITE_GOLDEN"):
        golden.write_text("".join(json.dumps(outcome, ensure_ascii=False) + "\n" for outcome in found), "utf-8")

    assert found == [json.loads(line) for line in golden.read_text("utf-8").splitlines()]


@pytest.mark.parametrize("name", ADAPTERS)
def test_a_complete_file_gives_the_same_lines_as_its_lines_one_by_one(name: str) -> None:
    adapter = ADAPTERS[name]
    reader, lines = adapter.reader(FOLDER / f"{name}.log"), []
    for record in reader:
        try:
            lines.append(Converter(adapter).convert(record))
        except ConversionError:
            lines.append(None)
    golden = [json.loads(line) for line in (FOLDER / f"{name}.jsonl").read_text("utf-8").splitlines()]

    assert [line for line in lines if line] == [line for line in golden if "alert_id" in line]
    assert reader.records + reader.unreadable == len(golden)
