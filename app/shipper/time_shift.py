"""Stores by how much the times of a recorded log were shifted for a UTM.

The portal recognises an alert by UTM, alert ID and time. If each run shifted the log so that it ends now, its alerts would have new times
and be stored again. So the first run stores its shift before it sends anything, and later runs use it.

The key is the first record of the log, not its path: a copy, another name or another compression is the same log, and a log that has grown
still starts with the same record. The second part of the key is the UTM, so that one log can be sent for several: its ID, which stays the
same when its token is replaced, or, if the portal does not return the ID, a hash of the token. Older versions used only the hash.
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
    """Stored state cannot be read or written; the text is one line for the user."""


class ShiftStore:
    """Stores time shifts, one file each.

    :param folder: the folder of the files; created on the first write.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def load(self, first_record: bytes, token: str, utm: str | None = None) -> timedelta | None:
        """Return the shift of a log for a UTM, or None if there is none.

        A shift that was stored by token is stored by UTM ID from now on.

        :param first_record: the first record of the log, as canonical JSON.
        :param token: the UTM's token.
        :param utm: the UTM's ID, None if the portal does not return it.
        :raises StateError: the stored shift cannot be read, and is not replaced, since a new shift would store every alert again; or the
            folder cannot be written.
        """
        if utm and (stored := _read(self._path(first_record, token, utm))) is not None:
            return stored
        stored = _read(self._path(first_record, token))
        return self.remember(first_record, token, stored, utm) if utm and stored is not None else stored

    def remember(self, first_record: bytes, token: str, shift: timedelta, utm: str | None = None) -> timedelta:
        """Store a shift and return the stored one, which may be that of another run that was first.

        :raises StateError: the folder cannot be written.
        """
        path = self._path(first_record, token, utm)
        body = {"shift_microseconds": shift // _MICROSECOND, "made_at": datetime.now(UTC).isoformat(timespec="seconds")}
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            # mkstemp creates the file with mode 0600; link() is atomic and does not overwrite.
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
        stored = _read(path)
        return shift if stored is None else stored

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
