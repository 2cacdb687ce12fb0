"""The High alerts that are still to be mailed (§7.17). Storing an alert adds its row, writing its mail deletes it.

It is here and not with the alerts, so that removing a UTM can drop the mails about it. Its rows are where the alerts are
stored. If that is another database, the rows of a mail are marked as its batch first, and the mail is written with a note
of the batch (``AlertMailBatch``); the next run deletes the rows of a batch that has been mailed.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, ForeignKey, ForeignKeyConstraint, String, delete
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.db import ALERT_AREA, Base, alert_engine
from models.mail.outbox import MailMessage, MailState
from models.scope import TenantScoped


class AlertMailDue(TenantScoped, Base):
    """The key of one alert. There are no foreign keys, as in the table of the alerts."""

    __tablename__ = "alert_mail_due"
    __table_args__ = {"info": ALERT_AREA}

    tenant_id: Mapped[str] = mapped_column(String(8), primary_key=True)
    utm_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    occurred_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), primary_key=True)
    alert_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    # Only if the alerts have a database of their own.
    batch: Mapped[UUID | None]


class AlertMailBatch(TenantScoped, Base):
    """The last batch of a UTM that was mailed. Its rows may still be in the database of the alerts."""

    __tablename__ = "alert_mail_batch"
    __table_args__ = (ForeignKeyConstraint(["tenant_id", "utm_id"], ["utm.tenant_id", "utm.id"]),)

    tenant_id: Mapped[str] = mapped_column(String(8), ForeignKey("tenant.id"), primary_key=True)
    utm_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    batch: Mapped[UUID]


def drop(session: Session, utm_ids: Collection[int]) -> None:
    """Drop the alert mails of UTMs that were not sent yet, whether they were already written or not.

    If the alerts have a database of their own, what is not written yet is left to the next run, which does not mail it.

    :param utm_ids: the primary keys of the UTMs; their rows must be locked, so that no mail is being written.
    """
    mail = MailMessage.__table__
    due = AlertMailDue.__table__
    if alert_engine(session) is None:
        session.execute(delete(due).where(due.c.utm_id.in_(utm_ids)))
    session.execute(delete(mail).where(mail.c.utm_id.in_(utm_ids), mail.c.state == MailState.PENDING))
