"""Ships logs while they are written, and saves their positions when the portal has confirmed what was sent."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from app.shipper.batch import Batch
from app.shipper.client import DeviceClient
from app.shipper.followed_counts import FollowedCounts
from app.shipper.followed_log import FollowedLog
from app.shipper.followed_logs import FollowedLogs
from app.shipper.progress import Progress
from app.shipper.shipping import ShippingResult
from app.shipper.source import Line
from app.shipper.stop import StoppedError, StopSignal

MAX_DELAY = 2.0
"""Maximum time in seconds that an alert waits to be sent in a batch with others."""
_POLL_INTERVAL = 0.5  # seconds
_MAX_OPEN = 100
_REPORT_INTERVAL = 60.0  # seconds
_COUNTS_INTERVAL = 60.0  # seconds


class Follower:
    """Follows logs for one UTM.

    :param result: updated during the run.
    :param notify: receives a message, at most once a minute, about unreadable records.
    """

    def __init__(  # noqa: PLR0913  (its collaborators)
        self,
        logs: FollowedLogs,
        counts: FollowedCounts,
        client: DeviceClient,
        result: ShippingResult,
        *,
        stop: StopSignal,
        progress: Progress,
        notify: Callable[[str], None],
    ) -> None:
        self._logs = logs
        self._counts = counts
        self._client = client
        self._result = result
        self._stop = stop
        self._progress = progress
        self._notify = notify
        self._batch = Batch()
        self._flushed_at = self._counted_at = monotonic()
        self._reported = 0
        self._reported_at: float | None = None

    def run(self) -> None:
        """Follow the logs until a signal arrives; then send the current batch and the hourly counts, without retries.

        :raises app.shipper.client.DeviceError: the portal refuses a request.
        :raises app.shipper.time_shift.StateError: a position cannot be written, or another run follows one of the logs.
        :raises app.shipper.decompression.UnsupportedFileError: an explicitly given log has an unsupported format.
        :raises OSError: an explicitly given log cannot be read.
        """
        try:
            while not self._stop.requested:
                for log in self._logs.to_read():
                    self._read(log)
                    if self._stop.requested:
                        break
                self._flush_if_due()
                if not self._stop.requested:
                    self._logs.close_idle()
                if monotonic() - self._counted_at >= _COUNTS_INTERVAL:
                    self._send_counts()
                self._report_unreadable()
                if self._result.records:
                    self._progress.tick()
                self._stop.wait(_POLL_INTERVAL)
            self._flush()
            self._send_counts()
        except StoppedError:
            return
        finally:
            self._logs.close()
            self._report_unreadable(now=True)

    def _read(self, log: FollowedLog) -> None:
        for line in log.lines():
            self._take(log, line)
            if self._stop.requested:
                break
        log.save_file_start()
        if log.error is not None:
            self._flush()
            self._logs.close_unreadable(log, log.error)
        elif len(self._logs) > _MAX_OPEN:
            self._flush()
            self._logs.close_idle()

    def _take(self, log: FollowedLog, line: Line) -> None:
        for alert in log.alerts(line, self._result):
            if not self._batch.add(alert):
                self._flush()
                self._batch.add(alert)
        self._flush_if_due()
        self._progress.tick()

    def _flush_if_due(self) -> None:
        if monotonic() - self._flushed_at >= MAX_DELAY:
            self._flush()

    def _flush(self) -> None:
        """Send the current batch and save the positions."""
        if self._batch:
            self._result.sent.add(self._client.send_batch(self._batch))
            self._batch = Batch()
        for log in self._logs:
            log.save(self._client.utm)
            for source in self._logs.save_finished(log):
                if source.damaged:
                    self._result.add_file_error(f"{source.path.name}: its end cannot be decompressed")
        self._flushed_at = monotonic()

    def _send_counts(self) -> None:
        self._counts.send(log.positions for log in self._logs)
        self._counted_at = monotonic()

    def _report_unreadable(self, *, now: bool = False) -> None:
        """Report the number of unreadable records and where the last one is, but nothing of its content."""
        new = self._result.unreadable - self._reported
        due = self._reported_at is None or monotonic() - self._reported_at >= _REPORT_INTERVAL
        if new and (due or now):
            self._notify(
                f"Unreadable records: {new:,} new, {self._result.unreadable:,} in total; the last is {self._result.last_problem}."
            )
            self._reported, self._reported_at = self._result.unreadable, monotonic()
