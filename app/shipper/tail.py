"""The lines of a log that is being written, file after file: what ``tail --follow`` and the rotation of logs are to each other.

Rotation comes in two ways. Either the file is renamed and a new one made: the old one is read to its end, and on it goes with the new one
as soon as there is something in it, because until then the writer may still have the old one. Or it is copied and emptied (copytruncate):
what had not been read is in the copy, which is known by what it begins with. Either may be compressed afterwards.

Looking at the file twice a second is enough for a log, works on every file system and needs no package: watchdog would tell of changes a
little sooner but leaves rotation, positions and half lines to us, and pygtail keeps no position that survives a loss of power.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from app.shipper.decompression import NotReadError
from app.shipper.position import Position
from app.shipper.source import Line, Source, has, start_of

# eve.json.1, eve.json-20261124 and eve-20261124.json are the log as it was; eve.2.json is that of another thread.
_DATE = r"(?:[-._]\d{4}-?\d\d-?\d\d[\d._TZ:-]*)?"
_NUMBER_OR_DATE = r"(?:[-._]\d[\d._TZ:-]*)?"
_COMPRESSED = r"(?:\.(?:gz|bz2|xz))?"


class Tail:
    """The lines of a log.

    :param path: where the log is written; it may be missing for a while.
    :param position: where an earlier run ended.
    :param say: is told in a sentence what a person should know.
    :param expected: whether to say so when the log is missing.
    :ivar left: the files that were read to their ends, under whatever names they are by now; for the user of this to empty.
    :ivar resumed: whether the reading began where an earlier run had ended.
    :ivar source: the file that is being read; None while there is none.
    """

    def __init__(
        self, path: Path, position: Position | None, say: Callable[[str], None], *, expected: bool = True
    ) -> None:
        self.path = path
        self.left: list[Source] = []
        self.resumed = False
        self._position = position
        self._say = say
        self.source: Source | None = None
        self._said_missing = not expected
        self._expected = expected
        self._begun = False

    def close(self) -> None:
        """Close the file."""
        if self.source is not None:
            self.source.close()

    def open(self) -> None:
        """Open the file that is to be read first, if it is there by now and not open yet.

        :raises NotReadError: it is not a regular file.
        :raises OSError: it cannot be opened.
        """
        if self.source is None:
            self.source = self._first()
            self._begun = self._begun or self.source is not None

    def lines(self) -> Iterator[Line]:
        """Yield the lines that are complete by now; there may be more at the next call.

        :raises NotReadError: the log is not a file of plain lines.
        :raises OSError: it cannot be read.
        """
        self.open()
        while self.source is not None:
            if not self.source.start and (missed := self._missed(self.source)):
                self._turn_to(missed)
            if not self.source.intact():
                yield from self._emptied(self.source)
                continue
            yield from self.source.lines()
            following = self._following(self.source)
            if following is None:
                return
            # The writer has gone over to the new file, so that this is all that there will be in the old one.
            yield from self.source.lines()
            yield from self.source.unfinished()
            if self.source.damaged:
                self._say(f"{self.source.path} is damaged: what can be read of it was followed.")
            self._turn_to(following)

    def _first(self) -> Source | None:
        """Open the log where an earlier run ended, under whatever name that is by now, or at its start."""
        position = self._position
        try:
            if position is not None and (path := self._find(position)):
                self.resumed = True
                return self._opened(path, position.offset)
            path = self._younger(position.written) if position is not None else None
            source = self._opened(path or self.path, trusted=self._begun)
        except FileNotFoundError:
            self._say_missing()
            return None
        if position is not None and position.fingerprinted:
            self._say(
                f"{self.path} is not the file that was followed before, and that one is not beside it: "
                f"following from the start of {source.path.name}. "
                "If its end was not shipped yet, ship it by itself: each alert is stored once."
            )
        return source

    def _find(self, position: Position) -> Path | None:
        found = []
        for path in self._beside() if position.fingerprinted else ():
            with contextlib.suppress(FileNotFoundError):
                stat = path.stat()
                if has(path, position):
                    same = (stat.st_dev, stat.st_ino) == (position.device, position.inode)
                    found.append((not same, path != self.path, path))
        return min(found)[-1] if found else None

    def _missed(self, source: Source) -> Source | None:
        """Return the copy of a file that was empty, and was filled, copied and emptied again while nobody looked."""
        with contextlib.suppress(FileNotFoundError):
            if path := self._younger(source.opened_at):
                return self._opened(path, trusted=True)
        return None

    def _following(self, source: Source) -> Source | None:
        """Return the file that comes after one, opened; None while there is none with something in it."""
        try:
            path = None
            if not source.is_file(self.path):
                size = self.path.stat().st_size
                path = self._younger(source.written(), source) or (self.path if size else None)
            self._said_missing = not self._expected
            return self._opened(path, trusted=True) if path else None
        except FileNotFoundError:
            self._say_missing()
            return None

    def _younger(self, written: int, source: Source | None = None) -> Path | None:
        """Return the oldest of the files that were rotated away after a file: rotation can come twice while nobody reads.

        :param written: when that file was written.
        :param source: that file, if it may be among them.
        """
        wanted = rotated_names(self.path)
        younger = []
        for path in self._beside():
            with contextlib.suppress(FileNotFoundError):
                if path != self.path and wanted.fullmatch(path.name) and not (source and source.is_file(path)):
                    when = path.stat().st_mtime_ns
                    # Nothing to begin with is in an empty file, and in one that is being compressed.
                    if when > written and (start := start_of(path)) and not (source and source.begins(start)):
                        younger.append((when, path))
        return min(younger)[1] if younger else None

    def _emptied(self, source: Source) -> Iterator[Line]:
        for path in self._beside():
            with contextlib.suppress(OSError):
                if path != self.path and not source.is_file(path) and source.move_to_copy(path):
                    return
        yield from source.unfinished()
        self._say(f"{self.path} was emptied: following it from its start.")
        self.close()
        self.source = self._position = None

    def _opened(self, path: Path, offset: int = 0, *, trusted: bool = False) -> Source:
        # Before it is opened: a pipe would be waited for until somebody writes to it.
        if path.exists() and not path.is_file():
            raise NotReadError(
                f"{path} is a pipe, a device or the like: only a regular file can be followed. Ship it without --follow."
            )
        return Source(path, offset, rotated=path != self.path, trusted=trusted)

    def _turn_to(self, source: Source) -> None:
        if self.source is not None:
            self.left.append(self.source)
        self.close()
        self.source = source

    def _beside(self) -> list[Path]:
        """The files that may be the log under its present or an earlier name."""
        return sorted(path for path in self.path.parent.glob(f"{_literal(self.path.stem)}*") if path.is_file())

    def _say_missing(self) -> None:
        if not self._said_missing and not self.path.exists():
            self._say(f"{self.path} is not there; waiting for it.")
            self._said_missing = True


def rotated_names(path: Path) -> re.Pattern[str]:
    """Return a pattern of the names that rotation may give to a log, its present one among them."""
    name = re.escape(path.stem) + _DATE + re.escape(path.suffix) + _NUMBER_OR_DATE + _COMPRESSED
    return re.compile(name, re.ASCII)


def _literal(name: str) -> str:
    """Let a name stand for itself in a pattern of file names."""
    return re.sub(r"([*?[])", r"[\1]", name)
