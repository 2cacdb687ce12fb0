"""Ships a log while it is written: sends what is there and then what is added, each line's place noted once the portal has it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from time import monotonic
from typing import Any

from app.shipper.batch import Batch
from app.shipper.client import DeviceClient
from app.shipper.log import Shipped
from app.shipper.position import PositionStore
from app.shipper.progress import Progress
from app.shipper.record import MAX_RECORD, BrokenError, records_in, too_long
from app.shipper.source import Line, Source
from app.shipper.stop import Stop, StoppedError
from app.shipper.suricata import Converter, RecordError
from app.shipper.tail import Tail

LONGEST_DELAY = 2.0
"""Seconds that an alert may wait for others to go out with."""
_POLL = 0.5  # seconds
# Identical records bear the same microsecond: the ones before a place are numbered anew by reading that much before it.
_LOOK_BACK = 4 * 1024 * 1024


class Follower:
    """One run of following one log for one UTM.

    :param shipped: what happens is counted here while it goes.
    """

    def __init__(  # noqa: PLR0913  (what it puts together)
        self,
        tail: Tail,
        client: DeviceClient,
        positions: PositionStore,
        shipped: Shipped,
        *,
        stop: Stop,
        progress: Progress,
    ) -> None:
        self._tail = tail
        self._client = client
        self._positions = positions
        self._shipped = shipped
        self._stop = stop
        self._progress = progress
        self._batch = Batch()
        self._reached: Line | None = None
        self._source: Source | None = None
        self._noted: Source | None = None
        self._converter = Converter()
        self._flushed = monotonic()

    def run(self) -> None:
        """Follow the log until the run is to end; then send what is in hand, if the portal takes it at once.

        :raises app.shipper.client.DeviceError: the portal refuses.
        :raises app.shipper.state.StateError: the position cannot be written.
        :raises app.shipper.packed.NotReadError: the log is not one of plain lines.
        :raises OSError: the log cannot be read.
        """
        try:
            while not self._stop.wanted:
                for line in self._tail.lines():
                    self._take(line)
                    if self._stop.wanted:
                        break
                if self._tail.source is not None and self._tail.source is not self._noted:
                    self._note(self._tail.source, self._tail.source.given)
                self._flush_if_due()
                if self._shipped.records:
                    self._progress.tick()
                self._stop.wait(_POLL)
            self._flush()
        except StoppedError:
            return
        finally:
            self._tail.close()

    def _take(self, line: Line) -> None:
        if line.source is not self._source:
            self._begin(line.source, line.start)
        for alert in self._alerts(line):
            if not self._batch.add(alert):
                self._flush()
                self._batch.add(alert)
        self._reached = line
        self._flush_if_due()
        self._progress.tick()

    def _alerts(self, line: Line) -> Iterator[dict[str, Any]]:
        """Yield the alert lines of the records in a line. What is no alert, or cannot be read, is counted."""
        where = f"{line.source.path.name} at byte {line.start:,}"
        if line.data is None:
            self._shipped.refuse(where, too_long(MAX_RECORD))
            return
        for record in records_in(line.data.decode("utf-8", "surrogateescape")):
            try:
                if isinstance(record, BrokenError):
                    raise record
                alert = self._shipped.line(record, self._converter)
            except (BrokenError, RecordError) as error:
                self._shipped.refuse(where, str(error) if line.complete else "ends in the middle")
            else:
                if alert is not None:
                    yield alert

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
        """Write down that a file was begun: it may be renamed before the portal has anything of it. Not over a place still to be sent from."""
        if not self._batch and self._reached is None:
            self._positions.save(source.position(at))
            self._noted = source

    def _flush_if_due(self) -> None:
        if monotonic() - self._flushed >= LONGEST_DELAY:
            self._flush()

    def _flush(self) -> None:
        """Send what is in hand, and write down up to where the portal has it."""
        if self._batch:
            self._shipped.sent.add(self._client.send_batch(self._batch))
            self._batch = Batch()
            self._positions.answered = True
            self._positions.utm = self._client.utm or self._positions.utm
        if self._reached is not None:
            self._positions.save(self._reached.source.position(self._reached.end))
            self._reached = None
        self._flushed = monotonic()
