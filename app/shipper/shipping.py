"""Ships a recorded log, in one file or several: reads it, moves it in time when asked to, sends its alerts and counts what it met.

The counts add up at any moment: records read = alerts + skipped + unreadable; alerts = sent + not sent; and the portal answers for each
line that was sent: stored, duplicate or rejected.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from app.shipper.client import DeviceClient
from app.shipper.decompression import NotReadError
from app.shipper.eve import MAX_PROBLEMS, EveReader
from app.shipper.send_result import Sent
from app.shipper.suricata import Converter, RecordError, canonical, event_time
from app.shipper.time_shift import ShiftStore

# A file whose every record names another event type must not fill the memory or the screen.
_MOST_KINDS = 40


@dataclass
class Shipped:
    """What was read from a log and what became of it.

    :ivar skipped: records that are no alerts, by their event type.
    :ivar problems: the first unreadable records, each with where and why.
    :ivar last_problem: the last of them.
    :ivar damages: of the first: why files, or the ends of files, could not be read.
    :ivar shift: what was added to every time.
    """

    alerts: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    unreadable: int = 0
    problems: list[str] = field(default_factory=list)
    last_problem: str = ""
    damages: list[str] = field(default_factory=list)
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
        return not (self.unreadable or self.damages or self.sent.rejected)

    def refuse(self, where: str, reason: str) -> None:
        """Count a record as unreadable, and remember it if it is one of the first."""
        self.unreadable += 1
        self.last_problem = f"{where}: {reason}"
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(self.last_problem)

    def note_damage(self, damage: str) -> None:
        """Remember why a file, or the end of one, cannot be read, if it is one of the first."""
        if len(self.damages) < MAX_PROBLEMS:
            self.damages.append(damage)

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


class LogFiles:
    """The files of one log, read one after another; iterate over their records as often as needed.

    :ivar readers: one for each file.
    """

    def __init__(self, paths: list[Path], tick: Callable[[], object] = lambda: None) -> None:
        self.readers = [EveReader(path, tick=tick) for path in paths]

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Yield each record. A file that cannot be read is passed over, unless it is the only one.

        :raises app.shipper.decompression.NotReadError: the only file is an archive.
        :raises OSError: the only file cannot be read.
        """
        for reader in self.readers:
            try:
                yield from reader
            except (NotReadError, OSError):
                if len(self.readers) == 1:
                    raise

    @property
    def records(self) -> int:
        """How many records were met."""
        return sum(reader.records + reader.unreadable for reader in self.readers)

    @property
    def share(self) -> float:
        """How much of the files was read in the iteration under way, 0 to 1."""
        return sum(reader.share for reader in self.readers) / len(self.readers)


def remembered_shift(
    files: LogFiles, store: ShiftStore, token: str, now: datetime, *, utm: str | None = None
) -> timedelta:
    """Return by how much to move a log so that its last alert is now: what is remembered for this log and UTM, or else a new shift.

    :param now: with a zone.
    :param utm: the UTM's ID, None where the portal does not tell it.
    :raises app.shipper.time_shift.StateError: the shift cannot be read or written.
    :raises app.shipper.decompression.NotReadError: the only file is an archive.
    :raises OSError: the only file cannot be read.
    """
    first: bytes | None = None
    last: datetime | None = None
    for record in files:
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


def ship(files: LogFiles, client: DeviceClient, shipped: Shipped) -> None:
    """Send the alerts of a log. Of several files, one that cannot be read is noted and passed over.

    :param shipped: what it tells is counted here while it goes, so that the caller has it when this raises; its ``shift`` is used.
    :raises app.shipper.client.DeviceError: the portal could not be reached or refused.
    :raises app.shipper.decompression.NotReadError: the only file is an archive.
    :raises OSError: the only file cannot be read.
    """
    several = len(files.readers) > 1
    for reader in files.readers:
        name = f"{reader.path.name} " if several else ""
        before, problems = shipped.unreadable, shipped.problems
        try:
            client.send_alerts(_lines(reader, shipped, before), progress=shipped.sent)
        except (NotReadError, OSError) as error:
            if not several:
                raise
            shipped.note_damage(not_read(reader.path, error))
        finally:
            shipped.unreadable = before + reader.unreadable
            shipped.problems = (problems + [name + problem for problem in reader.problems])[:MAX_PROBLEMS]
            if reader.damage:
                shipped.note_damage(name + reader.damage)


def not_read(path: Path, error: NotReadError | OSError) -> str:
    """Say that a file cannot be read."""
    return f"{path} cannot be read: {error.strerror}." if isinstance(error, OSError) else str(error)


def _lines(reader: EveReader, shipped: Shipped, before: int) -> Iterator[dict[str, Any]]:
    """Yield the alert lines of a file.

    :param before: how many records of files before it are unreadable.
    """
    converter = Converter(shipped.shift)
    for record in reader:
        shipped.unreadable = before + reader.unreadable
        try:
            line = shipped.line(record, converter)
        except RecordError as error:
            reader.refuse(f"record {reader.records + reader.unreadable}", str(error))
            continue
        if line is not None:
            yield line
