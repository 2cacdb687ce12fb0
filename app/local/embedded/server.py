"""What the embedded PostgreSQL and the embedded Redis have in common: folders, locks, start and stop."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import signal
import stat
import subprocess
import time
from pathlib import Path
from typing import IO, ClassVar

from app.local.embedded.account import Account, ServiceError, account_for
from app.local.embedded.process import end, start_child

__all__ = ["EmbeddedServer", "ServiceError"]

#: Seconds a server may take to be ready: after a crash it reads its log first.
START_TIMEOUT = 120.0

#: Seconds in which a launcher that was just killed is gone.
LAUNCHER_TIMEOUT = 1.0

#: Seconds to wait for a server whose parent was killed: it is writing its last data.
ORPHAN_TIMEOUT = 30.0

#: Bytes of log after which the next start begins a new one.
LOG_LIMIT = 10_000_000

#: A log is for the account that runs the portal alone.
LOG_MODE = 0o600


class EmbeddedServer:
    """A server under a folder of its own: ``data``, a log, and two locks.

    ``launcher.lock`` is held by the process that starts it: a second one is refused at once. ``server.lock`` is
    inherited by the server and everything it forks: while one of them lives, however it was orphaned, no other is
    started on the data, and once it is free, pid files left behind are known to be stale whatever pid they name.
    """

    title: ClassVar[str]
    #: The signal that ends it without losing anything, also sent by the kernel when this process dies.
    stop_signal: ClassVar[signal.Signals]

    def __init__(self, folder: Path, *, durable: bool = True) -> None:
        """
        :param folder: where it keeps its files; made when it is not there.
        :param durable: False trades safety against a power cut for speed, for tests.
        """
        self.folder = folder.absolute()
        self.data = self.folder / "data"
        self.durable = durable
        self.log = self.folder / "server.log"
        # Socket paths end at about 107 bytes, so the socket is not under the folder.
        digest = hashlib.sha256(bytes(folder.resolve())).hexdigest()[:12]
        self.sockets = Path("/tmp", f"portal-{os.geteuid()}-{digest}")  # noqa: S108 - checked by _make_socket_folder
        self._account: Account | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._locks: list[IO[str]] = []
        self._log_start = 0
        self._has_sockets = False

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        """The process id, None when it was not started."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start it and wait until it answers.

        :raises ServiceError: it cannot be started; the text is one line.
        """
        try:
            self._make_folders()
            self._set_up()
            self._process = self._run(self._command())
            self._wait_until_ready()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop it and wait until it has ended. Does nothing when it is not running."""
        if self._process:
            end(self._process, (self.stop_signal, 10.0), (signal.SIGQUIT, 5.0))
            self._process = None
        if self._has_sockets:
            shutil.rmtree(self.sockets, ignore_errors=True)
            self._has_sockets = False
        while self._locks:
            self._locks.pop().close()

    def problem(self) -> str:
        """Say in one line why it ended."""
        written = self.log.read_bytes()[self._log_start :].decode(errors="replace")
        lines = [line for line in written.splitlines() if line.strip()]
        telling = [line for line in lines if any(word in line.lower() for word in ("fatal", "panic", "error:"))]
        last = (telling or lines or ["it wrote nothing"])[-1]
        return f"{self.title} ended: {last.strip()} (the whole log: {self.log})"

    def _command(self) -> list[str]:
        """Return the program and its arguments; it is run inside the data folder."""
        raise NotImplementedError

    def _set_up(self) -> None:
        """Fill the data folder before the first start, and remove what a killed server left behind."""

    def _ready(self) -> bool:
        """Tell whether it answers."""
        raise NotImplementedError

    def _make_folders(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._locks.append(self._lock_launcher())
            self._locks.append(self._lock_server())
            if self.log.exists() and self.log.stat().st_size > LOG_LIMIT:
                self.log.replace(self.log.with_suffix(".log.1"))
            for log in (self.log, self.log.with_suffix(".log.1")):
                if log.exists():  # an earlier release let everybody read it
                    log.chmod(LOG_MODE)
            self._log_start = self.log.stat().st_size if self.log.exists() else 0
            self._account = account_for(self.data)
            self._make_own(self.data)
        except OSError as error:
            raise ServiceError(f"{self.title} cannot use the folder {self.folder}: {error.strerror}.") from None
        self._make_socket_folder()

    def _make_own(self, folder: Path) -> None:
        """Make a folder that only the server's user can enter."""
        folder.mkdir(mode=0o700, exist_ok=True)
        if self._account and folder.stat().st_uid != self._account.uid:
            os.chown(folder, self._account.uid, self._account.gid)

    def _make_socket_folder(self) -> None:
        uid = self._account.uid if self._account else os.geteuid()
        try:
            self.sockets.mkdir(mode=0o700, exist_ok=True)
            found = self.sockets.lstat()
            # /tmp belongs to everybody: somebody may have made the folder first, to read what goes through it.
            if not stat.S_ISDIR(found.st_mode) or found.st_uid not in {os.geteuid(), uid}:
                raise ServiceError(f"{self.sockets} belongs to somebody else: remove it, then start again.")
            self._has_sockets = True
            self.sockets.chmod(0o700)
            if found.st_uid != uid and self._account:
                os.chown(self.sockets, uid, self._account.gid)
            for left in self.sockets.iterdir():  # by a killed server; PostgreSQL may refuse to start over them
                left.unlink()
        except OSError as error:
            raise ServiceError(f"The socket folder {self.sockets} cannot be used: {error.strerror}.") from None

    def _lock_launcher(self) -> IO[str]:
        file = (self.folder / "launcher.lock").open("a+")
        if not _lock(file, LAUNCHER_TIMEOUT):
            file.seek(0)
            holder = file.read().strip()
            file.close()
            raise ServiceError(f"A portal is already running on {self.folder.parent} (process {holder}).")
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        return file

    def _lock_server(self) -> IO[str]:
        file = (self.folder / "server.lock").open("a")
        if not _lock(file, ORPHAN_TIMEOUT):
            file.close()
            raise ServiceError(f"An earlier {self.title} in {self.folder} does not end: end it first.")
        return file

    def _run(self, command: list[str], cwd: Path | None = None) -> subprocess.Popen[bytes]:
        # PGPORT, PGDATA and the like would change what the server does.
        env = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        with open(self.log, "ab", opener=_open_log) as output:
            return start_child(
                command,
                death_signal=self.stop_signal,
                cwd=cwd or self.data,
                env=env,
                account=self._account,
                output=output,
                pass_fds=[self._locks[-1].fileno()],
            )

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT
        while not self._ready():
            if not self.running:
                raise ServiceError(self.problem())
            if time.monotonic() > deadline:
                raise ServiceError(f"{self.title} was not ready after {START_TIMEOUT:.0f} s (its log: {self.log}).")
            time.sleep(0.02)


def _open_log(path: str, flags: int) -> int:
    return os.open(path, flags, mode=LOG_MODE)


def _lock(file: IO[str], seconds: float) -> bool:
    """Lock a file for this process and those that inherit it; tell whether that worked in the time given."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        else:
            return True
