"""A tenant with a million alerts, or ten: ``flask portal demo --size bench`` and ``--size large``.

Set-based: a few thousand alerts are made as the small demo makes them, and the database spreads copies of them over
UTMs and time. Nothing is left to chance: the same day gives the same rows. Customers and UTMs are written past the
rules, and so past the audit log; nobody made them.
"""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import click
from flask import current_app
from sqlalchemy import create_engine, select, text
from sqlalchemy.orm import Session

from app.demo import alerts, bench_customers
from app.demo.bench_customers import Part
from app.demo.making import alone, check_allowed
from app.demo.people import PASSWORD
from app.security import PARTNER_OPERATOR
from models import clock
from models.accounts import user_rules
from models.accounts.membership import Membership
from models.accounts.user import find_by_email
from models.actor import COMMAND_LINE
from models.alerts import ingest as alert_ingest
from models.alerts import line as alert_line
from models.db import allow_long_statements, psycopg_connection
from models.errors import DomainError
from models.scope import all_tenants
from models.tenants.tenant import Tenant, create_tenant

TENANT = "性能測定テナント"
EMAIL = "bench@example.jp"

PARTS = (
    Part(number=1, customers=400, alerts=1_000_000, share=0.5),
    Part(number=2, customers=1_600, alerts=9_000_000, share=1 / 3),
)
SIZES = {"bench": PARTS[:1], "large": PARTS}
"""What a size consists of. The larger one has all of the smaller one, so that what grows is what lies around it."""

_MONTHS = 12
_LONGEST = 24 * 3600
"""Whole months before the running one: 13 partitions."""
_SAMPLES = 4_000
_SEED = 20_200_402

_PLAIN = [name for name in alert_line.COLUMNS if name not in {"alert_id", "occurred_at", "src_port"}]
_FILL = text(f"""
INSERT INTO alert (tenant_id, customer_id, utm_id, alert_id, occurred_at, src_port, {", ".join(_PLAIN)})
SELECT :tenant_id, slot.customer_id, slot.utm_id, extract(epoch FROM row.at)::bigint || '-' || row.number, row.at,
       49152 + row.chance % 16384, {", ".join(f"sample.{name}" for name in _PLAIN)}
FROM (
    SELECT number,
           date_trunc('milliseconds', CAST(:start AS timestamptz) + (number - 1) * CAST(:step AS interval)) AS at,
           hashint8extended(number, :seed) & 9223372036854775807 AS place,
           hashint8extended(number, :seed + 1) & 9223372036854775807 AS chance
    FROM generate_series(CAST(:first AS bigint), CAST(:last AS bigint)) AS number
) AS row
JOIN bench_slot AS slot ON slot.number = row.place % :slots
JOIN bench_sample AS sample ON sample.number = row.chance % :samples
""")  # noqa: S608  (the names are constants)
_COUNT = text("""
INSERT INTO alert_daily (tenant_id, customer_id, utm_id, day, function, level, count)
SELECT tenant_id, customer_id, utm_id, (occurred_at AT TIME ZONE 'Asia/Tokyo')::date, function, level, count(*)
FROM alert WHERE utm_id IN (SELECT utm_id FROM bench_slot)
GROUP BY tenant_id, customer_id, utm_id, 4, function, level
""")


@dataclass(frozen=True, slots=True)
class _Stretch:
    """The rows of one month: their numbers and the time of the first."""

    first: int
    last: int
    start: datetime


def demo(size: str) -> str:
    """Make the tenant to measure with, or what is missing of it.

    :param size: a key of ``SIZES``.
    :returns: what was done, for the person who asked.
    :raises click.ClickException: this is no installation for demo data, or the account is somebody else's.
    """
    check_allowed()
    began = time.monotonic()
    with alone():
        with all_tenants("the tenant to measure with is made in one transaction") as session:
            made = make(session, clock.utc_now(), SIZES[size])
            session.commit()
        if not made:
            return f"The data of size {size} is there already: tenant {TENANT}, account {EMAIL}."
        _tidy()
    return (
        f"Made {made:,} alerts of the tenant {TENANT} in {time.monotonic() - began:.0f} s.\n"
        f"{EMAIL} signs in there, with the password of the demo accounts."
    )


