"""The unprivileged user that runs the servers when the portal is started by root.

PostgreSQL refuses to run as root. No permissions are widened for this: a server enters its data folder before it drops
privileges (``cwd``), and only programs that the user cannot reach are copied to a folder where it can.
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

#: Users that own no files come first; ``postgres`` may own another server's data.
CANDIDATES = ("nobody", "daemon", "postgres")

#: The folder for copied programs. In /tmp or /var/tmp, other users could create it first and cleaners would delete
#: single files. /var/cache belongs to root, is not cleaned file by file, and may be emptied at any time.
CACHE = Path("/var/cache/partner-portal")


class ServiceError(Exception):
    """A server cannot be started or has ended; the message is one line for the user who starts the portal."""


@dataclass(frozen=True)
class Account:
    """A user for running a program."""

    uid: int
    gid: int

    def can_run(self, *command: str) -> bool:
        """Return whether the user can run a program."""
        try:
            subprocess.run(
                command, user=self.uid, group=self.gid, extra_groups=[], capture_output=True, check=True, cwd="/"
            )
        except (OSError, subprocess.SubprocessError):
            return False
        return True


def account_for(data: Path) -> Account | None:
    """Return the user for the server with a data folder; None for the current user.

    :param data: the data folder. If it exists, its owner is used.
    :raises ServiceError: this process runs as root and no other user is usable.
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
        # In some containers only root exists, or changing the user is not permitted.
        if account.uid != 0 and account.can_run("/bin/sh", "-c", ":"):
            return account
    raise ServiceError(
        f"PostgreSQL does not run as root, and none of the users {', '.join(CANDIDATES)} can be used instead: "
        "start the portal as an ordinary user, or set DATABASE_URL and REDIS_URL."
    )


def runnable_by(account: Account | None, root: Path, parts: Sequence[str], label: str) -> Path:
    """Return a folder from which the user can run these programs: ``root``, or a copy of the required files.

    :param parts: files and folders under ``root``; the first one is a program that supports ``--version``. Parts that
        do not exist are not needed on this system.
    :param label: the name of the copy, which contains the package's name and version.
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
        for path in (fresh, *fresh.rglob("*")):  # regardless of the umask at installation
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0o644)
        try:
            if copy.exists():
                copy.rename(Path(scratch, "incomplete"))
            fresh.rename(copy)
        except OSError:
            if not _complete(root, copy, parts):  # unless another process was first
                raise
