"""A download of 100,000 alerts against psql's COPY piped into zip, and what it costs the web process in memory."""

from __future__ import annotations

import csv
import io
import re
import shutil
import subprocess
import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from urllib.parse import urlencode

from models import clock
from models.alerts.export import COLUMNS, NEWEST
from tests.bench.datasets import Dataset
from tests.bench.finding import Finding, Missing, times
from tests.bench.timing import alternate, middle
from tests.bench.web import Web, gunicorn

TITLE = "A download of 100,000 alerts"
ABOUT = (
    "33 columns of one UTM over 13 months, as CSV in ZIP, through gunicorn, against"
    ' `psql -c "COPY (...) TO STDOUT CSV" | zip` of the same rows, which neither neutralises formulas nor checks permissions. Both'
    " throw away what they get. Memory is what the larger of the two web workers grows by at its peak, from before its"
    " first download on."
)
RUNS = 7
SLOWEST = 1.0
MAX_MIB = 50
_SLOW_RATE = 1_000_000  # bytes a second
_PIECE = 65_536

# The columns under the names of the table, where those are others.
_IN_TABLE = {
    "time": "occurred_at",
    "device_name": "u.name",
    "type": "function",
    "act": "action",
    "alert_severity": "level",
    "L7_proto": "l7_proto",
    "date": "mail_date",
}


def measure(dataset: Dataset, *, runs: int = RUNS, slow_rate: int = _SLOW_RATE) -> list[Finding]:
    """Download in turn with psql, then by a slow and a fast client at once.

    :param slow_rate: how many bytes a second the slow client takes.
    :raises Missing: psql or zip is not installed.
    """
    _check_programs()
    with gunicorn(dataset, "portal") as web:
        download = Download(dataset, web)
        rows = check_rows(download.whole(), _by_psql(dataset, subprocess.PIPE))
        ours, theirs = (
            middle(each)
            for each in alternate(
                runs,
                partial(_seconds, download.fast),
                partial(_seconds, partial(_by_psql, dataset, subprocess.DEVNULL)),
            )
        )
    return [
        Finding(
            f"{rows:,} alerts",
            {"portal": f"{ours:.2f} s", "compared with": f"{theirs:.2f} s", "ratio": times(ours / theirs)},
            f"at most {SLOWEST:.1f}x of psql and zip",
            ours / theirs <= SLOWEST,
        ),
        *_memory(dataset, slow_rate),
    ]


class Download:
    """One customer's download, as a browser asks for it."""

    def __init__(self, dataset: Dataset, web: Web) -> None:
        self._web = web
        self._path = f"/customers/{dataset.customer_id}/alerts/download"
        period = {"unit": "day", "first": str(clock.months_before(dataset.newest, 12)), "last": str(dataset.newest)}
        connection = web.connect()
        connection.request("GET", f"/customers/{dataset.customer_id}/alerts/", headers={"Cookie": web.cookie})
        answer = connection.getresponse()
        token = re.search(r'name="csrf_token" value="([^"]+)"', answer.read().decode())[1]
        self._form = urlencode(period | {"utm": dataset.utms[0], "csrf_token": token})
        connection.close()

    def pieces(self) -> Iterator[bytes]:
        """The file as it is sent."""
        connection = self._web.connect()
        headers = {"Cookie": self._web.cookie, "Content-Type": "application/x-www-form-urlencoded"}
        connection.request("POST", self._path, self._form, headers)
        answer = connection.getresponse()
        if answer.status != 200:
            raise RuntimeError(f"{self._path} answered {answer.status}.")
        while piece := answer.read(_PIECE):
            yield piece
        connection.close()

    def whole(self) -> bytes:
        """The file."""
        return b"".join(self.pieces())

    def fast(self) -> None:
        """Receive it as fast as it is sent, and discard it."""
        for _ in self.pieces():
            pass

    def slow(self, rate: int) -> None:
        """Take it at some bytes a second, and forget it."""
        for piece in self.pieces():
            time.sleep(len(piece) / rate)


def _memory(dataset: Dataset, slow_rate: int) -> list[Finding]:
    found = []
    for name in ("a fast client", "a slow and a fast client at once"):
        with gunicorn(dataset, "portal") as web:
            download = Download(dataset, web)
            _warm(web, dataset)
            before = {pid: _memory_of(pid, "VmRSS") for pid in web.workers()}
            for pid in before:
                Path(f"/proc/{pid}/clear_refs").write_text("5")  # the peak is counted from here on
            with ThreadPoolExecutor(2) as threads:
                started = [threads.submit(download.slow, slow_rate)] if "slow" in name else []
                started.append(threads.submit(download.fast))
                for each in started:
                    each.result()
            grown = max(_memory_of(pid, "VmHWM") - kept for pid, kept in before.items())
        found.append(
            Finding(f"memory, {name}", {"portal": f"{grown:.1f} MiB"}, f"under {MAX_MIB} MiB", grown < MAX_MIB)
        )
    return found


def _warm(web: Web, dataset: Dataset) -> None:
    """Let both workers serve pages first: what those cost in memory is not the download's."""
    for _ in range(12):
        connection = web.connect()
        connection.request("GET", f"/customers/{dataset.customer_id}/alerts/", headers={"Cookie": web.cookie})
        connection.getresponse().read()
        connection.close()


def _memory_of(pid: int, name: str) -> float:
    """A figure of a process in MiB, as the kernel counts."""
    return int(re.search(rf"^{name}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)[1]) / 1024


def _seconds(way: Callable[[], object]) -> float:
    began = time.perf_counter()
    way()
    return time.perf_counter() - began


def _check_programs() -> None:
    for program, package in (("psql", "postgresql-client"), ("zip", "zip")):
        if shutil.which(program) is None:
            raise Missing(f"{program} is not installed (Debian: apt-get install {package}).")


def _by_psql(dataset: Dataset, output: int) -> bytes | None:
    """The same rows by psql and zip.

    :param output: where they go: ``subprocess.PIPE`` or ``subprocess.DEVNULL``.
    """
    columns = ", ".join(_IN_TABLE.get(name, name.replace("-", "_")) for name in COLUMNS)
    start = clock.day_start(clock.months_before(dataset.newest, 12))
    query = (
        f"COPY (SELECT {columns} FROM alert JOIN utm u ON u.id = alert.utm_id"
        f" WHERE alert.customer_id = '{dataset.customer_id}' AND alert.utm_id = {dataset.utms[0]}"
        f" AND occurred_at >= '{start.isoformat()}'"
        f" ORDER BY occurred_at DESC, seq DESC LIMIT {NEWEST}) TO STDOUT CSV HEADER"
    )
    with subprocess.Popen(
        ["psql", "--no-psqlrc", "--quiet", "--command", query, dataset.owner_url], stdout=subprocess.PIPE
    ) as psql:
        packed = subprocess.run(["zip", "-q", "-", "-"], stdin=psql.stdout, stdout=output, check=True)
    if psql.returncode:
        raise RuntimeError("psql failed; what it wrote is above.")
    return packed.stdout


def check_rows(ours: bytes, theirs: bytes) -> int:
    """Refuse to compare files with other rows.

    :returns: how many rows they have.
    """
    mine, other = (_ids(packed) for packed in (ours, theirs))
    if mine != other:
        raise RuntimeError(f"The download has {len(mine)} rows and psql's file {len(other)}, or others.")
    return len(mine)


def _ids(packed: bytes) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        text = archive.read(archive.namelist()[0]).decode("utf-8-sig")
    return [row[0] for row in csv.reader(io.StringIO(text, newline=""))][1:]
