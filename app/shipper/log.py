"""Ships one recorded log: reads it, moves it in time when asked to, sends its alerts and counts what it met."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from app.shipper.client import DeviceClient, Sent
from app.shipper.eve import EveReader
from app.shipper.state import ShiftStore
from app.shipper.suricata import Converter, RecordError, canonical, event_time

# A file whose every record names another event type must not fill the memory or the screen.
_MOST_KINDS = 40


@dataclass
class Shipped:
    """What was read from a log and what became of it.

    :ivar skipped: records that are no alerts, by their event type.
    :ivar problems: the first unreadable records, each with where and why.
    :ivar damage: why the end of the file could not be read, or None.
    :ivar shift: what was added to every time.
    """

    records: int = 0
    alerts: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    unreadable: int = 0
    problems: list[str] = field(default_factory=list)
    damage: str | None = None
    shift: timedelta = timedelta(0)
    sent: Sent = field(default_factory=Sent)

    @property
    def clean(self) -> bool:
        """Whether all of the log was read and all of its alerts were taken."""
        return not (self.unreadable or self.damage or self.sent.rejected)


def remembered_shift(reader: EveReader, store: ShiftStore, token: str, now: datetime) -> timedelta:
    """Return by how much to move a log so that its last alert is now: what is remembered for this log and UTM, or else a new shift.

    :param now: with a zone.
    :raises app.shipper.state.StateError: the shift cannot be read or written.
    :raises OSError: the log cannot be read.
    """
    first: bytes | None = None
    last: datetime | None = None
    for record in reader:
        if first is None:
            try:
                first = canonical(record)
            except RecordError:
                continue
            if (known := store.load(first, token)) is not None:
                return known
        if record.get("event_type") == "alert" and isinstance(record.get("alert"), dict):
            try:
                when = event_time(record)
            except RecordError:
                continue
            last = when if last is None else max(last, when)
    if first is None or last is None:
        return timedelta(0)
    return store.remember(first, token, now - last)


def ship(reader: EveReader, client: DeviceClient, shipped: Shipped) -> None:
    """Send the alerts of a log.

    :param shipped: what it tells is counted here while it goes, so that the caller has it when this raises; its ``shift`` is used.
    :raises app.shipper.client.DeviceError: the portal could not be reached or refused.
    :raises OSError: the log cannot be read.
    """
    try:
        client.send_alerts(_lines(reader, shipped), progress=shipped.sent)
    finally:
        shipped.records, shipped.unreadable = reader.records, reader.unreadable
        shipped.problems, shipped.damage = reader.problems, reader.damage


def _lines(reader: EveReader, shipped: Shipped) -> Iterator[dict[str, Any]]:
    converter = Converter(shipped.shift)
    for record in reader:
        try:
            line = converter.line(record)
        except RecordError as error:
            reader.refuse(f"record {reader.records + reader.unreadable}", str(error))
            continue
        if line is None:
            kind = str(record.get("event_type") or "no event type")
            shipped.skipped[
                kind if kind in shipped.skipped or len(shipped.skipped) < _MOST_KINDS else "other types"
            ] += 1
        else:
            shipped.alerts += 1
            yield line
