"""Issue the monthly reports (月次レポート, §7.16) of a tenant, batch by batch.

A report and its mails are written in the same transaction. So a run that was killed leaves only complete reports, and the
next run issues the missing ones.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, exists, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from models import clock, scope
from models.contracts.contract import Contract, counting, renewing
from models.customers.customer import Customer
from models.mail import outbox
from models.reports.monthly import MonthlyReport, attachment_key
from models.reports.monthly_numbers import read_contents, utms_in
from models.reports.monthly_text import month_title, text_of
from models.row_lock import serialize
from models.tenants import settings as tenant_settings
from models.utms.utm import Utm

BATCH = 200
"""The number of reports in a transaction."""

MAX_MONTHS = 12
"""How many months back missed reports are issued: alerts are kept for 13 months."""

_ADDRESSES = tuple(f"{group}_email{number}" for group in ("customer", "desk", "report") for number in (1, 2, 3))


def first_issue(today: date) -> date:
    """Return the day on which the next reports are issued.

    :param today: the day in Asia/Tokyo.
    """
    return clock.next_month(today)


def missing_months(session: Session, *, today: date) -> list[date]:
    """Return the first days of the past months whose reports may not all be issued, oldest first.

    These are the month of the tenant's newest reports, whose run may have been interrupted, and those after it; without
    reports only last month.

    :param today: the day in Asia/Tokyo.
    """
    last = clock.months_before(today, 1)
    newest = session.scalar(select(func.max(MonthlyReport.month))) or last
    month = max(newest, clock.months_before(today, MAX_MONTHS))
    months = []
    while month <= last:
        months.append(month)
        month = clock.next_month(month)
    return months


def issue_batch(  # noqa: PLR0913  (two of them are for the demo and for tests)
    session: Session, month: date, *, now: datetime, online_for: timedelta, mailed: bool = True, limit: int = BATCH
) -> int:
    """Issue some of the missing reports of the session's tenant for a month. The caller commits.

    :param month: the first day of the month, which is over.
    :param online_for: how long a UTM counts as online after its last call.
    :param mailed: whether they are mailed too.
    :param limit: the maximum number of reports.
    :returns: the number of reports issued; 0 if none is missing.
    """
    tenant_id = scope.own_tenant_id(session)
    # Before reading which are missing, so that those of a concurrent run are committed and visible.
    serialize(session, "monthly_reports", tenant_id)
    missing = exists().where(MonthlyReport.customer_id == Customer.id, MonthlyReport.month == month)
    due = (
        select(Customer.id, Customer.name)
        .where(Customer.deleted_at.is_(None), ~missing, _in_force(month), _has_utm(month))
        .order_by(Customer.id)
        .limit(limit)
    )
    customers = {row.id: row.name for row in session.execute(due)}
    if not customers:
        return 0
    contents = read_contents(session, customers, month, now=now, online_for=online_for)
    with_pdf = tenant_settings.of_tenant(session).report_pdf
    texts = {customer_id: text_of(content) for customer_id, (content, _) in contents.items()}
    rows = [
        {
            "tenant_id": tenant_id,
            "customer_id": customer_id,
            "month": month,
            "text": texts[customer_id],
            "content": content.to_json(),
            "created_at": now,
        }
        for customer_id, (content, _) in contents.items()
    ]
    session.execute(insert(MonthlyReport.__table__).values(rows))
    if mailed:
        for customer_id, (content, utms) in contents.items():
            values = {"CompanyName": content.customer, "Month": month_title(content), "Report": texts[customer_id]}
            outbox.write(
                session,
                "monthly_report",
                recipients(utms),
                values,
                now=now,
                tenant_id=tenant_id,
                attachment=attachment_key(customer_id, month) if with_pdf else None,
            )
    return len(rows)


def recipients(utms: Iterable[Utm]) -> list[str]:
    """Return the addresses in all three groups of some UTMs, each once, regardless of upper and lower case."""
    found = (getattr(utm, name) for utm in utms for name in _ADDRESSES)
    by_key: dict[str, str] = {}
    for address in found:
        if address:
            by_key.setdefault(address.casefold(), address)
    return list(by_key.values())


def _in_force(month: date) -> ColumnElement[bool]:
    """Return the condition that a ``Customer`` has a contract that is in force on a day of a month."""
    last = clock.next_month(month) - timedelta(days=1)
    return exists().where(
        Contract.customer_id == Customer.id,
        counting(),
        Contract.start_on <= last,
        # A contract that was cancelled before its start ends before it, and was never in force.
        or_(renewing(), (Contract.end_on >= month) & (Contract.end_on >= Contract.start_on)),
    )


def _has_utm(month: date) -> ColumnElement[bool]:
    """Return the condition that a ``Customer`` had a UTM in a month."""
    return exists().where(Utm.customer_id == Customer.id, utms_in(month))
