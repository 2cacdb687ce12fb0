"""The log of all mail for NEC staff: searchable across tenants, newest first.

Pages use keyset pagination on the row's ID: no OFFSET, and no count beyond a cap.

Under row-level security the planner may not use its column statistics for LIKE, and assumes that any part of an e-mail
address matches few rows. It would read the whole table even where all rows match. Therefore a search by part of an
address first scans the rows next to the start of the page one by one, and uses the index only if these have too few
matches.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, literal, select
from sqlalchemy.orm import Session

from models.actor import Actor
from models.mail import outbox
from models.mail.outbox import MailMessage, MailState
from models.tenants.tenant import Tenant
from models.values.page import Page

PAGE_SIZE = 50
COUNT_CAP = 1_000

MAX_AT_ONCE = 500
"""How many failed messages are sent again in one transaction. The rest needs another call."""

SHORTEST_PART = 3
"""The minimum length of a part of an e-mail address: the index is built on trigrams."""

NEAR = 20_000
"""How many rows next to the start of a page are scanned for a part of an e-mail address."""

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
    MailMessage.returned_at,
    MailMessage.return_status,
)


@dataclass(frozen=True, slots=True)
class MailQuery:
    """A search in the log. All conditions must hold; None means no condition.

    :param recipient: a part of the e-mail address, at least ``SHORTEST_PART`` characters, in any case.
    :param kind: a key of ``models.mail.kinds.KINDS``.
    :param tenant_id: the tenant that the mail concerns.
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
    """Return one page of messages with the names of their tenants.

    :param session: a cross-tenant session.
    :param position: the ID of the row after which the page starts, None for the first page.
    :param backwards: return the page that ends before ``position`` instead.
    """
    # A generic plan for all kinds of mail is a bad one for the rare kinds.
    session.connection().exec_driver_sql("SET LOCAL plan_cache_mode = force_custom_plan")
    statement = (
        select(*_SHOWN)
        .outerjoin(Tenant, Tenant.id == MailMessage.tenant_id)
        .order_by(MailMessage.id if backwards else MailMessage.id.desc())
        .limit(size + 1)
    )
    if position is not None:
        statement = statement.where(MailMessage.id > position if backwards else MailMessage.id < position)
    near = _near(position, backwards=backwards)
    rows: Sequence[Any] = []
    if query.recipient:
        rows = session.execute(statement.where(near, *_conditions(query, by_index=False))).all()
    if len(rows) <= size:
        rows = session.execute(statement.where(*_conditions(query))).all()
    more = len(rows) > size
    rows = rows[size - 1 :: -1] if backwards else rows[:size]
    return Page(
        rows,
        has_previous=more if backwards else position is not None,
        has_next=True if backwards else more,
    )


def capped_count(session: Session, query: MailQuery) -> int:
    """Return the number of matching messages, counted up to one more than ``COUNT_CAP``."""
    most = select(MailMessage.id).limit(COUNT_CAP + 1)
    count = 0
    if query.recipient:
        near = most.where(_near(None, backwards=False), *_conditions(query, by_index=False))
        count = session.scalar(select(func.count()).select_from(near.subquery())) or 0
    if count <= COUNT_CAP:
        count = session.scalar(select(func.count()).select_from(most.where(*_conditions(query)).subquery())) or 0
    return count


def send_failed_again(session: Session, query: MailQuery, *, now: datetime, by: Actor) -> int:
    """Send the failed messages that match a query again, oldest first, at most ``MAX_AT_ONCE``.

    Messages that a concurrent request sends again are waited for and then skipped, as they are no longer failed.

    :param session: a cross-tenant session.
    :returns: the number of messages.
    """
    failed = session.scalars(
        select(MailMessage)
        .where(*_conditions(replace(query, state=MailState.FAILED)))
        .order_by(MailMessage.id)
        .limit(MAX_AT_ONCE)
        .with_for_update()
    ).all()
    for message in failed:
        outbox.try_again(session, message, now=now, by=by)
    return len(failed)


def _near(position: int | None, *, backwards: bool) -> ColumnElement[bool]:
    """Return the condition for the rows next to the start of a page, in the direction of the page."""
    if position is None:
        return MailMessage.id > select(func.max(MailMessage.id)).scalar_subquery() - NEAR
    return MailMessage.id <= position + NEAR if backwards else MailMessage.id >= position - NEAR


def _conditions(query: MailQuery, *, by_index: bool = True) -> list[ColumnElement[bool]]:
    """Return the conditions of a query.

    :param by_index: search for a part of an e-mail address with the index.
    """
    same = ((MailMessage.kind, query.kind), (MailMessage.tenant_id, query.tenant_id))
    found = [column == value for column, value in same if value is not None]
    if query.state is not None:
        # As a literal, so that the planner can match the partial index for one state.
        found.append(MailMessage.state == literal(query.state.value, literal_execute=True))
    if query.recipient and by_index:
        found.append(MailMessage.recipient.icontains(query.recipient, autoescape=True))
    elif query.recipient:
        found.append(func.strpos(func.lower(MailMessage.recipient), func.lower(query.recipient)) > 0)
    return found
