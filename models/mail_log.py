"""The log of all mail, for NEC's staff: looked for across tenants, newest first.

Pages turn by keyset on the row's number: no OFFSET, and no count past a cap.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import ColumnElement, func, literal, select
from sqlalchemy.orm import Session

from models import mail
from models.actor import Actor
from models.alert_search import Page
from models.mail import MailMessage, MailState
from models.tenant import Tenant

PAGE_SIZE = 50
COUNT_CAP = 1_000

MOST_AT_ONCE = 500
"""How many failed messages are sent again in one transaction; more are left for the next time."""

_SHOWN = (
    MailMessage.id,
    MailMessage.created_at,
    MailMessage.kind,
    MailMessage.tenant_id,
    Tenant.name.label("tenant_name"),
    MailMessage.recipient,
    MailMessage.subject,
    MailMessage.state,
    MailMessage.attempts,
    MailMessage.next_attempt_at,
    MailMessage.sent_at,
    MailMessage.last_error,
)


@dataclass(frozen=True, slots=True)
class MailQuery:
    """What is looked for. All conditions must hold; None is no condition.

    :param recipient: a part of the address, whichever case it is written in.
    :param kind: a key of ``models.mail_kind.KINDS``.
    :param tenant_id: the tenant it is about.
    """

    recipient: str | None = None
    kind: str | None = None
    state: MailState | None = None
    tenant_id: str | None = None


def page(
    session: Session,
    query: MailQuery,
    *,
    position: int | None = None,
    backwards: bool = False,
    size: int = PAGE_SIZE,
) -> Page:
    """One page of messages with the names of their tenants.

    :param session: one that crosses tenants.
    :param position: the number of the row the page starts after, None for the first page.
    :param backwards: the page that ends before ``position`` instead.
    """
    # A plan that is to fit any part of an address reads the whole table.
    session.connection().exec_driver_sql("SET LOCAL plan_cache_mode = force_custom_plan")
    statement = (
        select(*_SHOWN)
        .outerjoin(Tenant, Tenant.id == MailMessage.tenant_id)
        .where(*_conditions(query))
        .order_by(MailMessage.id if backwards else MailMessage.id.desc())
        .limit(size + 1)
    )
    if position is not None:
        statement = statement.where(MailMessage.id > position if backwards else MailMessage.id < position)
    rows = list(session.execute(statement))
    more = len(rows) > size
    rows = rows[:size]
    if backwards:
        rows.reverse()
    return Page(
        rows,
        has_previous=more if backwards else position is not None,
        has_next=True if backwards else more,
    )


def capped_count(session: Session, query: MailQuery) -> int:
    """How many messages there are, counted to one past the cap at most."""
    inner = select(MailMessage.id).where(*_conditions(query)).limit(COUNT_CAP + 1)
    return session.scalar(select(func.count()).select_from(inner.subquery())) or 0


def send_failed_again(session: Session, query: MailQuery, *, now: datetime, by: Actor) -> int:
    """Send the failed messages of a query again, oldest first and ``MOST_AT_ONCE`` at most.

    What somebody else is just sending again is waited for, and then failed no more.

    :param session: one that crosses tenants.
    :returns: how many they are.
    """
    failed = session.scalars(
        select(MailMessage)
        .where(*_conditions(replace(query, state=MailState.FAILED)))
        .order_by(MailMessage.id)
        .limit(MOST_AT_ONCE)
        .with_for_update()
    ).all()
    for message in failed:
        mail.try_again(session, message, now=now, by=by)
    return len(failed)


def _conditions(query: MailQuery) -> list[ColumnElement[bool]]:
    same = ((MailMessage.kind, query.kind), (MailMessage.tenant_id, query.tenant_id))
    found = [column == value for column, value in same if value is not None]
    if query.state is not None:
        # Written out, so that the planner sees which of the indexes over one state fits.
        found.append(MailMessage.state == literal(query.state.value, literal_execute=True))
    if query.recipient:
        found.append(MailMessage.recipient.icontains(query.recipient, autoescape=True))
    return found
