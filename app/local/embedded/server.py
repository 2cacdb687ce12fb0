"""The common base of the embedded PostgreSQL and Redis: folders, locks, start and stop."""

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

#: Seconds until a server must be ready. After a crash it first replays its log.
START_TIMEOUT = 120.0

#: Seconds to wait for a launcher that was just killed.
LAUNCHER_TIMEOUT = 1.0

#: Seconds to wait for a server whose parent was killed, while it writes its last data.
ORPHAN_TIMEOUT = 30.0

#: The size in bytes above which the log is rotated at the next start.
LOG_LIMIT = 10_000_000

#: Only the user who runs the portal may read the log.
LOG_MODE = 0o600


class EmbeddedServer:
    """A server with a folder of its own, which contains ``data``, a log and two locks.

    ``launcher.lock`` is held by the process that starts the server, so that a second one is refused at once.
    ``server.lock`` is inherited by the server and its child processes: while any of them lives, even orphaned, no other
    server is started on the data. Once it is free, leftover PID files are known to be stale, whatever PID they contain.
    """

    title: ClassVar[str]
    #: The signal for a clean shutdown, which the kernel also sends when this process dies.
    stop_signal: ClassVar[signal.Signals]

    def __init__(self, folder: Path, *, durable: bool = True) -> None:
        """
        :param folder: the folder for its files; created if missing.
        :param durable: False trades durability on power failure for speed, for tests.
        """
        self.folder = folder.absolute()
        self.data = self.folder / "data"
        self.durable = durable
        self.log = self.folder / "server.log"
        # Not in the folder, because socket paths are limited to about 107 bytes.
        digest = hashlib.sha256(bytes(folder.resolve())).hexdigest()[:12]
        self.sockets = Path("/tmp", f"portal-{os.geteuid()}-{digest}")  # nosec B108  # noqa: S108 - checked by _make_socket_folder
        self._account: Account | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._locks: list[IO[str]] = []
        self._log_start = 0
        self._has_sockets = False

    @property
    def running(self) -> bool:
        """Whether the server was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        """The process ID, None if the server was not started."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start the server and wait until it responds.

        :raises ServiceError: it cannot be started; the message is one line.
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
        """Stop the server, if it is running, and wait until it has ended."""
        if self._process:
            end(self._process, (self.stop_signal, 10.0), (signal.SIGQUIT, 5.0))
            self._process = None
        if self._has_sockets:
            shutil.rmtree(self.sockets, ignore_errors=True)
            self._has_sockets = False
        while self._locks:
            self._locks.pop().close()

    def problem(self) -> str:
        """Describe in one line why the server ended."""
        written = self.log.read_bytes()[self._log_start :].decode(errors="replace")
        lines = [line for line in written.splitlines() if line.strip()]
        fatal = [line for line in lines if any(word in line.lower() for word in ("fatal", "panic", "error:"))]
        last = (fatal or lines or ["it wrote nothing"])[-1]
        return f"{self.title} ended: {last.strip()} (full log: {self.log})"

    def _command(self) -> list[str]:
        """Return the program and its arguments. It runs in the data folder."""
        raise NotImplementedError

    def _set_up(self) -> None:
        """Initialize the data folder before the first start, and remove leftovers of a killed server."""

    def _ready(self) -> bool:
        """Return whether the server responds."""
        raise NotImplementedError

    def _make_folders(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._locks.append(self._lock_launcher())
            self._locks.append(self._lock_server())
            if self.log.exists() and self.log.stat().st_size > LOG_LIMIT:
                self.log.replace(self.log.with_suffix(".log.1"))
            for log in (self.log, self.log.with_suffix(".log.1")):
                if log.exists():  # earlier releases made it world-readable
                    log.chmod(LOG_MODE)
            self._log_start = self.log.stat().st_size if self.log.exists() else 0
            self._account = account_for(self.data)
            self._make_own(self.data)
        except OSError as error:
            raise ServiceError(f"{self.title} cannot use the folder {self.folder}: {error.strerror}.") from None
        self._make_socket_folder()

    def _make_own(self, folder: Path) -> None:
        """Create a folder that only the server's user can enter."""
        folder.mkdir(mode=0o700, exist_ok=True)
        if self._account and folder.stat().st_uid != self._account.uid:
            os.chown(folder, self._account.uid, self._account.gid)

    def _make_socket_folder(self) -> None:
        uid = self._account.uid if self._account else os.geteuid()
        try:
            self.sockets.mkdir(mode=0o700, exist_ok=True)
            found = self.sockets.lstat()
            # /tmp is world-writable: another user may have created the folder first, to read the traffic.
            if not stat.S_ISDIR(found.st_mode) or found.st_uid not in {os.geteuid(), uid}:
                raise ServiceError(f"{self.sockets} belongs to another user: remove it, then start again.")
            self._has_sockets = True
            self.sockets.chmod(0o700)
            if found.st_uid != uid and self._account:
                os.chown(self.sockets, uid, self._account.gid)
            for left in self.sockets.iterdir():  # left by a killed server; PostgreSQL may refuse to start with them
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
            raise ServiceError(f"An earlier {self.title} in {self.folder} is still running: stop it first.")
        return file

    def _run(self, command: list[str], cwd: Path | None = None) -> subprocess.Popen[bytes]:
        # PGPORT, PGDATA and others would change the behaviour of the server.
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
    """Lock a file for this process and those that inherit it; return whether that succeeded in time."""
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
