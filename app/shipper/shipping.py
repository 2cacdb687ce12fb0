"""Ships a recorded log, in one or several files, and counts the records.

At any time, records read = alerts + skipped + unreadable, alerts = sent + not sent, and sent = stored + duplicate + rejected.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from app.shipper.adapters.adapter import Adapter, ConversionError
from app.shipper.client import DeviceClient
from app.shipper.converter import Converter
from app.shipper.decompression import UnsupportedFileError
from app.shipper.hourly_counts import HourlyCounts, statistics_lines
from app.shipper.log_reader import MAX_LISTED, LogReader
from app.shipper.send_result import SendResult
from app.shipper.time_shift import ShiftStore

# Limits memory and output if the records of a file have many different event types.
_MAX_EVENT_TYPES = 40


@dataclass
class ShippingResult:
    """Counts of the records of a log.

    :ivar skipped: number of records that are not alerts, by event type.
    :ivar problems: location and reason of the first unreadable records.
    :ivar last_problem: location and reason of the last unreadable record.
    :ivar file_errors: why files, or the ends of files, could not be read; the first of them.
    :ivar threat_stats: the outcome of the hourly counts that were sent.
    :ivar shift: the time shift that is added to every alert.
    """

    alerts: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    unreadable: int = 0
    problems: list[str] = field(default_factory=list)
    last_problem: str = ""
    file_errors: list[str] = field(default_factory=list)
    shift: timedelta = timedelta(0)
    sent: SendResult = field(default_factory=SendResult)
    threat_stats: SendResult = field(default_factory=SendResult)

    @property
    def records(self) -> int:
        """Number of records, including unreadable ones."""
        return self.alerts + self.skipped.total() + self.unreadable

    @property
    def not_sent(self) -> int:
        """Number of alerts that the portal has not confirmed. Some may be stored, if the connection broke before the response."""
        return self.alerts - self.sent.sent

    @property
    def successful(self) -> bool:
        """Whether the whole log was read and no alert was rejected."""
        return not (self.unreadable or self.file_errors or self.sent.rejected or self.threat_stats.rejected)

    def count_unreadable(self, where: str, reason: str) -> None:
        """Count an unreadable record, and list it if it is one of the first."""
        self.unreadable += 1
        self.last_problem = f"{where}: {reason}"
        if len(self.problems) < MAX_LISTED:
            self.problems.append(self.last_problem)

    def add_file_error(self, error: str) -> None:
        """List why a file, or the end of one, cannot be read, if it is one of the first."""
        if len(self.file_errors) < MAX_LISTED:
            self.file_errors.append(error)

    def convert(self, record: Any, converter: Converter) -> dict[str, Any] | None:
        """Count a record and return its alert line; None if it is not an alert.

        :raises app.shipper.adapters.adapter.ConversionError: the alert cannot be converted; it is not counted.
        """
        line = converter.convert(record)
        if line is not None:
            self.alerts += 1
            return line
        kind = converter.adapter.kind(record)
        known = kind in self.skipped or len(self.skipped) < _MAX_EVENT_TYPES
        self.skipped[kind if known else "other types"] += 1
        return None


class LogFiles:
    """The files of one log, which are read one after another; can be iterated several times.

    :ivar adapter: their format.
    :ivar readers: one reader for each file.
    """

    def __init__(self, adapter: Adapter[Any], paths: list[Path], tick: Callable[[], object] = lambda: None) -> None:
        self.adapter = adapter
        self.readers = [adapter.reader(path, tick) for path in paths]

    def __iter__(self) -> Iterator[Any]:
        """Yield each record. A file that cannot be read is skipped, unless it is the only one.

        :raises app.shipper.decompression.UnsupportedFileError: the only file is an archive.
        :raises OSError: the only file cannot be read.
        """
        for reader in self.readers:
            try:
                yield from reader
            except (UnsupportedFileError, OSError):
                if len(self.readers) == 1:
                    raise

    @property
    def records(self) -> int:
        """Number of records, including unreadable ones."""
        return sum(reader.records + reader.unreadable for reader in self.readers)

    @property
    def share(self) -> float:
        """Fraction of the files that was read in the current iteration, 0 to 1."""
        return sum(reader.share for reader in self.readers) / len(self.readers)


def load_or_create_shift(
    files: LogFiles, store: ShiftStore, token: str, now: datetime, *, utm: str | None = None
) -> timedelta:
    """Return the stored time shift of a log for a UTM, or store a new one that moves its last alert to now.

    :param now: the current time, with a time zone.
    :param utm: the UTM's ID, None if the portal does not return it.
    :raises app.shipper.time_shift.StateError: the shift cannot be read or written.
    :raises app.shipper.decompression.UnsupportedFileError: the only file is an archive.
    :raises OSError: the only file cannot be read.
    """
    first: bytes | None = None
    last: datetime | None = None
    for record in files:
        if first is None:
            try:
                first = files.adapter.identity(record)
            except ConversionError:
                continue
            if (known := store.load(first, token, utm)) is not None:
                return known
        if files.adapter.is_alert(record):
            try:
                when = files.adapter.event_time(record)
            except ConversionError:
                continue
            last = when if last is None else max(last, when)
    if first is None or last is None:
        return timedelta(0)
    return store.remember(first, token, now - last, utm)


def ship(files: LogFiles, client: DeviceClient, result: ShippingResult) -> None:
    """Send the alerts of a log, then their hourly counts. If it has several files, one that cannot be read is reported and skipped.

    :param result: updated during the run, so that it is available if this raises; its ``shift`` is applied.
    :raises app.shipper.client.DeviceError: the portal cannot be reached or refuses a request.
    :raises app.shipper.decompression.UnsupportedFileError: the only file is an archive.
    :raises OSError: the only file cannot be read.
    """
    several = len(files.readers) > 1
    counts = HourlyCounts()
    for reader in files.readers:
        name = f"{reader.path.name} " if several else ""
        before, problems = result.unreadable, result.problems
        try:
            client.send_alerts(
                _lines(reader, Converter(files.adapter, result.shift), result, counts, before), progress=result.sent
            )
        except (UnsupportedFileError, OSError) as error:
            if not several:
                raise
            result.add_file_error(describe_read_error(reader.path, error))
        finally:
            result.unreadable = before + reader.unreadable
            result.problems = (problems + [name + problem for problem in reader.problems])[:MAX_LISTED]
            if reader.damage:
                result.add_file_error(name + reader.damage)
    # Last, because the newest count of an hour stands: those of an incomplete run would be too low.
    result.threat_stats.add(client.send_threat_stats(statistics_lines(counts.counts.items())))


def describe_read_error(path: Path, error: UnsupportedFileError | OSError) -> str:
    """Return a message that a file cannot be read."""
    return f"{path} cannot be read: {error.strerror}." if isinstance(error, OSError) else str(error)


def _lines(
    reader: LogReader[Any], converter: Converter, result: ShippingResult, counts: HourlyCounts, before: int
) -> Iterator[dict[str, Any]]:
    """Yield the alert lines of a file.

    :param counts: each line is counted here.
    :param before: number of unreadable records in the files before it.
    """
    for record in reader:
        result.unreadable = before + reader.unreadable
        try:
            line = result.convert(record, converter)
        except ConversionError as error:
            reader.count_unreadable(f"record {reader.records + reader.unreadable}", str(error))
            continue
        if line is not None:
            counts.add(line)
            yield line
