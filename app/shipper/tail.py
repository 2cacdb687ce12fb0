"""Reads the lines of a log while it is written, like ``tail --follow=name``, through rotation.

Logs are rotated in two ways. Either the file is renamed and a new one is created: the old file is read to its end, and reading continues
with the new file as soon as it has content, because until then the writer may still use the old one. Or the file is copied and truncated
(copytruncate): the unread part is in the copy, which is identified by its first bytes. In both cases the old file may be compressed later.

Polling twice a second is fast enough for a log, works on every file system and needs no package: watchdog would report changes a little
sooner but handles neither rotation nor positions nor incomplete lines, and pygtail's position does not survive a power failure.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from app.shipper.decompression import UnsupportedFileError
from app.shipper.position import Position
from app.shipper.source import Line, Source, contains_position, read_start

# eve.json.1, eve.json-20261124 and eve-20261124.json are rotated files of eve.json; eve.2.json is the log of another thread.
_DATE = r"(?:[-._]\d{4}-?\d\d-?\d\d[\d._TZ:-]*)?"
_NUMBER_OR_DATE = r"(?:[-._]\d[\d._TZ:-]*)?"
_COMPRESSED = r"(?:\.(?:gz|bz2|xz))?"


class Tail:
    """Reads one log.

    :param path: the path to which the log is written; the file may be missing for a while.
    :param position: where an earlier run ended.
    :param notify: receives messages for the user.
    :param expected: whether to report that the log is missing.
    :ivar finished: the files that were read to their ends, since the caller last emptied this list.
    :ivar resumed: whether reading started at ``position``.
    :ivar source: the file that is being read; None while there is none.
    """

    def __init__(
        self, path: Path, position: Position | None, notify: Callable[[str], None], *, expected: bool = True
    ) -> None:
        self.path = path
        self.finished: list[Source] = []
        self.resumed = False
        self._position = position
        self._notify = notify
        self.source: Source | None = None
        self._missing_reported = not expected
        self._expected = expected
        self._started = False

    def close(self) -> None:
        """Close the file."""
        if self.source is not None:
            self.source.close()

    def open(self) -> None:
        """Open the first file, unless it is open already or missing.

        :raises UnsupportedFileError: it is not a regular file.
        :raises OSError: it cannot be opened.
        """
        if self.source is None:
            self.source = self._first()
            self._started = self._started or self.source is not None

    def lines(self) -> Iterator[Line]:
        """Yield the lines that are complete now; to be called again for later ones.

        :raises UnsupportedFileError: the log is not a plain text file with a record on each line.
        :raises OSError: it cannot be read.
        """
        self.open()
        while self.source is not None:
            if not self.source.start and (missed := self._skipped_copy(self.source)):
                self._switch_to(missed)
            if not self.source.is_unmodified():
                yield from self._after_truncation(self.source)
                continue
            yield from self.source.lines()
            following = self._next_source(self.source)
            if following is None:
                return
            # The writer has switched to the new file, so that the old one does not grow any more.
            yield from self.source.lines()
            yield from self.source.incomplete_line()
            if self.source.damaged:
                self._notify(f"{self.source.path} is damaged; it was read up to the damage.")
            self._switch_to(following)

    def _first(self) -> Source | None:
        """Open the file in which an earlier run ended, whatever its name is now, or the log at its start."""
        position = self._position
        try:
            if position is not None and (path := self._find(position)):
                self.resumed = True
                return self._opened(path, position.offset)
            path = self._oldest_newer_file(position.written) if position is not None else None
            source = self._opened(path or self.path, skip_format_check=self._started)
        except FileNotFoundError:
            self._report_missing()
            return None
        if position is not None and position.fingerprinted:
            self._notify(
                f"{self.path} is not the file that was followed before, which is not in the same folder either: "
                f"following from the start of {source.path.name}. "
                "If the end of that file was not shipped yet, ship it by itself: each alert is stored once."
            )
        return source

    def _find(self, position: Position) -> Path | None:
        found = []
        for path in self._candidate_files() if position.fingerprinted else ():
            with contextlib.suppress(FileNotFoundError):
                stat = path.stat()
                if contains_position(path, position):
                    same = (stat.st_dev, stat.st_ino) == (position.device, position.inode)
                    found.append((not same, path != self.path, path))
        return min(found)[-1] if found else None

    def _skipped_copy(self, source: Source) -> Source | None:
        """Return the copy of an empty file that was filled, copied and truncated between two polls."""
        with contextlib.suppress(FileNotFoundError):
            if path := self._oldest_newer_file(source.modified_when_opened):
                return self._opened(path, skip_format_check=True)
        return None

    def _next_source(self, source: Source) -> Source | None:
        """Return the next file, opened; None while there is none with content."""
        try:
            path = None
            if not source.is_file(self.path):
                size = self.path.stat().st_size
                path = self._oldest_newer_file(source.written(), source) or (self.path if size else None)
            self._missing_reported = not self._expected
            return self._opened(path, skip_format_check=True) if path else None
        except FileNotFoundError:
            self._report_missing()
            return None

    def _oldest_newer_file(self, written: int, source: Source | None = None) -> Path | None:
        """Return the oldest rotated file that is newer than a file: several may have been rotated between two polls.

        :param written: modification time of that file, in nanoseconds.
        :param source: that file, if it may be among the candidates.
        """
        wanted = rotated_names(self.path)
        newer = []
        for path in self._candidate_files():
            with contextlib.suppress(FileNotFoundError):
                if path != self.path and wanted.fullmatch(path.name) and not (source and source.is_file(path)):
                    when = path.stat().st_mtime_ns
                    # An empty file, or one that is just being compressed, has no first bytes to compare.
                    if when > written and (start := read_start(path)) and not (source and source.has_same_start(start)):
                        newer.append((when, path))
        return min(newer)[1] if newer else None

    def _after_truncation(self, source: Source) -> Iterator[Line]:
        for path in self._candidate_files():
            with contextlib.suppress(OSError):
                if path != self.path and not source.is_file(path) and source.switch_to_copy(path):
                    return
        yield from source.incomplete_line()
        self._notify(f"{self.path} was truncated: following it from its start.")
        self.close()
        self.source = self._position = None

    def _opened(self, path: Path, offset: int = 0, *, skip_format_check: bool = False) -> Source:
        # Before opening it, because opening a pipe blocks until it has a writer.
        if path.exists() and not path.is_file():
            raise UnsupportedFileError(
                f"{path} is a pipe, a device or the like: only a regular file can be followed. Ship it without --follow."
            )
        return Source(path, offset, rotated=path != self.path, skip_format_check=skip_format_check)

    def _switch_to(self, source: Source) -> None:
        if self.source is not None:
            self.finished.append(self.source)
        self.close()
        self.source = source

    def _candidate_files(self) -> list[Path]:
        """Return the files that may be the log under its current or an earlier name."""
        return sorted(path for path in self.path.parent.glob(f"{_escape_glob(self.path.stem)}*") if path.is_file())

    def _report_missing(self) -> None:
        if not self._missing_reported and not self.path.exists():
            self._notify(f"{self.path} does not exist yet; waiting for it.")
            self._missing_reported = True


def rotated_names(path: Path) -> re.Pattern[str]:
    """Return a pattern of the names that a log file may have after rotation, including its current name."""
    name = re.escape(path.stem) + _DATE + re.escape(path.suffix) + _NUMBER_OR_DATE + _COMPRESSED
    return re.compile(name, re.ASCII)


def _escape_glob(name: str) -> str:
    """Escape the special characters of a glob pattern."""
    return re.sub(r"([*?[])", r"[\1]", name)
