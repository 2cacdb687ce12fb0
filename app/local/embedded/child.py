"""Run a program as a child that dies with its parent, as another user if asked.

    python -I -S child.py PARENT_PID DEATH_SIGNAL UID GID PROGRAM [ARGUMENT ...]

UID and GID of -1 keep the user. A script of its own, run between the parent's fork and the program, instead of
``preexec_fn``: that runs Python in the fork of a process that may have threads, where it can hang, and Python 3.12
warns of it. It imports nothing of the portal, so that it starts in milliseconds.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    """Become the program named by the arguments; returns only by an exception."""
    parent, death_signal, uid, gid = (int(argument) for argument in arguments[:4])
    program = arguments[4:]
    if uid >= 0:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    if sys.platform == "linux":
        # After the change of user, which clears it.
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
    if os.getppid() != parent:  # it died before the line above could notice
        sys.exit(1)
    for ignored in (signal.SIGPIPE, signal.SIGXFSZ):  # by this interpreter; the program would inherit it
        signal.signal(ignored, signal.SIG_DFL)
    os.execv(program[0], program)  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main(sys.argv[1:])
