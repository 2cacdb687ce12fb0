"""Alert lines that go to the portal in one body."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

# Half of what the device API takes, so that a body stays far from its limits.
BATCH_LINES = 5_000
BATCH_BYTES = 8 * 1024 * 1024


class Batch:
    """The lines of one body, as they go out.

    :ivar ids: the alert ID of each line, to name the lines that are refused.
    :ivar body: the lines, each with its newline.
    """

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.body = bytearray()

    def __len__(self) -> int:
        return len(self.ids)

    def add(self, line: dict[str, Any] | str) -> bool:
        """Take in a line; False when the batch is full and another one has to take it.

        :param line: a string goes out as it is, which may be no JSON: what a broken UTM sends.
        """
        if isinstance(line, str):
            alert_id, text = "", line
        else:
            alert_id, text = str(line.get("alert_id", "")), json.dumps(line, ensure_ascii=False, separators=(",", ":"))
        data = text.encode("utf-8") + b"\n"
        if self.ids and (len(self.ids) >= BATCH_LINES or len(self.body) + len(data) > BATCH_BYTES):
            return False
        self.ids.append(alert_id)
        self.body += data
        return True


def batches(lines: Iterable[dict[str, Any] | str]) -> Iterator[Batch]:
    """Put lines into batches, in their order."""
    batch = Batch()
    for line in lines:
        if not batch.add(line):
            yield batch
            batch = Batch()
            batch.add(line)
    if batch:
        yield batch
