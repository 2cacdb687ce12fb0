"""Converts the records of a log to alert lines of the device API, with an ID that is the same on every run."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from datetime import datetime, timedelta
from typing import Any

from app.shipper.adapters.adapter import Adapter, ConversionError
from app.shipper.adapters.values import cleaned


class Converter:
    """Converts the records of one file to alert lines, in order.

    :param adapter: the format of the file.
    :param shift: added to every time; the alert IDs are those of the recorded time.
    :param remembered: number of records that are remembered, to number identical ones. These have the same time and are close together,
        so that a limit bounds the memory.
    """

    def __init__(self, adapter: Adapter[Any], shift: timedelta = timedelta(0), *, remembered: int = 50_000) -> None:
        self.adapter = adapter
        self.shift = shift
        self._remembered = remembered
        self._seen: OrderedDict[bytes, int] = OrderedDict()

    def convert(self, record: Any) -> dict[str, Any] | None:
        """Return the alert line of a record, or None if it is not an alert.

        :raises app.shipper.adapters.adapter.ConversionError: the alert cannot be converted.
        """
        if not self.adapter.is_alert(record):
            return None
        when = self.adapter.event_time(record)
        try:
            shifted = when + self.shift
        except OverflowError:
            raise ConversionError("no valid timestamp") from None
        line: dict[str, Any] = {
            "alert_id": self._alert_id(record, when),
            "time": shifted.isoformat(timespec="microseconds"),
        }
        return line | cleaned(self.adapter.fields(record))

    def _alert_id(self, record: Any, when: datetime) -> str:
        """Return ``<Unix seconds>-<counter>``; the counter is a hash of the record and of its number among identical records.

        So a file gives the same IDs on every run, identical records are different alerts, and collisions of 48 bits within one second are unlikely.
        """
        digest = hashlib.sha256(self.adapter.identity(record)).digest()
        number = self._seen.pop(digest, 0) + 1
        self._seen[digest] = number
        if len(self._seen) > self._remembered:
            self._seen.popitem(last=False)
        counter = hashlib.sha256(digest + number.to_bytes(8, "big")).digest()[:6]
        return f"{int(when.timestamp())}-{int.from_bytes(counter, 'big')}"
