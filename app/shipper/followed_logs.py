"""The logs that one run follows: those named by a path, and those that fit a pattern, as soon as they are there.

Each log has its own position. Under a pattern, a file that rotation has numbered or compressed is a part of the log that it was
(``eve.json.1`` of ``eve.json``). One with a date may be such a part, or a log by itself, as Suricata can write them: it is a part if the
log was read through it, and then its position is written down as read, so that no later run sends it again.

A log that fits a pattern, was read to its end and is not written to for an hour is closed: the files of a year need not all be open.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

from app.shipper.client import DeviceClient
from app.shipper.decompression import NotReadError
from app.shipper.file_pattern import FilePattern, log_of, natural_order
from app.shipper.followed_log import FollowedLog
from app.shipper.position import OLDEST, BeingFollowedError, Position, PositionStore
from app.shipper.shipping import Shipped, not_read
from app.shipper.source import Source, has
from app.shipper.starting_position import place_to_begin
from app.shipper.tail import Tail, rotated_names

Stamp = tuple[int, ...]


class FollowedLogs:
    """The logs that one run follows for one UTM; to be closed.

    :param patterns: what ``--file`` names.
    :param folder: where positions are remembered.
    :param token: the UTM's token.
    :param shipped: files that cannot be read are noted here.
    :param say: is told in a sentence what a person should know.
    """

    def __init__(  # noqa: PLR0913  (what it puts together)
        self,
        patterns: list[FilePattern],
        folder: Path,
        token: str,
        *,
        client: DeviceClient,
        shipped: Shipped,
        say: Callable[[str], None],
    ) -> None:
        self._patterns = patterns
        self._folder = folder
        self._token = token
        self._client = client
        self._shipped = shipped
        self._say = say
        self._open: dict[Path, FollowedLog] = {}
        # Logs that are closed because they are quiet or cannot be read, each with what would have to change.
        self._quiet: dict[Path, list[Stamp]] = {}
        self._unreadable: dict[Path, list[Stamp]] = {}
        self._said_missing: set[str] = set()
        self._said_how_to_end = False

    def __len__(self) -> int:
        """Return how many are open."""
        return len(self._open)

    def __iter__(self) -> Iterator[FollowedLog]:
        """Return those that are open."""
        return iter(list(self._open.values()))

    def close(self) -> None:
        """Close all of them."""
        for log in self._open.values():
            log.close()
        self._open.clear()

    def each(self) -> Iterator[FollowedLog]:
        """Yield each log that may have something to be read, then those that are new, each to be read before the next is asked for.

        :raises app.shipper.client.DeviceError: the portal refuses.
        :raises app.shipper.position.BeingFollowedError: another run follows one of them.
        :raises app.shipper.time_shift.StateError: a position cannot be written.
        :raises app.shipper.stop.StoppedError: the run is to end while the portal is waited for.
        :raises NotReadError: a log that was named by its path is not a regular file.
        :raises OSError: such a log cannot be opened.
        """
        yield from list(self._open.values())
        named = {pattern.path for pattern in self._patterns if pattern.path is not None}
        found = self._files()
        # A log that was closed and is gone from its name may have got more before it was rotated away.
        gone = [path for path in self._quiet if path not in found]
        for path in sorted([*found, *gone], key=lambda path: (path not in named, len(path.name), natural_order(path))):
            files = found.get(path, [])
            if path in self._open or not self._changed(path, files) or self._is_part(files):
                continue
            if log := self._begin(path, files, named=path in named):
                yield log

    def saved(self, log: FollowedLog) -> list[Source]:
        """Write down that files which rotation took from a log were read, in case that they fit a pattern too; return them.

        To be called when the portal has answered for all that was read.
        """
        left, log.tail.left = log.tail.left, []
        found = self._files() if left else {}
        for source in left:
            for path, files in found.items():
                if path != log.tail.path and path not in self._open and any(_is_at(source, file) for file in files):
                    with suppress(BeingFollowedError), PositionStore(self._folder, path, self._token) as positions:
                        positions.utm, positions.answered = log.positions.utm, log.positions.answered
                        positions.save(source.position(source.given))
                        self._quiet[path] = _stamps(files)
        return left

    def close_quiet(self) -> None:
        """Close those that fit a pattern, were read to their ends and are not written to any more."""
        found: dict[Path, list[Path]] | None = None
        for path, log in list(self._open.items()):
            if log.named or log.unsent or not log.quiet:
                continue
            found = self._files() if found is None else found
            # First, so that what is written from here on opens it again.
            stamps = _stamps(found.get(path, []))
            if log.quiet:
                self._close(log)
                self._quiet |= {path: stamps} if stamps else {}

    def close_unreadable(self, log: FollowedLog, error: NotReadError | OSError) -> None:
        """Close a log that cannot be read, until there is another file in its place."""
        path = log.tail.path
        self._unreadable[path] = _stamps(self._files().get(path, []), content=False)
        self._close(log)
        self._tell_unreadable(path, error)

    def _close(self, log: FollowedLog) -> None:
        log.close()
        del self._open[log.tail.path]

    def _files(self) -> dict[Path, list[Path]]:
        """Return the logs that there are, each with its files; one that is named by its path even if there is none."""
        found: dict[Path, list[Path]] = {}
        for pattern in self._patterns:
            if pattern.path is not None:
                found.setdefault(pattern.path, []).extend(pattern.paths())
                continue
            paths = pattern.paths()
            if not paths and str(pattern) not in self._said_missing:
                self._say(f"No file fits {pattern} yet; waiting for one.")
            self._said_missing.add(str(pattern))
            for path in paths:
                found.setdefault(log_of(path), []).append(path)
        return found

    def _changed(self, path: Path, files: list[Path]) -> bool:
        """Whether a log that is not open is to be opened: it is new, or not as it was when it was closed."""
        if path in self._quiet:
            return self._quiet[path] != _stamps(files)
        return path not in self._unreadable or self._unreadable[path] != _stamps(files, content=False)

    def _is_part(self, files: list[Path]) -> bool:
        """Whether a file belongs to another log: it was read there, or is going to be."""
        if any(_reads(log, file) for log in self._open.values() for file in files):
            return True
        read = {
            stamp[:2]
            for path, stamps in self._quiet.items()
            if path not in {log_of(file) for file in files}
            for stamp in stamps
        }
        return any(stamp[:2] in read for stamp in _stamps(files))

    def _begin(self, path: Path, files: list[Path], *, named: bool) -> FollowedLog | None:
        """Open a log where its position is; None when it was read already, or cannot be read."""
        positions = PositionStore(self._folder, path, self._token)
        if not named and (place := positions.load()) and _was_read(place, files):
            self._quiet[path] = _stamps(files)
            return None
        try:
            log, place = self._opened(path, files, positions, named=named)
        except (NotReadError, OSError) as error:
            if named:
                raise
            self._unreadable[path] = _stamps(files, content=False)
            self._tell_unreadable(path, error)
            return None
        self._quiet.pop(path, None)
        self._unreadable.pop(path, None)
        self._open[path] = log
        if named or log.tail.source is not None:
            self._say_following(path, place)
        return log

    def _tell_unreadable(self, path: Path, error: NotReadError | OSError) -> None:
        self._say(not_read(path, error))
        self._shipped.note_damage(not_read(path, error))

    def _say_following(self, path: Path, place: Position | None) -> None:
        begun = place is not None and place.offset > 0
        where = f"from byte {place.offset:,}, where an earlier run ended" if place and begun else "from its start"
        self._say(f"Following {path} {where}.{'' if self._said_how_to_end else ' Ctrl-C ends it.'}")
        self._said_how_to_end = True

    def _opened(
        self, path: Path, files: list[Path], positions: PositionStore, *, named: bool
    ) -> tuple[FollowedLog, Position | None]:
        with ExitStack() as opened:
            opened.enter_context(positions)
            place = place_to_begin(positions, self._client, self._say) or _take_over(positions, files)
            # Older files that fit the pattern are wanted too. Of a log that was begun they were read.
            older = any(file != path for file in files)
            tail = Tail(path, OLDEST if place is None and older else place, self._say, expected=named)
            opened.callback(tail.close)
            tail.open()
            opened.pop_all()
        return FollowedLog(tail, positions, named=named), place


def _take_over(positions: PositionStore, files: list[Path]) -> Position | None:
    """Return the place in a file under the name that it had when a run ended, and make it this log's own; None when there is none."""
    for other in positions.of_other_logs():
        if other.path.parent != positions.path.parent.absolute():
            continue
        names = [file for file in files if rotated_names(other.path).fullmatch(file.name)]
        with suppress(BeingFollowedError), other:
            place = other.load() if names else None
            if place is not None and place.fingerprinted and any(has(file, place) for file in names):
                positions.utm, positions.answered = other.utm, other.answered
                positions.save(place)
                other.forget()
                return place
    return None


