"""The unprivileged user the servers run as when the portal is started by root.

PostgreSQL refuses to run as root. Nobody's permissions are widened for it: a server enters its data folder before it
drops to the user (``cwd``), and only programs the user cannot reach are copied to where it can.
"""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

#: Users that exist for owning nothing come first; ``postgres`` may own another server's data.
CANDIDATES = ("nobody", "daemon", "postgres")

#: Copies of programs. Not /tmp or /var/tmp, where others could be there first and cleaners remove single files:
#: /var/cache is root's, is left alone, and may be emptied at any time.
CACHE = Path("/var/cache/partner-portal")


class ServiceError(Exception):
    """A server cannot be started or has ended; the text is one line for the person who starts the portal."""


@dataclass(frozen=True)
class Account:
    """A user to run a program as."""

    uid: int
    gid: int

    def can_run(self, *command: str) -> bool:
        """Tell whether the user can start this program."""
        try:
            subprocess.run(
                command, user=self.uid, group=self.gid, extra_groups=[], capture_output=True, check=True, cwd="/"
            )
        except (OSError, subprocess.SubprocessError):
            return False
        return True


def account_for(data: Path) -> Account | None:
    """Return the user that runs the server of this data folder; None is the one this process runs as.

    :param data: the data folder. If it is there, its owner stays.
    :raises ServiceError: this process is root and there is no user to drop to.
    """
    if os.geteuid() != 0:
        return None
    if data.exists() and (owner := data.stat()).st_uid != 0:
        return Account(owner.st_uid, owner.st_gid)
    for name in CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        account = Account(entry.pw_uid, entry.pw_gid)
        # In some containers only root exists, and changing to another user is refused.
        if account.uid != 0 and account.can_run("/bin/sh", "-c", ":"):
            return account
    raise ServiceError(
        f"PostgreSQL does not run as root, and no user to drop to could be used ({', '.join(CANDIDATES)}): "
        "start the portal as an ordinary user, or set DATABASE_URL and REDIS_URL."
    )


def runnable_by(account: Account | None, root: Path, parts: Sequence[str], label: str) -> Path:
    """Return a folder with these programs where the user can run them: ``root``, or a copy of what is needed of it.

    :param parts: files and folders under ``root``, the first one a program that knows ``--version``. Those that are
        not there are not needed on this system.
    :param label: name and version, the name of the copy.
    :raises ServiceError: the copy cannot be made.
    """
    program = parts[0]
    if account is None or account.can_run(str(root / program), "--version"):
        return root
    copy = CACHE / label
    parts = [part for part in parts if (root / part).exists()]
    try:
        if not _complete(root, copy, parts):
            _copy(root, copy, parts)
    except OSError as error:
        raise ServiceError(f"The programs in {root} cannot be copied to {copy}: {error.strerror}.") from None
    if not account.can_run(str(copy / program), "--version"):
        raise ServiceError(
            f"{copy / program} cannot be run as user {account.uid}: start the portal as an ordinary user."
        )
    return copy


def _complete(root: Path, copy: Path, parts: Sequence[str]) -> bool:
    wanted = [
        file for part in parts for file in ((root / part).rglob("*") if (root / part).is_dir() else [root / part])
    ]
    return all((copy / file.relative_to(root)).exists() for file in wanted)


def _copy(root: Path, copy: Path, parts: Sequence[str]) -> None:
    CACHE.mkdir(parents=True, exist_ok=True)
    CACHE.chmod(0o755)
    with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
        fresh = Path(scratch, "fresh")
        for part in parts:
            (fresh / part).parent.mkdir(parents=True, exist_ok=True)
            if (root / part).is_dir():
                shutil.copytree(root / part, fresh / part)
            else:
                shutil.copy2(root / part, fresh / part)
        for path in (fresh, *fresh.rglob("*")):  # whatever the umask was when the originals were installed
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0o644)
        try:
            if copy.exists():
                copy.rename(Path(scratch, "incomplete"))
            fresh.rename(copy)
        except OSError:
            if not _complete(root, copy, parts):  # unless another portal was first
                raise
