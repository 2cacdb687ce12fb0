"""Looks at real processes, for the tests of what the portal starts on a machine."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path


def processes_of(instance: Path) -> dict[int, str]:
    """Return the processes started for an instance folder: their ids and command lines.

    Servers are known by the working folder, which is under it, the rest by PORTAL_INSTANCE in the environment. (What
    sets its own title, as PostgreSQL and Redis do, writes over its environment.)
    """
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and entry.name != str(os.getpid()):
            try:
                environment = (entry / "environ").read_bytes().split(b"\0")
                inside = instance in (entry / "cwd").readlink().parents
                if inside or f"PORTAL_INSTANCE={instance}".encode() in environment:
                    found[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:  # it has ended, or is not ours
                continue
    return found


def eventually(condition: Callable[[], bool], *, seconds: float = 15.0) -> bool:
    """Wait until the condition holds; tell whether it did."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def is_connected(pid: int, port: int) -> bool:
    """Return whether a process has a connection over IPv4 to a port of this machine."""
    sockets = set()
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, _, remote, state, *_, inode = line.split()[:10]
        if state == "01" and int(remote.partition(":")[2], 16) == port:
            sockets.add(f"socket:[{inode}]")
    found = set()
    for entry in Path("/proc", str(pid), "fd").iterdir():
        try:
            found.add(str(entry.readlink()))
        except OSError:  # it was closed meanwhile
            continue
    return not sockets.isdisjoint(found)
