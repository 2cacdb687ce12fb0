"""One run of the command ``ship``: a recorded log once, or a growing one until somebody ends it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from app.shipper.client import DeviceClient
from app.shipper.eve import EveReader
from app.shipper.follow import Follower
from app.shipper.handover import place_to_begin
from app.shipper.log import Shipped, remembered_shift, ship
from app.shipper.position import PositionStore
from app.shipper.progress import Progress
from app.shipper.report import reading_line, shipped_line
from app.shipper.state import ShiftStore
from app.shipper.stop import Stop, StoppedError, interruptible
from app.shipper.tail import Tail


class Run:
    """Ships one log for one UTM.

    :param token: the UTM's token.
    :param folder: where shifts and positions are remembered.
    :param quiet: do not show how far it came.
    :ivar shipped: what was read and what became of it, also while it goes and when it ends in the middle.
    """

    def __init__(self, path: Path, url: str, token: str, folder: Path, *, quiet: bool) -> None:
        self._path = path
        self._url = url
        self._token = token
        self._folder = folder
        self._quiet = quiet
        self.shipped = Shipped()

    def once(self, *, shift_to_end_at: datetime | None) -> None:
        """Ship the log as it is.

        :param shift_to_end_at: move it in time so that its last alert is then; None leaves its times as they are.
        :raises KeyboardInterrupt: it was interrupted, by Ctrl-C or SIGTERM.
        :raises app.shipper.client.DeviceError: the portal could not be reached or refused.
        :raises app.shipper.state.StateError: the shift cannot be read or written.
        :raises app.shipper.packed.NotReadError: the file is no log.
        :raises OSError: it cannot be read.
        """
        reader = EveReader(self._path, tick=lambda: progress.tick())  # noqa: PLW0108  (it comes later)
        with (
            interruptible(),
            Progress(lambda seconds: reading_line(reader, seconds), quiet=self._quiet) as progress,
            DeviceClient(self._url, self._token, say=progress.say) as client,
        ):
            if shift_to_end_at:
                store = ShiftStore(self._folder)
                utm = client.ask_utm()
                self.shipped.shift = remembered_shift(reader, store, self._token, shift_to_end_at, utm=utm)
            progress.show(lambda seconds: shipped_line(self.shipped, seconds, reader.share))
            ship(reader, client, self.shipped)

    def follow(self) -> None:
        """Ship what the log has and what is added to it, until SIGINT or SIGTERM.

        :raises KeyboardInterrupt: a second signal came while the first was being obeyed.
        :raises app.shipper.client.DeviceError: the portal refused; that it cannot be reached is waited for.
        :raises app.shipper.state.StateError: the position cannot be written, or the log is already being followed.
        :raises app.shipper.packed.NotReadError: the log is not one of plain lines.
        :raises OSError: it cannot be read.
        """
        positions = PositionStore(self._folder, self._path, self._token)
        with (
            Stop() as stop,
            Progress(lambda seconds: shipped_line(self.shipped, seconds), quiet=self._quiet) as progress,
            DeviceClient(self._url, self._token, sleep=stop.wait_or_raise, attempts=None, say=progress.say) as client,
            positions,
        ):
            try:
                position = place_to_begin(positions, client, progress.say)
            except StoppedError:
                return
            begun = position is not None and position.offset > 0
            where = f"from byte {position.offset:,}, where an earlier run ended" if begun else "from its start"
            progress.say(f"Following {self._path} {where}. Ctrl-C ends it.")
            tail = Tail(self._path, position, progress.say)
            Follower(tail, client, positions, self.shipped, stop=stop, progress=progress).run()
