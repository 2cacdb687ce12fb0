"""The monthly reports of the benchmark tenants.

The last months are issued as in operation. Reading the alerts of twelve months would take longer than everything else
here, so the older reports are derived from the oldest one of those: they count the alerts of their month by level, and
name the same threats in proportion.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

from flask import current_app
from psycopg.types.json import Jsonb
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.demo.bench_rows import Row, copy_rows
from models import clock
from models.alerts.alert import AlertDaily, AlertLevel, SecurityFunction
from models.reports import issuing
from models.reports.monthly import MonthlyReport
from models.reports.monthly_numbers import Content, Numbers
from models.reports.monthly_text import text_of
from models.reports.span import Span
from models.utms.utm import Utm

ISSUED = 2
"""The number of months, up to and including last month, whose reports are issued as in operation."""

_ISSUED_AT = timedelta(hours=4)

Levels = dict[tuple[str, date], dict[str, int]]
"""The alerts by level of a customer or a UTM, by its ID and the first day of the month."""


def make(session: Session, tenant_id: str, today: date, *, months: int) -> None:
    """Issue the reports of a tenant for the last months, and write those of the months before.

    :param session: a session of the tenant.
    :param months: the number of months with reports.
    """
    for number in range(min(ISSUED, months), 0, -1):
        month = clock.months_before(today, number)
        now = clock.day_start(clock.next_month(month)) + _ISSUED_AT
        online_for = current_app.config["UTM_ONLINE_FOR"]
        while issuing.issue_batch(session, month, now=now, online_for=online_for, mailed=False):
            pass
    oldest = clock.months_before(today, ISSUED)
    known = session.scalars(select(MonthlyReport.content).where(MonthlyReport.month == oldest)).all()
    levels = _levels(session, oldest)
    older = [clock.months_before(today, number) for number in range(ISSUED + 1, months + 1)]
    copy_rows(session, MonthlyReport, list(_rows(tenant_id, [Content.of_json(each) for each in known], levels, older)))


def _levels(session: Session, before: date) -> Levels:
    """Read the alerts of the months before one."""
    found: Levels = defaultdict(lambda: {str(level): 0 for level in AlertLevel})
    month = func.date_trunc("month", AlertDaily.day)
    counted = session.execute(
        select(AlertDaily.customer_id, Utm.utm_id, month.label("month"), AlertDaily.level, func.sum(AlertDaily.count))
        .join(Utm, Utm.id == AlertDaily.utm_id)
        .where(AlertDaily.day < before)
        .group_by(AlertDaily.customer_id, Utm.utm_id, month, AlertDaily.level)
    )
    for customer_id, utm_id, start, level, count in counted:
        for key in (customer_id, utm_id):
            found[key, start.date()][level] += int(count)
    return found


def _rows(tenant_id: str, known: list[Content], levels: Levels, months: list[date]) -> Iterator[Row]:
    for content in known:
        for month in months:
            created_at = clock.day_start(clock.next_month(month)) + _ISSUED_AT
            span = Span.of_month(month, latest=date.max)
            older = replace(
                content,
                month=f"{month:%Y-%m}",
                first=span.first.isoformat(),
                last=span.last.isoformat(),
                created=clock.screen_time(created_at),
                received="",
                total=_numbers(content.total, levels, content.customer_id, month),
                days={str(function): span.series() for function in SecurityFunction},
                utms=[
                    replace(
                        utm,
                        last_seen=clock.screen_time(created_at),
                        numbers=_numbers(utm.numbers, levels, utm.utm_id, month),
                    )
                    for utm in content.utms
                ],
            )
            yield {
                "tenant_id": tenant_id,
                "customer_id": content.customer_id,
                "month": month,
                "text": text_of(older),
                "content": Jsonb(older.to_json()),
                "created_at": created_at,
            }


def _numbers(known: Numbers, levels: Levels, key: str, month: date) -> Numbers:
    """Return the numbers of a month: its alerts by level, without statistics, and the known threats in proportion."""
    counted = levels[key, month]
    total, known_total = sum(counted.values()), max(1, sum(known.levels.values()))
    threats = [
        (function, name, number, min(number, important * total // known_total))
        for function, name, count, important in known.threats
        if (number := count * total // known_total)
    ]
    return Numbers(levels=counted, levels_before=levels[key, clock.months_before(month, 1)], threats=threats)
