"""Run a program as a child that dies with its parent, optionally as another user.

    python -I -S child.py PARENT_PID DEATH_SIGNAL UID GID PROGRAM [ARGUMENT ...]

A UID and GID of -1 keep the current user. This is a separate script, executed between the fork and the program, instead
of ``preexec_fn``, which runs Python code in the fork of a possibly multithreaded process, can deadlock, and causes a
warning in Python 3.12. It imports nothing from the portal, so that it starts in milliseconds.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    """Replace this process by the program in the arguments. It does not return."""
    parent, death_signal, uid, gid = (int(argument) for argument in arguments[:4])
    program = arguments[4:]
    if uid >= 0:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    if sys.platform == "linux":
        # After changing the user, because that clears the setting.
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
    if os.getppid() != parent:  # the parent died before the line above took effect
        sys.exit(1)
    for ignored in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores them, and the program would inherit that
        signal.signal(ignored, signal.SIG_DFL)
    os.execv(program[0], program)  # nosec B606  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main(sys.argv[1:])
