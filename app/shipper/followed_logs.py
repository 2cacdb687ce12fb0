"""The logs that one run follows: those given by a path, and those that match a pattern, as soon as they exist.

Each log has its own position. If a pattern matches a file with a rotation number or compression, the file is part of the log without these
(``eve.json.1`` is part of ``eve.json``). A file with a date may be a rotated file or a log of its own, since Suricata can write dated logs.
It counts as rotated if it was read as part of another log; its position is then saved too, so that no later run sends it again.

A log that matches a pattern, was read to its end and has not been written to for an hour is closed, to limit the number of open files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from app.shipper.adapters.adapter import Adapter
from app.shipper.client import DeviceClient
from app.shipper.decompression import UnsupportedFileError
from app.shipper.file_pattern import FilePattern, base_log_path, natural_sort_key
from app.shipper.followed_log import FollowedLog
from app.shipper.position import BEFORE_OLDEST_FILE, AlreadyFollowedError, Position, PositionStore
from app.shipper.shipping import ShippingResult, describe_read_error
from app.shipper.source import Source, contains_position
from app.shipper.starting_position import find_starting_position
from app.shipper.tail import Tail, rotated_names

FileState = tuple[int, ...]


class FollowedLogs:
    """The logs that one run follows for one UTM.

    :param adapter: their format.
    :param patterns: the values of ``--file``.
    :param folder: the folder of the stored positions.
    :param token: the UTM's token.
    :param result: files that cannot be read are added here.
    :param notify: receives messages for the user.
    """

    def __init__(  # noqa: PLR0913  (what it puts together)
        self,
        adapter: Adapter[Any],
        patterns: list[FilePattern],
        folder: Path,
        token: str,
        *,
        client: DeviceClient,
        result: ShippingResult,
        notify: Callable[[str], None],
    ) -> None:
        self._adapter = adapter
        self._patterns = patterns
        self._folder = folder
        self._token = token
        self._client = client
        self._result = result
        self._notify = notify
        self._open: dict[Path, FollowedLog] = {}
        # Logs that were closed because they are idle or cannot be read, with the state of their files: when it changes, they are opened again.
        self._idle: dict[Path, list[FileState]] = {}
        self._unreadable: dict[Path, list[FileState]] = {}
        self._missing_reported: set[str] = set()
        self._hint_given = False

    def __len__(self) -> int:
        """Return the number of open logs."""
        return len(self._open)

    def __iter__(self) -> Iterator[FollowedLog]:
        """Iterate over the open logs."""
        return iter(list(self._open.values()))

    def close(self) -> None:
        """Close all logs."""
        for log in self._open.values():
            log.close()
        self._open.clear()

    def to_read(self) -> Iterator[FollowedLog]:
        """Yield the open logs, then new ones and those that changed since they were closed. Each is to be read before the next is requested.

        :raises app.shipper.client.DeviceError: the portal refuses.
        :raises app.shipper.position.AlreadyFollowedError: another run follows one of the logs.
        :raises app.shipper.time_shift.StateError: a position cannot be written.
        :raises app.shipper.stop.StoppedError: a signal arrived while waiting for the portal.
        :raises UnsupportedFileError: an explicitly given log is not a regular file.
        :raises OSError: an explicitly given log cannot be opened.
        """
        yield from list(self._open.values())
        explicit = {pattern.path for pattern in self._patterns if pattern.path is not None}
        found = self._find_logs()
        # A closed log whose file is gone may have been written to before it was rotated.
        vanished = [path for path in self._idle if path not in found]
        for path in sorted(
            [*found, *vanished], key=lambda path: (path not in explicit, len(path.name), natural_sort_key(path))
        ):
            files = found.get(path, [])
            if path in self._open or not self._changed(path, files) or self._belongs_to_other_log(files):
                continue
            if log := self._open_log(path, files, explicit=path in explicit):
                yield log

    def save_finished(self, log: FollowedLog) -> list[Source]:
        """Save that the rotated files of a log were read, in case they match a pattern under their new names; return them.

        To be called when the portal has confirmed everything that was read.
        """
        finished, log.tail.finished = log.tail.finished, []
        found = self._find_logs() if finished else {}
        for source in finished:
            for path, files in found.items():
                if (
                    path != log.tail.path
                    and path not in self._open
                    and any(_is_source_file(source, file) for file in files)
                ):
                    with suppress(AlreadyFollowedError), PositionStore(self._folder, path, self._token) as positions:
                        positions.load()  # which may have counts from a time as a log of its own
                        positions.utm, positions.answered = log.positions.utm, log.positions.answered
                        positions.save(source.position(source.emitted))
                        self._idle[path] = _file_states(files)
        return finished

    def close_idle(self) -> None:
        """Close idle logs that match a pattern and were read to their ends."""
        found: dict[Path, list[Path]] | None = None
        for path, log in list(self._open.items()):
            if log.explicit or log.has_unsaved or not log.idle:
                continue
            found = self._find_logs() if found is None else found
            # Taken before the second check, so that the log is opened again if it is written to from here on.
            states = _file_states(found.get(path, []))
            if log.idle:
                self._close(log)
                self._idle |= {path: states} if states else {}

    def close_unreadable(self, log: FollowedLog, error: UnsupportedFileError | OSError) -> None:
        """Close a log that cannot be read, until its file is replaced or its permissions change."""
        path = log.tail.path
        self._unreadable[path] = _file_states(self._find_logs().get(path, []), content=False)
        self._close(log)
        self._report_file_error(path, error)

    def _close(self, log: FollowedLog) -> None:
        log.close()
        del self._open[log.tail.path]

    def _find_logs(self) -> dict[Path, list[Path]]:
        """Return the existing logs with their files, and explicitly given ones even without a file."""
        found: dict[Path, list[Path]] = {}
        for pattern in self._patterns:
            if pattern.path is not None:
                found.setdefault(pattern.path, []).extend(pattern.paths())
                continue
            paths = pattern.paths()
            if not paths and str(pattern) not in self._missing_reported:
                self._notify(f"No file matches {pattern} yet; waiting for one.")
            self._missing_reported.add(str(pattern))
            for path in paths:
                found.setdefault(base_log_path(path), []).append(path)
        return found

    def _changed(self, path: Path, files: list[Path]) -> bool:
        """Whether a log that is not open is new or has changed since it was closed."""
        if path in self._idle:
            return self._idle[path] != _file_states(files)
        return path not in self._unreadable or self._unreadable[path] != _file_states(files, content=False)

    def _belongs_to_other_log(self, files: list[Path]) -> bool:
        """Whether a file was or will be read as part of another log."""
        if any(_reads_file(log, file) for log in self._open.values() for file in files):
            return True
        read = {
            state[:2]
            for path, states in self._idle.items()
            if path not in {base_log_path(file) for file in files}
            for state in states
        }
        return any(state[:2] in read for state in _file_states(files))

    def _open_log(self, path: Path, files: list[Path], *, explicit: bool) -> FollowedLog | None:
        """Open a log at its position; None if it was fully read already or cannot be read."""
        positions = PositionStore(self._folder, path, self._token)
        if not explicit and (position := positions.load()) and _is_fully_read(position, files):
            self._idle[path] = _file_states(files)
            return None
        try:
            log, position = self._try_open(path, files, positions, explicit=explicit)
        except (UnsupportedFileError, OSError) as error:
            if explicit:
                raise
            self._unreadable[path] = _file_states(files, content=False)
            self._report_file_error(path, error)
            return None
        self._idle.pop(path, None)
        self._unreadable.pop(path, None)
        self._open[path] = log
        if explicit or log.tail.source is not None:
            self._report_following(path, position)
        return log

    def _report_file_error(self, path: Path, error: UnsupportedFileError | OSError) -> None:
        self._notify(describe_read_error(path, error))
        self._result.add_file_error(describe_read_error(path, error))

    def _report_following(self, path: Path, position: Position | None) -> None:
        resumed = position is not None and position.offset > 0
        where = (
            f"from byte {position.offset:,}, where an earlier run ended" if position and resumed else "from its start"
        )
        self._notify(f"Following {path} {where}.{'' if self._hint_given else ' Ctrl-C ends it.'}")
        self._hint_given = True

    def _try_open(
        self, path: Path, files: list[Path], positions: PositionStore, *, explicit: bool
    ) -> tuple[FollowedLog, Position | None]:
        with ExitStack() as opened:
            opened.enter_context(positions)
            position = find_starting_position(positions, self._client, self._notify) or _adopt_renamed(positions, files)
            # On the first run, older files that match the pattern are read too.
            older = any(file != path for file in files)
            tail = Tail(
                path, BEFORE_OLDEST_FILE if position is None and older else position, self._notify, expected=explicit
            )
            opened.callback(tail.close)
            tail.open()
            opened.pop_all()
        return FollowedLog(self._adapter, tail, positions, explicit=explicit), position


def _adopt_renamed(positions: PositionStore, files: list[Path]) -> Position | None:
    """Adopt the position that was stored for a file under an earlier name; None if there is none."""
    for other in positions.for_other_logs():
        if other.path.parent != positions.path.parent.absolute():
            continue
        names = [file for file in files if rotated_names(other.path).fullmatch(file.name)]
        with suppress(AlreadyFollowedError), other:
            position = other.load() if names else None
            if (
                position is not None
                and position.fingerprinted
                and any(contains_position(file, position) for file in names)
            ):
                positions.utm, positions.answered, positions.counts = other.utm, other.answered, other.counts
                positions.save(position)
                other.delete()
                return position
    return None


def _reads_file(log: FollowedLog, file: Path) -> bool:
    """Whether a file was or will be read as part of a log: it will if it was rotated after the file that is being read."""
    if any(_is_source_file(source, file) for source in log.tail.finished):
        return True
    source, path = log.tail.source, log.tail.path
    if source is None:
        return False
    if _is_source_file(source, file):
        return True
    if _is_source_file(source, path) or file.parent != path.parent or not rotated_names(path).fullmatch(file.name):
        return False
    with suppress(FileNotFoundError):
        return file.stat().st_mtime_ns > source.written()
    return False


def _is_source_file(source: Source, path: Path) -> bool:
    with suppress(FileNotFoundError):
        return source.is_file(path)
    return False


def _is_fully_read(position: Position, files: list[Path]) -> bool:
    """Whether the only file of a log was read to its end and has not changed since."""
    wanted = [position.device, position.inode, position.offset, position.written]
    return [list(state[:4]) for state in _file_states(files)] == [wanted]


def _file_states(files: Iterable[Path], *, content: bool = True) -> list[FileState]:
    """Return values that change whenever a file changes.

    :param content: include its content, and not only its identity and permissions.
    """
    found: list[FileState] = []
    for file in files:
        with suppress(FileNotFoundError):
            stat = file.stat()
            written = (stat.st_size, stat.st_mtime_ns) if content else ()
            found.append((stat.st_dev, stat.st_ino, *written, stat.st_mode, stat.st_uid, stat.st_gid))
    return found
