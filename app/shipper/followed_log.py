"""One log that is followed: where it has been read to, and up to where the portal has answered for it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from app.shipper.decompression import NotReadError
from app.shipper.position import PositionStore
from app.shipper.record import MAX_RECORD, BrokenError, records_in, too_long
from app.shipper.shipping import Shipped
from app.shipper.source import Line, Source
from app.shipper.suricata import Converter, RecordError
from app.shipper.tail import Tail

# Identical records bear the same microsecond: the ones before a place are numbered anew by reading that much before it.
_LOOK_BACK = 4 * 1024 * 1024
_QUIET_AFTER = 3600.0  # seconds


class FollowedLog:
    """One log that is followed.

    :param positions: the position of the log, locked.
    :param named: whether the log was named by its path, and not found by a pattern of names.
    :ivar error: why the log cannot be read; only of one that was found by a pattern.
    """

    def __init__(self, tail: Tail, positions: PositionStore, *, named: bool) -> None:
        self.tail = tail
        self.positions = positions
        self.named = named
        self.error: NotReadError | OSError | None = None
        self._reached: Line | None = None
        self._in_batch = False
        self._source: Source | None = None
        self._noted: Source | None = None
        self._converter = Converter()

    def close(self) -> None:
        """Close the file and leave the log to other runs."""
        self.tail.close()
        self.positions.close()

    @property
    def unsent(self) -> bool:
        """Whether something was read for which the portal has not answered, or whose place is not written down."""
        return self._reached is not None or bool(self.tail.left)

    @property
    def quiet(self) -> bool:
        """Whether nobody seems to write to the log any more, as to one of a day that is over."""
        source = self.tail.source
        return source is None or time.time() - source.written() / 1e9 > _QUIET_AFTER

    def lines(self) -> Iterator[Line]:
        """Yield the lines that are complete by now, and the last one without an end if nobody is going to write one.

        :raises app.shipper.decompression.NotReadError: a log that was named by its path is not one of plain lines.
        :raises OSError: such a log cannot be read.
        """
        try:
            yield from self.tail.lines()
            if not self.named and self.quiet and self.tail.source is not None:
                yield from self.tail.source.unfinished()
        except (NotReadError, OSError) as error:
            if self.named:
                raise
            self.error = error

    def alerts(self, line: Line, shipped: Shipped) -> Iterator[dict[str, Any]]:
        """Yield the alert lines of the records in a line. What is no alert, or cannot be read, is counted."""
        if line.source is not self._source:
            self._begin(line.source, line.start)
        where = f"{line.source.path.name} at byte {line.start:,}"
        if line.data is None:
            shipped.refuse(where, too_long(MAX_RECORD))
        for record in records_in((line.data or b"").decode("utf-8", "surrogateescape")):
            try:
                if isinstance(record, BrokenError):
                    raise record
                alert = shipped.line(record, self._converter)
            except (BrokenError, RecordError) as error:
                shipped.refuse(where, str(error) if line.complete else "ends in the middle")
            else:
                if alert is not None:
                    self._in_batch = True
                    yield alert
        self._reached = line

    def note_file(self) -> None:
        """Write down that a file was begun: it may be renamed before there is a line in it."""
        if self.tail.source is not None and self.tail.source is not self._noted:
            self._note(self.tail.source, self.tail.source.given)

    def save(self, utm: str | None) -> None:
        """Write down the place up to which all was read: the portal has answered for it.

        :param utm: the UTM's ID, None while the portal has not told it.
        :raises app.shipper.time_shift.StateError: the position cannot be written.
        """
        if self._in_batch:
            self.positions.answered = True
            self.positions.utm = utm or self.positions.utm
            self._in_batch = False
        if self._reached is not None:
            self.positions.save(self._reached.source.position(self._reached.end))
            self._reached = None

    def _begin(self, source: Source, at: int) -> None:
        """Number identical records as a run over the whole file would, so that alert IDs are the same however a file is shipped."""
        self._source, self._converter = source, Converter()
        self._note(source, at)
        if not at:
            return
        for data in source.earlier(at, _LOOK_BACK):
            for record in records_in(data.decode("utf-8", "surrogateescape")):
                if not isinstance(record, BrokenError):
                    with suppress(RecordError):
                        self._converter.line(record)

    def _note(self, source: Source, at: int) -> None:
        """Write a place down, but not over one from which something is still to be sent."""
        if self._reached is None:
            self.positions.save(source.position(at))
            self._noted = source
