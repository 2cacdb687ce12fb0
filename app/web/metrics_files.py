"""The files in which the processes of gunicorn count for ``/metrics``, so that each of them can return the sum of all.

prometheus_client maps a file for each process into memory. The space is allocated when a process starts: a process that
writes to a mapped file for which the disk has no space is killed.
"""

from __future__ import annotations

import logging
import os
import shutil
import struct
from collections.abc import Iterator
from pathlib import Path

KINDS = ("counter", "histogram")
"""The kinds of metrics that are counted in files: one file of each for each process."""

SIZE = {"counter": 512 * 1024, "histogram": 2 * 1024 * 1024}
"""The bytes that are allocated. A file of more routes than usual grows beyond it."""

_HEADER = 8

log = logging.getLogger(__name__)


def folder(parent: Path) -> Path:
    """Return the folder of this web server. Several may run on one machine, or follow each other without a pause."""
    return parent / f"web-{os.getpid()}"


def prepare(own: Path) -> bool:
    """Create the folder of this web server, empty, and remove those of servers that no longer run.

    :returns: whether it can be used.
    """
    try:
        own.parent.mkdir(parents=True, exist_ok=True)
        for each in own.parent.glob("web-*"):
            if each == own or not _runs(each):
                shutil.rmtree(each, ignore_errors=True)
        own.mkdir()
    except OSError as problem:
        log.warning("each process counts for itself", extra={"error": problem.strerror})
        return False
    return True


def allocate(own: Path, pid: int) -> bool:
    """Create the files of a process that starts.

    :returns: False if there is no space for them.
    """
    try:
        for kind, path in _files(own, pid):
            with path.open("ab") as file:
                # The number of a process that has ended is given to another one some day, which goes on counting.
                os.posix_fallocate(file.fileno(), 0, SIZE[kind])
    except OSError as problem:
        finish(own, pid)
        log.warning("this process counts for itself", extra={"error": problem.strerror})
        return False
    return True


def finish(own: Path, pid: int) -> None:
    """Release the unused space of a process that has ended. What it counted stays, because sums must not decrease."""
    for _, path in _files(own, pid):
        try:
            with path.open("r+b") as file:
                used = struct.unpack("i", file.read(4).ljust(4, b"\0"))[0]
                file.truncate(used)
            if used <= _HEADER:
                path.unlink()
        except OSError:
            # The process did not count, or somebody tidied up.
            continue


def remove(own: Path) -> None:
    """Remove the folder of a web server that ends."""
    shutil.rmtree(own, ignore_errors=True)


def _files(own: Path, pid: int) -> Iterator[tuple[str, Path]]:
    for kind in KINDS:
        yield kind, own / f"{kind}_{pid}.db"


def _runs(each: Path) -> bool:
    """Return whether the web server of a folder still runs."""
    number = each.name.removeprefix("web-")
    if not number.isdigit():
        return True
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
