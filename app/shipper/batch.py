"""Alert lines that are sent in one request body."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

# Half of the device API's limits.
BATCH_LINES = 5_000
BATCH_BYTES = 8 * 1024 * 1024


class Batch:
    """The alert lines of one request body.

    :ivar ids: the alert ID of each line, or hour, function and category of a count, to report rejected lines by.
    :ivar body: the encoded lines, each with a newline.
    """

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.body = bytearray()

    def __len__(self) -> int:
        return len(self.ids)

    def add(self, line: dict[str, Any] | str) -> bool:
        """Add a line; return False, and add nothing, when the batch is full.

        :param line: a string is sent as it is, even if it is not valid JSON; the simulator sends such lines.
        """
        if isinstance(line, str):
            alert_id, text = "", line
        else:
            key = (str(line[name]) for name in ("alert_id", "hour", "function", "category") if name in line)
            alert_id, text = " ".join(key), json.dumps(line, ensure_ascii=False, separators=(",", ":"))
        data = text.encode("utf-8") + b"\n"
        if self.ids and (len(self.ids) >= BATCH_LINES or len(self.body) + len(data) > BATCH_BYTES):
            return False
        self.ids.append(alert_id)
        self.body += data
        return True


def batches(lines: Iterable[dict[str, Any] | str]) -> Iterator[Batch]:
    """Split lines into batches, in order."""
    batch = Batch()
    for line in lines:
        if not batch.add(line):
            yield batch
            batch = Batch()
            batch.add(line)
    if batch:
        yield batch
