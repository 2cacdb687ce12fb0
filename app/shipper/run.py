"""One run of the command ``ship``: recorded logs once, or growing ones until somebody ends it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from app.shipper.client import DeviceClient
from app.shipper.file_pattern import FilePattern, existing_files
from app.shipper.follow import Follower
from app.shipper.followed_logs import FollowedLogs
from app.shipper.progress import Progress
from app.shipper.report import reading_line, shipped_line
from app.shipper.shipping import LogFiles, Shipped, remembered_shift, ship
from app.shipper.stop import Stop, interruptible
from app.shipper.time_shift import ShiftStore


class Run:
    """Ships logs for one UTM.

    :param patterns: the logs.
    :param token: the UTM's token.
    :param folder: where shifts and positions are remembered.
    :param quiet: do not show how far it came.
    :ivar shipped: what was read and what became of it, also while it goes and when it ends in the middle.
    :ivar files: what is read: the files there are, or the patterns that are followed.
    """

    def __init__(self, patterns: list[FilePattern], url: str, token: str, folder: Path, *, quiet: bool) -> None:
        self._patterns = patterns
        self._url = url
        self._token = token
        self._folder = folder
        self._quiet = quiet
        self.shipped = Shipped()
        self.files: list[Path] | list[FilePattern] = patterns

    def once(self, *, shift_to_end_at: datetime | None) -> None:
        """Ship the files that there are, one after another.

        :param shift_to_end_at: move them in time so that the last alert of all is then; None leaves their times as they are.
        :raises KeyboardInterrupt: it was interrupted, by Ctrl-C or SIGTERM.
        :raises app.shipper.client.DeviceError: the portal could not be reached or refused.
        :raises app.shipper.time_shift.StateError: the shift cannot be read or written.
        :raises app.shipper.decompression.NotReadError: the only file is no log.
        :raises OSError: the only file cannot be read.
        """
        self.files = paths = existing_files(self._patterns)
        files = LogFiles(paths, tick=lambda: progress.tick())  # noqa: PLW0108  (it comes later)
        with (
            interruptible(),
            Progress(lambda seconds: reading_line(files, seconds), quiet=self._quiet) as progress,
            DeviceClient(self._url, self._token, say=progress.say) as client,
        ):
            if shift_to_end_at:
                store = ShiftStore(self._folder)
                utm = client.ask_utm()
                self.shipped.shift = remembered_shift(files, store, self._token, shift_to_end_at, utm=utm)
                files = LogFiles(paths, tick=progress.tick)
            progress.show(lambda seconds: shipped_line(self.shipped, seconds, files.share))
            ship(files, client, self.shipped)

    def follow(self) -> None:
        """Ship what the logs have and what is added to them, until SIGINT or SIGTERM.

        :raises KeyboardInterrupt: a second signal came while the first was being obeyed.
        :raises app.shipper.client.DeviceError: the portal refused; that it cannot be reached is waited for.
        :raises app.shipper.time_shift.StateError: a position cannot be written, or one of the logs is already being followed.
        :raises app.shipper.decompression.NotReadError: a log that was named by its path is not one of plain lines.
        :raises OSError: such a log cannot be read.
        """
        with (
            Stop() as stop,
            Progress(lambda seconds: shipped_line(self.shipped, seconds), quiet=self._quiet) as progress,
            DeviceClient(self._url, self._token, sleep=stop.wait_or_raise, attempts=None, say=progress.say) as client,
        ):
            logs = FollowedLogs(
                self._patterns, self._folder, self._token, client=client, shipped=self.shipped, say=progress.say
            )
            Follower(logs, client, self.shipped, stop=stop, progress=progress, say=progress.say).run()