def make(session: Session, now: datetime, parts: Sequence[Part]) -> int:
    """Make those parts of the tenant's data that are not there.

    :param session: crosses tenants; the caller commits.
    :returns: how many alerts were made.
    :raises click.ClickException: the account is somebody else's.
    """
    try:
        tenant = _tenant(session)
    except (DomainError, LookupError) as error:
        raise click.ClickException(str(error)) from None
    # A month of the large size takes longer than a request may.
    allow_long_statements(session, seconds=_LONGEST)
    missing = [part for part in parts if not bench_customers.exist(session, part)]
    for part in missing:
        click.echo(f"Making {part.customers:,} customers with {part.alerts:,} alerts.")
        slots = bench_customers.make(session, tenant, part, now)
        _temporary_tables(session, slots, _samples(now))
        for stretch in _stretches(part, clock.tokyo_day(now)):
            alert_ingest.ensure_partitions(session, [clock.tokyo_day(stretch.start)])
            session.execute(
                _FILL,
                {
                    "tenant_id": tenant.id,
                    "first": stretch.first,
                    "last": stretch.last,
                    "start": _start(clock.tokyo_day(now)),
                    "step": _step(part, clock.tokyo_day(now)),
                    "seed": part.number * 10,
                    "slots": len(slots),
                    "samples": _SAMPLES,
                },
            )
        session.execute(_COUNT)
        for name in ("bench_slot", "bench_sample"):
            session.execute(text(f"DROP TABLE {name}"))
    return sum(part.alerts for part in missing)


def _tenant(session: Session) -> Tenant:
    user = find_by_email(session, EMAIL)
    if user is not None:
        tenant = session.scalar(select(Tenant).join(Membership).where(Membership.user_id == user.id).limit(1))
        if tenant is None or tenant.name != TENANT:
            raise DomainError(f"The data cannot be made: {EMAIL} is a user who is not of the demo.")
        return tenant
    tenant = create_tenant(session, TENANT, by=COMMAND_LINE)
    user = user_rules.create_user(
        session, EMAIL, last_name="測定", first_name="花子", password=PASSWORD, by=COMMAND_LINE
    )
    user_rules.join_tenant(session, user, tenant, PARTNER_OPERATOR, by=COMMAND_LINE)
    return tenant


def _samples(now: datetime) -> list[tuple]:
    pick = random.Random(_SEED)  # noqa: S311  (a play, nothing secret)
    return [
        alert_line.parse(line, oldest=now - timedelta(days=100), newest=now)
        for line in alerts.lines(pick, _SAMPLES, now=now, until=now)
    ]


def _temporary_tables(session: Session, slots: list[tuple[int, str]], samples: list[tuple]) -> None:
    columns = ", ".join(alert_line.COLUMNS)
    for statement in (
        "CREATE TEMPORARY TABLE bench_slot (number integer, utm_id bigint, customer_id text) ON COMMIT DROP",
        f"CREATE TEMPORARY TABLE bench_sample ON COMMIT DROP AS SELECT 0 AS number, {columns} FROM alert WITH NO DATA",  # noqa: S608  (constants)
    ):
        session.connection().exec_driver_sql(statement)
    with psycopg_connection(session).cursor() as cursor:
        for table, rows in (("bench_slot", slots), ("bench_sample", samples)):
            with cursor.copy(f"COPY {table} FROM STDIN") as copy:
                for number, row in enumerate(rows):
                    copy.write_row((number, *row))
    session.execute(text("ANALYZE bench_slot"))
    session.execute(text("ANALYZE bench_sample"))


def _start(today: date) -> datetime:
    return clock.day_start(clock.months_before(today, _MONTHS))


def _step(part: Part, today: date) -> timedelta:
    """The time between two alerts, the last of which is raised before today begins."""
    return (clock.day_start(today) - _start(today)) / part.alerts


def _stretches(part: Part, today: date) -> list[_Stretch]:
    """A part's rows by month: a month is one statement, and no statement meets a partition that is not there."""
    start, step = _start(today), _step(part, today)
    found, first, month = [], 1, clock.months_before(today, _MONTHS)
    while first <= part.alerts:
        following = clock.next_month(month)
        last = min(part.alerts, int((clock.day_start(following) - start) / step))
        if last >= first:
            found.append(_Stretch(first, last, clock.day_start(month)))
        first, month = last + 1, following
    return found


def _tidy() -> None:
    """What autovacuum would do in its time: whoever measures does not want to wait for it."""
    url = current_app.config["DATABASE_OWNER_URL"]
    if not url:
        click.echo("Now run VACUUM ANALYZE as the owner of the database, or give autovacuum a while.")
        return
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("VACUUM (ANALYZE) alert, alert_daily, customer, utm"))
    engine.dispose()
