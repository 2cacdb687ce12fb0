"""One followed log: the position up to which it was read, and the one up to which the portal has confirmed it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from app.shipper.adapters.adapter import Adapter, ConversionError
from app.shipper.converter import Converter
from app.shipper.decompression import UnsupportedFileError
from app.shipper.log_reader import MAX_RECORD, UnreadableRecordError, too_long
from app.shipper.position import PositionStore
from app.shipper.shipping import ShippingResult
from app.shipper.source import Line, Source
from app.shipper.tail import Tail

# To number identical records, which have the same timestamp, so much is read before the starting position.
_LOOK_BACK_BYTES = 4 * 1024 * 1024
_IDLE_SECONDS = 3600.0  # seconds


class FollowedLog:
    """One followed log.

    :param adapter: its format.
    :param positions: the position store of the log, locked.
    :param explicit: whether the log was given by its path, and not found by a pattern.
    :ivar error: why the log cannot be read; set only if it was found by a pattern.
    """

    def __init__(self, adapter: Adapter[Any], tail: Tail, positions: PositionStore, *, explicit: bool) -> None:
        self._adapter = adapter
        self.tail = tail
        self.positions = positions
        self.explicit = explicit
        self.error: UnsupportedFileError | OSError | None = None
        self._last_line: Line | None = None
        self._has_alerts_in_batch = False
        self._source: Source | None = None
        self._saved_source: Source | None = None
        self._converter = Converter(adapter)

    def close(self) -> None:
        """Close the file and release the lock."""
        self.tail.close()
        self.positions.close()

    @property
    def has_unsaved(self) -> bool:
        """Whether something was read that the portal has not confirmed, or whose position is not saved."""
        return self._last_line is not None or bool(self.tail.finished)

    @property
    def idle(self) -> bool:
        """Whether the log has not been written to for an hour, for example because it belongs to an earlier day."""
        source = self.tail.source
        return source is None or time.time() - source.written() / 1e9 > _IDLE_SECONDS

    def lines(self) -> Iterator[Line]:
        """Yield the lines that are complete now, and of an idle log also a last line without line break.

        :raises app.shipper.decompression.UnsupportedFileError: an explicitly given log has an unsupported format.
        :raises OSError: an explicitly given log cannot be read.
        """
        try:
            yield from self.tail.lines()
            if not self.explicit and self.idle and self.tail.source is not None:
                yield from self.tail.source.incomplete_line()
        except (UnsupportedFileError, OSError) as error:
            if self.explicit:
                raise
            self.error = error

    def alerts(self, line: Line, result: ShippingResult) -> Iterator[dict[str, Any]]:
        """Yield the alert lines of the records in a line; count other and unreadable records."""
        if line.source is not self._source:
            self._start_source(line.source, line.start)
        counted: list[dict[str, Any]] = []
        where = f"{line.source.path.name} at byte {line.start:,}"
        if line.data is None:
            result.count_unreadable(where, too_long(MAX_RECORD))
        for record in self._adapter.records_in((line.data or b"").decode("utf-8", "surrogateescape")):
            try:
                if isinstance(record, UnreadableRecordError):
                    raise record
                alert = result.convert(record, self._converter)
            except (UnreadableRecordError, ConversionError) as error:
                result.count_unreadable(where, str(error) if line.complete else "ends in the middle")
            else:
                if alert is not None:
                    self._has_alerts_in_batch = True
                    counted.append(alert)
                    yield alert
        # Not before the end of the line, to which the position goes too.
        for alert in counted:
            self.positions.counts.add(alert)
        self._last_line = line

    def save_file_start(self) -> None:
        """Save the position in a newly opened file, which may be renamed before it has a line."""
        if self.tail.source is not None and self.tail.source is not self._saved_source:
            self._save_position(self.tail.source, self.tail.source.emitted)

    def save(self, utm: str | None) -> None:
        """Save the position up to which everything was read and confirmed by the portal.

        :param utm: the UTM's ID, None until the portal has returned it.
        :raises app.shipper.time_shift.StateError: the position cannot be written.
        """
        if self._has_alerts_in_batch:
            self.positions.answered = True
            self.positions.utm = utm or self.positions.utm
            self._has_alerts_in_batch = False
        if self._last_line is not None:
            self.positions.save(self._last_line.source.position(self._last_line.end))
            self._last_line = None

    def _start_source(self, source: Source, at: int) -> None:
        """Start with a file. The records before the offset are converted too, so that identical ones get the same alert IDs in every run."""
        self._source, self._converter = source, Converter(self._adapter)
        self._save_position(source, at)
        if not at:
            return
        for data in source.lines_before(at, _LOOK_BACK_BYTES):
            for record in self._adapter.records_in(data.decode("utf-8", "surrogateescape")):
                if not isinstance(record, UnreadableRecordError):
                    with suppress(ConversionError):
                        self._converter.convert(record)

    def _save_position(self, source: Source, at: int) -> None:
        """Save a position, unless lines before it are still to be sent."""
        if self._last_line is None:
            self.positions.save(source.position(at))
            self._saved_source = source
