"""Remembers how far a log that is followed was shipped.

A position is written when a file is begun, and after the portal has answered for everything before it. A run that is killed in between
sends its last batch again, which the portal knows by its alert IDs.

A log is known again by what it begins with rather than by its name, which rotation changes, or its inode alone, which is given to the next
file. While it is empty, or when it is gone, the files that come after it are known by when they were written.

Beside the place stands the UTM, as soon as the portal has told it: the token, by which a position is found, may be replaced.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Self

from app.shipper.time_shift import StateError

FINGERPRINT_BYTES = 1024


class BeingFollowedError(StateError):
    """Another run has the position."""


@dataclass(frozen=True)
class Position:
    """A place in a file.

    :ivar offset: bytes before it.
    :ivar fingerprint: SHA-256 of what the file begins with.
    :ivar fingerprinted: of how many bytes, at most FINGERPRINT_BYTES; none while the file is empty.
    :ivar written: when the file was last written, in nanoseconds since 1970.
    """

    device: int
    inode: int
    offset: int
    fingerprint: str
    fingerprinted: int
    written: int


OLDEST = Position(device=0, inode=0, offset=0, fingerprint="", fingerprinted=0, written=0)
"""The place before the oldest file of a log that was rotated."""


def fingerprint(start: bytes) -> str:
    """Return what a position keeps of the first bytes of a file."""
    return hashlib.sha256(start).hexdigest()


class PositionStore:
    """The position in one log for one UTM; a context manager that keeps a second run of the two away.

    :param folder: where positions are kept; made if it is missing.
    :param path: the log.
    :param token: the UTM's token, which is not written down.
    :ivar path: the log.
    :ivar utm: the UTM's ID, None while the portal has not told it; written down with each position.
    :ivar answered: whether the portal has answered for anything of the log under this token; written down too.
    """

    def __init__(self, folder: Path, path: Path, token: str) -> None:
        log = hashlib.sha256(os.fsencode(path.absolute())).hexdigest()[:32]
        key = hashlib.sha256(b"utm-token:" + token.encode()).hexdigest()[:16]
        self.folder = folder
        self.file = folder / f"position-{log}-{key}.json"
        self.utm: str | None = None
        self.answered = False
        self.path = path
        self._all_of_log = f"position-{log}-*.json"
        self._all_of_token = f"position-*-{key}.json"
        self._lock: IO[str] | None = None

    def __enter__(self) -> Self:
        """Lock the position.

        :raises BeingFollowedError: another run has it.
        :raises StateError: the folder cannot be written.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock = self.file.with_suffix(".lock").open("a", encoding="utf-8")
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.close()
            raise BeingFollowedError(f"{self.path} is already being followed for this UTM.") from None
        except OSError as error:
            self.close()
            raise self._not_written(error) from None
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the position free for other runs."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def load(self) -> Position | None:
        """Return the position; None when there is none, or none that can be read: the log is then sent from its start, and stored once."""
        try:
            found = json.loads(self.file.read_text("utf-8"))
            numbers = {name: int(found[name]) for name in ("device", "inode", "offset", "fingerprinted", "written")}
            position = Position(**numbers, fingerprint=str(found["fingerprint"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None
        if min(numbers.values()) < 0:
            return None
        utm = found.get("utm")
        self.utm = utm if isinstance(utm, str) and utm else None
        # Older versions did not write it down: what they were past the start of, they had sent.
        self.answered = bool(found.get("answered", position.offset))
        return position

    def others(self) -> list[PositionStore]:
        """Return the positions in the same log under other tokens, none of them locked or loaded."""
        files = sorted(self.folder.glob(self._all_of_log))
        return [self._at(file, self.path) for file in files if file != self.file]

    def of_other_logs(self) -> list[PositionStore]:
        """Return the positions in other logs under the same token, none of them locked or loaded."""
        found = []
        for file in sorted(self.folder.glob(self._all_of_token)):
            with suppress(OSError, ValueError, KeyError, TypeError):
                path = Path(json.loads(file.read_text("utf-8"))["path"])
                if file != self.file:
                    found.append(self._at(file, path))
        return found

    def _at(self, file: Path, path: Path) -> PositionStore:
        store = PositionStore(self.folder, path, token="")  # a name of a file tells no token
        store.file = file
        return store

    def forget(self) -> None:
        """Remove the position.

        :raises StateError: the folder cannot be written.
        """
        try:
            self.file.unlink(missing_ok=True)
        except OSError as error:
            raise self._not_written(error) from None

    def save(self, position: Position) -> None:
        """Write the position down, whole or not at all, and so that it survives a loss of power.

        :raises StateError: the folder cannot be written.
        """
        body = asdict(position) | {"path": str(self.path.absolute()), "answered": self.answered}
        body |= {"utm": self.utm} if self.utm else {}
        try:
            # The lock is held, so that the name is nobody else's; what a killed run left there is written over.
            new = self.file.with_suffix(".new")
            with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
                json.dump(body, file)
                file.flush()
                os.fsync(file.fileno())
            new.replace(self.file)
            _sync_folder(self.folder)
        except OSError as error:
            raise self._not_written(error) from None

    def _not_written(self, error: OSError) -> StateError:
        return StateError(f"The folder {self.folder} cannot be written: {error.strerror}.")


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
