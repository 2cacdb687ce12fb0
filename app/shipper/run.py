"""Runs the command ``ship``: sends recorded logs once, or follows growing logs."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from app.shipper.adapters.adapter import Adapter
from app.shipper.client import DeviceClient
from app.shipper.file_pattern import FilePattern, existing_files
from app.shipper.follow import Follower
from app.shipper.followed_counts import FollowedCounts
from app.shipper.followed_logs import FollowedLogs
from app.shipper.progress import Progress
from app.shipper.report import progress_text, scan_progress_text
from app.shipper.shipping import LogFiles, ShippingResult, load_or_create_shift, ship
from app.shipper.stop import StopSignal, sigterm_as_interrupt
from app.shipper.time_shift import ShiftStore


class ShippingRun:
    """Ships logs for one UTM.

    :param adapter: the format of the logs.
    :param patterns: the logs.
    :param token: the UTM's token.
    :param folder: the folder of the stored time shifts and positions.
    :param quiet: show no progress.
    :ivar result: the counts, also during the run and after an error.
    :ivar files: the files that are read, or the patterns that are followed.
    """

    def __init__(  # noqa: PLR0913  (what the options of the command say)
        self,
        adapter: Adapter[Any],
        patterns: list[FilePattern],
        url: str,
        token: str,
        folder: Path,
        *,
        quiet: bool,
    ) -> None:
        self._adapter = adapter
        self._patterns = patterns
        self._url = url
        self._token = token
        self._folder = folder
        self._quiet = quiet
        self.result = ShippingResult()
        self.files: list[Path] | list[FilePattern] = patterns

    def once(self, *, shift_to_end_at: datetime | None) -> None:
        """Ship the existing files, one after another.

        :param shift_to_end_at: the new time of the last alert, by which all are shifted; None to keep their times.
        :raises KeyboardInterrupt: Ctrl-C or SIGTERM.
        :raises app.shipper.client.DeviceError: the portal cannot be reached or refuses a request.
        :raises app.shipper.time_shift.StateError: the shift cannot be read or written.
        :raises app.shipper.decompression.UnsupportedFileError: the format of the only file is not supported.
        :raises OSError: the only file cannot be read.
        """
        self.files = paths = existing_files(self._patterns)
        files = LogFiles(self._adapter, paths, tick=lambda: progress.tick())  # noqa: PLW0108  (defined below)
        with (
            sigterm_as_interrupt(),
            Progress(lambda seconds: scan_progress_text(files, seconds), quiet=self._quiet) as progress,
            DeviceClient(self._url, self._token, notify=progress.notify) as client,
        ):
            if shift_to_end_at:
                store = ShiftStore(self._folder)
                utm = client.fetch_utm_id()
                self.result.shift = load_or_create_shift(files, store, self._token, shift_to_end_at, utm=utm)
                files = LogFiles(self._adapter, paths, tick=progress.tick)
            progress.show(lambda seconds: progress_text(self.result, seconds, files.share))
            ship(files, client, self.result)

    def follow(self) -> None:
        """Ship the content of the logs and what is added to them, until SIGINT or SIGTERM.

        :raises KeyboardInterrupt: a second signal arrived.
        :raises app.shipper.client.DeviceError: the portal refuses a request; if it cannot be reached, it is retried.
        :raises app.shipper.time_shift.StateError: a position cannot be written, or one of the logs is already being followed.
        :raises app.shipper.decompression.UnsupportedFileError: an explicitly given log has an unsupported format.
        :raises OSError: an explicitly given log cannot be read.
        """
        with (
            StopSignal() as stop,
            Progress(lambda seconds: progress_text(self.result, seconds), quiet=self._quiet) as progress,
            DeviceClient(
                self._url, self._token, sleep=stop.wait_or_raise, attempts=None, notify=progress.notify
            ) as client,
        ):
            logs = FollowedLogs(
                self._adapter,
                self._patterns,
                self._folder,
                self._token,
                client=client,
                result=self.result,
                notify=progress.notify,
            )
            counts = FollowedCounts(self._folder, self._token, client, self.result, progress.notify)
            Follower(logs, counts, client, self.result, stop=stop, progress=progress, notify=progress.notify).run()
