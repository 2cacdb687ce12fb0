"""Stores how far a followed log has been shipped.

A position is saved when a file is opened, and after the portal has confirmed everything before it. A run that is killed in between sends
its last batch again, and the portal recognises the alert IDs.

A log file is identified by its first bytes, because rotation changes its name and a new file may get the same inode. If the file is empty
or gone, its successors are identified by their modification times.

The hourly counts of what was confirmed are stored with the position, so that both are always at the same place (followed_counts.py).

The UTM's ID is stored with the position as soon as the portal has returned it, because the token, by which a position is found, may be
replaced.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Self

from app.shipper.hourly_counts import HourlyCounts
from app.shipper.time_shift import StateError

FINGERPRINT_BYTES = 1024


class AlreadyFollowedError(StateError):
    """Another run holds the lock on the position."""


@dataclass(frozen=True)
class Position:
    """A position in a file.

    :ivar offset: in bytes from the start of the file.
    :ivar fingerprint: SHA-256 of the first bytes of the file.
    :ivar fingerprinted: the number of these bytes, at most FINGERPRINT_BYTES; 0 if the file was empty.
    :ivar written: modification time of the file, in nanoseconds since 1970.
    """

    device: int
    inode: int
    offset: int
    fingerprint: str
    fingerprinted: int
    written: int


BEFORE_OLDEST_FILE = Position(device=0, inode=0, offset=0, fingerprint="", fingerprinted=0, written=0)
"""A position before the oldest rotated file of a log."""


def fingerprint(start: bytes) -> str:
    """Return the fingerprint of the first bytes of a file."""
    return hashlib.sha256(start).hexdigest()


class PositionStore:
    """Stores the position in one log for one token; a context manager that locks it against other runs.

    :param folder: the folder of the positions; created if it is missing.
    :param path: the log.
    :param token: the UTM's token; only its hash is stored.
    :ivar utm: the UTM's ID, None until the portal has returned it; stored with each position.
    :ivar counts: the hourly counts of the alerts before the position; stored too.
    :ivar answered: whether the portal has confirmed any part of the log under this token; stored too.
    """

    def __init__(self, folder: Path, path: Path, token: str) -> None:
        log = hashlib.sha256(os.fsencode(path.absolute())).hexdigest()[:32]
        key = _token_key(token)
        self.folder = folder
        self.file = folder / f"position-{log}-{key}.json"
        self.utm: str | None = None
        self.answered = False
        self.counts = HourlyCounts()
        self.path = path
        self._log_glob = f"position-{log}-*.json"
        self._token_glob = f"position-*-{key}.json"
        self._lock: IO[str] | None = None

    def __enter__(self) -> Self:
        """Lock the position.

        :raises AlreadyFollowedError: another run holds the lock.
        :raises StateError: the folder cannot be written.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock = self.file.with_suffix(".lock").open("a", encoding="utf-8")
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.close()
            raise AlreadyFollowedError(f"{self.path} is already being followed for this UTM.") from None
        except OSError as error:
            self.close()
            raise self._write_error(error) from None
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Release the lock."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def load(self) -> Position | None:
        """Return the position; None if there is none or it is invalid. The log is then sent from its start, and stored once."""
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
        # Older versions did not store it; they had sent everything before the position.
        self.answered = bool(found.get("answered", position.offset))
        self.counts = HourlyCounts.of(found.get("counts"))
        return position

    def for_other_tokens(self) -> list[PositionStore]:
        """Return the stores of the same log under other tokens, neither locked nor loaded."""
        files = sorted(self.folder.glob(self._log_glob))
        return [self._at(file, self.path) for file in files if file != self.file]

    def for_other_logs(self) -> list[PositionStore]:
        """Return the stores of other logs under the same token, neither locked nor loaded."""
        found = []
        for file in sorted(self.folder.glob(self._token_glob)):
            with suppress(OSError, ValueError, KeyError, TypeError):
                path = Path(json.loads(file.read_text("utf-8"))["path"])
                if file != self.file:
                    found.append(self._at(file, path))
        return found

    def _at(self, file: Path, path: Path) -> PositionStore:
        store = PositionStore(self.folder, path, token="")  # nosec B106  # the token cannot be derived from the file name
        store.file = file
        return store

    def delete(self) -> None:
        """Delete the stored position.

        :raises StateError: the folder cannot be written.
        """
        try:
            self.file.unlink(missing_ok=True)
        except OSError as error:
            raise self._write_error(error) from None

    def save(self, position: Position) -> None:
        """Save the position atomically and durably.

        :raises StateError: the folder cannot be written.
        """
        body = asdict(position) | {"path": str(self.path.absolute()), "answered": self.answered}
        body["counts"] = self.counts.to_json()
        body |= {"utm": self.utm} if self.utm else {}
        try:
            # The lock is held, so that no other run uses this name; a leftover of a killed run is overwritten.
            new = self.file.with_suffix(".new")
            with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
                json.dump(body, file)
                file.flush()
                os.fsync(file.fileno())
            new.replace(self.file)
            _sync_folder(self.folder)
        except OSError as error:
            raise self._write_error(error) from None

    def _write_error(self, error: OSError) -> StateError:
        return StateError(f"The folder {self.folder} cannot be written: {error.strerror}.")


def stored_counts(folder: Path, token: str, utm: str | None) -> Iterator[HourlyCounts]:
    """Yield the hourly counts of all logs of a UTM.

    :param token: the UTM's token.
    :param utm: the UTM's ID, by which logs are found that were followed under an earlier token; None if it is not known.
    """
    key = _token_key(token)
    for file in sorted(folder.glob("position-*.json")):
        with suppress(OSError, ValueError):
            found = json.loads(file.read_text("utf-8"))
            if isinstance(found, dict) and (file.stem.endswith(f"-{key}") or (utm and found.get("utm") == utm)):
                yield HourlyCounts.of(found.get("counts"))


def _token_key(token: str) -> str:
    return hashlib.sha256(b"utm-token:" + token.encode()).hexdigest()[:16]


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
