"""Ships one recorded log: reads it, moves it in time when asked to, sends its alerts and counts what it met.

The counts add up at any moment: records read = alerts + skipped + unreadable; alerts = sent + not sent; and the portal answers for each
line that was sent: stored, duplicate or rejected.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from app.shipper.client import DeviceClient
from app.shipper.eve import MAX_PROBLEMS, EveReader
from app.shipper.sent import Sent
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

    alerts: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    unreadable: int = 0
    problems: list[str] = field(default_factory=list)
    damage: str | None = None
    shift: timedelta = timedelta(0)
    sent: Sent = field(default_factory=Sent)

    @property
    def records(self) -> int:
        """How many records were met."""
        return self.alerts + self.skipped.total() + self.unreadable

    @property
    def not_sent(self) -> int:
        """How many alerts the portal has not answered for. Some may be stored: a connection can end before its answer."""
        return self.alerts - self.sent.sent

    @property
    def clean(self) -> bool:
        """Whether all of the log was read and all of its alerts were taken."""
        return not (self.unreadable or self.damage or self.sent.rejected)

    def refuse(self, where: str, reason: str) -> None:
        """Count a record as unreadable, and remember it if it is one of the first."""
        self.unreadable += 1
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(f"{where}: {reason}")

    def line(self, record: dict[str, Any], converter: Converter) -> dict[str, Any] | None:
        """Return the alert line of a record and count it; None when it is no alert.

        :raises app.shipper.suricata.RecordError: it is one but cannot become a line; that is for the caller to count.
        """
        line = converter.line(record)
        if line is not None:
            self.alerts += 1
            return line
        kind = str(record.get("event_type") or "no event type")
        known = kind in self.skipped or len(self.skipped) < _MOST_KINDS
        self.skipped[kind if known else "other types"] += 1
        return None


def remembered_shift(
    reader: EveReader, store: ShiftStore, token: str, now: datetime, *, utm: str | None = None
) -> timedelta:
    """Return by how much to move a log so that its last alert is now: what is remembered for this log and UTM, or else a new shift.

    :param now: with a zone.
    :param utm: the UTM's ID, None where the portal does not tell it.
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
            if (known := store.load(first, token, utm)) is not None:
                return known
        if record.get("event_type") == "alert" and isinstance(record.get("alert"), dict):
            try:
                when = event_time(record)
            except RecordError:
                continue
            last = when if last is None else max(last, when)
    if first is None or last is None:
        return timedelta(0)
    return store.remember(first, token, now - last, utm)


def ship(reader: EveReader, client: DeviceClient, shipped: Shipped) -> None:
    """Send the alerts of a log.

    :param shipped: what it tells is counted here while it goes, so that the caller has it when this raises; its ``shift`` is used.
    :raises app.shipper.client.DeviceError: the portal could not be reached or refused.
    :raises OSError: the log cannot be read.
    """
    try:
        client.send_alerts(_lines(reader, shipped), progress=shipped.sent)
    finally:
        shipped.unreadable, shipped.problems, shipped.damage = reader.unreadable, reader.problems, reader.damage


def _lines(reader: EveReader, shipped: Shipped) -> Iterator[dict[str, Any]]:
    converter = Converter(shipped.shift)
    for record in reader:
        shipped.unreadable = reader.unreadable
        try:
            line = shipped.line(record, converter)
        except RecordError as error:
            reader.refuse(f"record {shipped.records + 1}", str(error))
            continue
        if line is not None:
            yield line
