"""The monthly reports (月次レポート, §7.16): one per customer and month, stored once and never changed.

``models.reports.issuing`` writes them, from the numbers of ``monthly_numbers`` and with the text of ``monthly_text``.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, Date, DateTime, ForeignKeyConstraint, Index, String, Text, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.customers.customer import Customer
from models.db import Base
from models.scope import TenantScoped

ATTACHMENT = "monthly_report"
"""The kind of attachment in the outbox; its key is the customer ID and the month."""


class MonthlyReport(TenantScoped, Base):
    """The report of a customer for a month.

    ``month`` is the first day of the month. ``content`` has the numbers of ``monthly_numbers.Content`` for the PDF.
    """

    __tablename__ = "monthly_report"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "customer_id"], ["customer.tenant_id", "customer.id"]),
        CheckConstraint("date_trunc('month', month) = month", name="ck_monthly_report_first_day"),
        Index("ix_monthly_report_tenant_id_month", "tenant_id", "month"),
    )

    tenant_id: Mapped[str] = mapped_column(String(8))
    customer_id: Mapped[str] = mapped_column(String(9), primary_key=True)
    month: Mapped[date] = mapped_column(Date, primary_key=True)
    text: Mapped[str] = mapped_column(Text)
    content: Mapped[dict[str, Any]] = mapped_column(JSONB, deferred=True)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


def months_of(session: Session, customer_id: str) -> Sequence[date]:
    """Return the months for which a customer has a report, newest first."""
    months = select(MonthlyReport.month).where(MonthlyReport.customer_id == customer_id)
    return session.scalars(months.order_by(MonthlyReport.month.desc())).all()


def report_of(session: Session, customer_id: str, month: date) -> MonthlyReport | None:
    """Return the report of a customer for a month, None if there is none.

    :param month: the first day of the month.
    """
    return session.scalar(
        select(MonthlyReport)
        .join(Customer, Customer.id == MonthlyReport.customer_id)
        .where(MonthlyReport.customer_id == customer_id, MonthlyReport.month == month, Customer.deleted_at.is_(None))
    )


def file_name(report: MonthlyReport, extension: str) -> str:
    """Return the name of the report's file."""
    return f"monthly_report_{report.customer_id}_{report.month:%Y-%m}.{extension}"


def attachment_key(customer_id: str, month: date) -> str:
    """Return how the outbox refers to the PDF of a report."""
    return f"{ATTACHMENT}/{customer_id}/{month:%Y-%m}"
