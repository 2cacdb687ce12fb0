"""Ships logs while they are written: sends what is there and then what is added, each line's place noted once the portal has it."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from app.shipper.batch import Batch
from app.shipper.client import DeviceClient
from app.shipper.followed_log import FollowedLog
from app.shipper.followed_logs import FollowedLogs
from app.shipper.progress import Progress
from app.shipper.shipping import Shipped
from app.shipper.source import Line
from app.shipper.stop import Stop, StoppedError

LONGEST_DELAY = 2.0
"""Seconds that an alert may wait for others to go out with."""
_POLL = 0.5  # seconds
_MOST_OPEN = 100
_REPORT_EVERY = 60.0  # seconds


class Follower:
    """One run of following logs for one UTM.

    :param shipped: what happens is counted here while it goes.
    :param say: is told in a sentence, at most once a minute, that there are unreadable records.
    """

    def __init__(  # noqa: PLR0913  (what it puts together)
        self,
        logs: FollowedLogs,
        client: DeviceClient,
        shipped: Shipped,
        *,
        stop: Stop,
        progress: Progress,
        say: Callable[[str], None],
    ) -> None:
        self._logs = logs
        self._client = client
        self._shipped = shipped
        self._stop = stop
        self._progress = progress
        self._say = say
        self._batch = Batch()
        self._flushed = monotonic()
        self._reported = 0
        self._reported_at: float | None = None

    def run(self) -> None:
        """Follow the logs until the run is to end; then send what is in hand, if the portal takes it at once.

        :raises app.shipper.client.DeviceError: the portal refuses.
        :raises app.shipper.time_shift.StateError: a position cannot be written, or another run follows one of the logs.
        :raises app.shipper.decompression.NotReadError: a log that was named by its path is not one of plain lines.
        :raises OSError: such a log cannot be read.
        """
        try:
            while not self._stop.wanted:
                for log in self._logs.each():
                    self._read(log)
                    if self._stop.wanted:
                        break
                self._flush_if_due()
                if not self._stop.wanted:
                    self._logs.close_quiet()
                self._report_unreadable()
                if self._shipped.records:
                    self._progress.tick()
                self._stop.wait(_POLL)
            self._flush()
        except StoppedError:
            return
        finally:
            self._logs.close()
            self._report_unreadable(now=True)

    def _read(self, log: FollowedLog) -> None:
        for line in log.lines():
            self._take(log, line)
            if self._stop.wanted:
                break
        log.note_file()
        if log.error is not None:
            self._flush()
            self._logs.close_unreadable(log, log.error)
        elif len(self._logs) > _MOST_OPEN:
            self._flush()
            self._logs.close_quiet()

    def _take(self, log: FollowedLog, line: Line) -> None:
        for alert in log.alerts(line, self._shipped):
            if not self._batch.add(alert):
                self._flush()
                self._batch.add(alert)
        self._flush_if_due()
        self._progress.tick()

    def _flush_if_due(self) -> None:
        if monotonic() - self._flushed >= LONGEST_DELAY:
            self._flush()

    def _flush(self) -> None:
        """Send what is in hand, and write down up to where the portal has it."""
        if self._batch:
            self._shipped.sent.add(self._client.send_batch(self._batch))
            self._batch = Batch()
        for log in self._logs:
            log.save(self._client.utm)
            for source in self._logs.saved(log):
                if source.damaged:
                    self._shipped.note_damage(f"{source.path.name}: its end cannot be unpacked")
        self._flushed = monotonic()

    def _report_unreadable(self, *, now: bool = False) -> None:
        """Say how many records could not be read and where the last was, but nothing of what is in them."""
        new = self._shipped.unreadable - self._reported
        due = self._reported_at is None or monotonic() - self._reported_at >= _REPORT_EVERY
        if new and (due or now):
            self._say(
                f"Unreadable records: {new:,} new, {self._shipped.unreadable:,} in all; last {self._shipped.last_problem}."
            )
            self._reported, self._reported_at = self._shipped.unreadable, monotonic()
