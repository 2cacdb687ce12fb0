"""Where measuring happens: folders and servers kept from run to run, and the data in them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import psycopg
from sqlalchemy.engine import make_url

from app.demo import bench
from app.demo.bench import EMAIL, PARTS
from app.local.embedded import EmbeddedServer, services
from config import ROOT
from models import clock
from views.period import recent_days

FOLDER = ROOT / "instance" / "bench"
SIZES = tuple(bench.SIZES)


@dataclass(frozen=True)
class Dataset:
    """A portal with the data of a size.

    :ivar env: the environment of its processes.
    :ivar customer_id: the customer with 100 UTMs, the same in every size.
    :ivar utms: their keys; the first is the one with the many alerts.
    :ivar newest: the day in Tokyo of the newest alert: data is kept from run to run, and not made anew each day.
    :ivar servers: the PostgreSQL and the Redis that were started for it.
    """

    size: str
    env: dict[str, str]
    tenant_id: str
    customer_id: str
    utms: list[int]
    newest: date
    servers: Sequence[EmbeddedServer] = ()

    @property
    def recent(self) -> tuple[date, date]:
        """The first and the last of the 31 days lists begin with."""
        return recent_days(self.newest)

    def owner(self) -> psycopg.Connection:
        """A connection as the owner of the tables, past row-level security."""
        return psycopg.connect(self.owner_url, autocommit=True)

    @property
    def owner_url(self) -> str:
        """The owner's URL as libpq reads it."""
        return (
            make_url(self.env["DATABASE_OWNER_URL"]).set(drivername="postgresql").render_as_string(hide_password=False)
        )


@contextmanager
def dataset(size: str, folder: Path = FOLDER) -> Iterator[Dataset]:
    """Start the servers of a size, and make its data if it is not there.

    :param size: ``bench`` or ``large``.
    """
    instance = folder / size
    instance.mkdir(parents=True, exist_ok=True)
    # Nothing of the caller's: neither its database nor its settings.
    outside = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    with services(instance, {}) as started:
        env = {**outside, **started.env, "PORTAL_INSTANCE": str(instance), "PORTAL_DEMO": "1"}
        _portal(env, "upgrade")
        _portal(env, "demo", "--size", size)
        yield replace(look(size, env), servers=started.servers)


def _portal(env: dict[str, str], *words: str) -> None:
    subprocess.run([sys.executable, "-m", "flask", "--app", "app", "portal", *words], cwd=ROOT, env=env, check=True)


def look(size: str, env: dict[str, str]) -> Dataset:
    """A dataset whose servers run and whose data is there.

    :param env: how its processes find the servers.
    """
    with Dataset(size, env, "", "", [], date.min).owner() as connection:
        tenant_id, customer_id = connection.execute(
            "SELECT tenant_id, customer_id FROM utm WHERE utm_id = %s", [PARTS[0].utm_id(0)]
        ).fetchone()
        utms = connection.execute("SELECT id FROM utm WHERE customer_id = %s ORDER BY id", [customer_id])
        keys = [key for (key,) in utms]
        (newest,) = connection.execute(
            "SELECT max(occurred_at) FROM alert WHERE customer_id = %s", [customer_id]
        ).fetchone()
    found = Dataset(size, env, tenant_id, customer_id, keys, clock.tokyo_day(newest))
    start = clock.day_start(found.recent[0]).isoformat()
    env |= {"DEVICE_RATE_LIMIT": "100000 per minute", "BENCH_EMAIL": EMAIL, "BENCH_TENANT": tenant_id}
    env |= {"STOCK_CUSTOMER": customer_id, "STOCK_START": start}
    return found
