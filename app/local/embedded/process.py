"""Start child processes that die with this process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from app.local.embedded.account import Account

WRAPPER = Path(__file__).with_name("child.py")


def start_child(  # noqa: PLR0913 - what a process can differ in
    command: Sequence[str],
    *,
    death_signal: signal.Signals,
    cwd: Path,
    env: Mapping[str, str],
    account: Account | None = None,
    output: IO[bytes] | None = None,
    pass_fds: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start a program that receives ``death_signal`` when this process dies for any reason.

    It runs in a session of its own, so that Ctrl-C in the terminal reaches only the parent, which stops its children in
    order.

    :param command: the program's full path and its arguments.
    :param cwd: the working directory, entered before changing the user.
    :param account: the user to run it as; the current user by default.
    :param output: the file for standard output and error; those of this process by default.
    :param pass_fds: open file descriptors to inherit.
    :raises RuntimeError: not called from the main thread. The kernel sends the signal when the *thread* that started
        the child ends.
    """
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("Start embedded servers from the main thread: they end with the thread that starts them.")
    uid, gid = (account.uid, account.gid) if account else (-1, -1)
    wrapper = [sys.executable, "-I", "-S", str(WRAPPER), str(os.getpid()), str(int(death_signal)), str(uid), str(gid)]
    return subprocess.Popen(
        [*wrapper, *command],
        cwd=cwd,
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT if output else None,
        pass_fds=pass_fds,
        start_new_session=True,
    )


def end(process: subprocess.Popen[bytes], *steps: tuple[signal.Signals, float]) -> None:
    """Send signals in turn until the process has ended, and finally kill it.

    :param steps: each signal, with the number of seconds to wait after it.
    """
    for step, seconds in (*steps, (signal.SIGKILL, 10.0)):
        if process.poll() is not None:
            return
        process.send_signal(step)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            continue
