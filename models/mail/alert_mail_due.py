"""The High alerts that are still to be mailed (§7.17). Storing an alert adds its row, writing its mail deletes it.

It is here and not with the alerts, so that removing a UTM can drop the mails about it.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import BigInteger, DateTime, String, delete
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.db import Base
from models.mail.outbox import MailMessage, MailState
from models.scope import TenantScoped


class AlertMailDue(TenantScoped, Base):
    """The key of one alert. There are no foreign keys, as in the table of the alerts."""

    __tablename__ = "alert_mail_due"

    tenant_id: Mapped[str] = mapped_column(String(8), primary_key=True)
    utm_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    occurred_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), primary_key=True)
    alert_id: Mapped[str] = mapped_column(String(64), primary_key=True)


def drop(session: Session, utm_ids: Collection[int]) -> None:
    """Drop the alert mails of UTMs that were not sent yet, whether they were already written or not.

    :param utm_ids: the primary keys of the UTMs; their rows must be locked, so that no mail is being written.
    """
    mail = MailMessage.__table__
    due = AlertMailDue.__table__
    session.execute(delete(due).where(due.c.utm_id.in_(utm_ids)))
    session.execute(delete(mail).where(mail.c.utm_id.in_(utm_ids), mail.c.state == MailState.PENDING))
