"""Remembers by how much a recorded log was moved in time for a UTM.

A line is the same line to the portal when UTM, alert ID and time are the same. A log that is moved so that it ends now would have new
times on every run, and every run would store all of it again. So the first run writes its shift down, before it sends anything, and
later runs use it.

The key is what the log begins with, not its path: a copy, another name or another compression is the same log, and a log that has grown
still begins with the same record. The other half of the key is the UTM, so that one log can play several: by its ID, which stays when its
token is replaced. A portal that does not tell the ID leaves only the token, by a hash, so that it is in no file; this is also how older
versions kept all shifts.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

_MICROSECOND = timedelta(microseconds=1)


class StateError(Exception):
    """The remembered shift cannot be read or written; the text is one line for the person who ships."""


class ShiftStore:
    """The shifts of one machine, a small file each.

    :param folder: where they are kept; made on the first write.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def load(self, first_record: bytes, token: str, utm: str | None = None) -> timedelta | None:
        """Return the shift of a log for a UTM, or None when it was never moved.

        One that was kept by the token is kept by the UTM's ID from now on.

        :param first_record: the first record of the log in its canonical spelling.
        :param token: the UTM's token.
        :param utm: its ID, None where the portal does not tell it.
        :raises StateError: there is one but it cannot be read. A new one in its place would double every alert, so that is for a person to
            decide. Or the folder cannot be written.
        """
        if utm and (kept := _read(self._path(first_record, token, utm))) is not None:
            return kept
        kept = _read(self._path(first_record, token))
        return self.remember(first_record, token, kept, utm) if utm and kept is not None else kept

    def remember(self, first_record: bytes, token: str, shift: timedelta, utm: str | None = None) -> timedelta:
        """Write a shift down and return the one that stands: another run may have been first.

        :raises StateError: the folder cannot be written.
        """
        path = self._path(first_record, token, utm)
        body = {"shift_microseconds": shift // _MICROSECOND, "made_at": datetime.now(UTC).isoformat(timespec="seconds")}
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            # mkstemp makes the file 0600. link() puts it in place whole or not at all and never over another one.
            handle, name = tempfile.mkstemp(dir=self.folder, prefix=".shift-")
            try:
                with os.fdopen(handle, "w", encoding="utf-8") as file:
                    json.dump(body, file)
                    file.flush()
                    os.fsync(file.fileno())
                with contextlib.suppress(FileExistsError):
                    os.link(name, path)
            finally:
                Path(name).unlink()
        except OSError as error:
            raise StateError(f"The folder {self.folder} cannot be written: {error.strerror}.") from None
        standing = _read(path)
        return shift if standing is None else standing

    def _path(self, first_record: bytes, token: str, utm: str | None = None) -> Path:
        log = hashlib.sha256(first_record).hexdigest()[:32]
        key = f"utm:{utm}" if utm else f"utm-token:{token}"
        return self.folder / f"shift-{log}-{hashlib.sha256(key.encode()).hexdigest()[:16]}.json"


def _read(path: Path) -> timedelta | None:
    try:
        return int(json.loads(path.read_text("utf-8"))["shift_microseconds"]) * _MICROSECOND
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        raise StateError(
            f"{path} cannot be read; delete it to move the log anew (its alerts are then stored once more)."
        ) from None