def _reads(log: FollowedLog, file: Path) -> bool:
    """Whether a file is or was read as a part of a log, or is going to be: it came after the one that is read now."""
    if any(_is_at(source, file) for source in log.tail.left):
        return True
    source, path = log.tail.source, log.tail.path
    if source is None:
        return False
    if _is_at(source, file):
        return True
    if _is_at(source, path) or file.parent != path.parent or not rotated_names(path).fullmatch(file.name):
        return False
    with suppress(FileNotFoundError):
        return file.stat().st_mtime_ns > source.written()
    return False


def _is_at(source: Source, path: Path) -> bool:
    with suppress(FileNotFoundError):
        return source.is_file(path)
    return False


def _was_read(place: Position, files: list[Path]) -> bool:
    """Whether the only file of a log is as it was when it was read to its end."""
    wanted = [place.device, place.inode, place.offset, place.written]
    return [list(stamp[:4]) for stamp in _stamps(files)] == [wanted]


def _stamps(files: Iterable[Path], *, content: bool = True) -> list[Stamp]:
    """Return what changes with files: with their content, or else with what they are and who may read them."""
    found: list[Stamp] = []
    for file in files:
        with suppress(FileNotFoundError):
            stat = file.stat()
            written = (stat.st_size, stat.st_mtime_ns) if content else ()
            found.append((stat.st_dev, stat.st_ino, *written, stat.st_mode, stat.st_uid, stat.st_gid))
    return found
