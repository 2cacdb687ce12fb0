"""What was measured on and with."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from tests.bench.datasets import Dataset

_PACKAGES = ("Flask", "Flask-AppBuilder", "SQLAlchemy", "psycopg", "gunicorn")


def when() -> str:
    """Return a sentence about the time and the machine of a measurement."""
    return f"Measured on {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores of {_processor()}."


def about(datasets: Sequence[Dataset]) -> dict[str, str]:
    """The machine, the versions and the data, by what they are called."""
    found = {
        "begun": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "machine": f"{os.cpu_count()} cores of {_processor()}, {_memory():.0f} GiB of memory, load {os.getloadavg()[0]:.1f}",
        "system": f"{_kernel()}, Python {platform.python_version()}",
        "packages": ", ".join(f"{name} {version(name)}" for name in _PACKAGES),
    }
    for dataset in datasets:
        with dataset.owner() as owner:
            (server,) = owner.execute("SELECT split_part(version(), ' on ', 1)").fetchone()
            count, tenants, customers = owner.execute(
                "SELECT sum(count), count(DISTINCT tenant_id), count(DISTINCT customer_id) FROM alert_daily"
            ).fetchone()
            (utms,) = owner.execute("SELECT count(*) FROM utm").fetchone()
            (own,) = owner.execute(
                "SELECT count(*) FROM alert WHERE customer_id = %s", [dataset.customer_id]
            ).fetchone()
        found["database"] = f"{server}, default settings"
        found[f"data, {dataset.size}"] = (
            f"{count:,} alerts, {utms:,} UTMs, {customers:,} customers with alerts, {tenants} tenants;"
            f" {own:,} alerts of the customer whose lists are measured"
        )
    for program in ("psql", "zip"):
        if shutil.which(program):
            said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
            found[program] = next(line for line in said.splitlines() if re.search(r"\d\.\d", line)).strip()
    return found


def _kernel() -> str:
    """The system and its version. The rest of the release names the build of one machine, which says nothing to others."""
    numbers = re.match(r"\d+\.\d+", platform.release())
    return f"{platform.system()} {numbers[0]}" if numbers else platform.system()


def _processor() -> str:
    names = re.findall(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return names[0] if names else platform.machine()


def _memory() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
