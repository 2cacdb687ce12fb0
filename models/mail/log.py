"""The log of all mail, for NEC's staff: looked for across tenants, newest first.

Pages turn by keyset on the row's number: no OFFSET, and no count past a cap.

Behind row-level security the planner may not use what it knows of a column for LIKE, and takes every part of an address
for a rare one: it would read a table of which all rows match to its end. So a part is first looked for among the rows
next to the page's beginning, one after the other; only what is not found there often is looked for by the index.
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

MOST_AT_ONCE = 500
"""How many failed messages are sent again in one transaction; more are left for the next time."""

SHORTEST_PART = 3
"""Characters a part of an address has at least: the index knows triples."""

NEAR = 20_000
"""How many rows next to a page's beginning are gone through for a part of an address."""

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

    :param recipient: a part of the address of ``SHORTEST_PART`` characters or more, whichever case it is written in.
    :param kind: a key of ``models.mail.kinds.KINDS``.
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
    # A plan that is to fit any kind of mail fits the rare ones badly.
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
    """How many messages there are, counted to one past the cap at most."""
    most = select(MailMessage.id).limit(COUNT_CAP + 1)
    count = 0
    if query.recipient:
        near = most.where(_near(None, backwards=False), *_conditions(query, by_index=False))
        count = session.scalar(select(func.count()).select_from(near.subquery())) or 0
    if count <= COUNT_CAP:
        count = session.scalar(select(func.count()).select_from(most.where(*_conditions(query)).subquery())) or 0
    return count


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
        outbox.try_again(session, message, now=now, by=by)
    return len(failed)


def _near(position: int | None, *, backwards: bool) -> ColumnElement[bool]:
    """The rows next to where a page begins, on the side it goes to."""
    if position is None:
        return MailMessage.id > select(func.max(MailMessage.id)).scalar_subquery() - NEAR
    return MailMessage.id <= position + NEAR if backwards else MailMessage.id >= position - NEAR


def _conditions(query: MailQuery, *, by_index: bool = True) -> list[ColumnElement[bool]]:
    """The WHERE of a query.

    :param by_index: let a part of an address be looked for by its index.
    """
    same = ((MailMessage.kind, query.kind), (MailMessage.tenant_id, query.tenant_id))
    found = [column == value for column, value in same if value is not None]
    if query.state is not None:
        # Written out, so that the planner sees which of the indexes over one state fits.
        found.append(MailMessage.state == literal(query.state.value, literal_execute=True))
    if query.recipient and by_index:
        found.append(MailMessage.recipient.icontains(query.recipient, autoescape=True))
    elif query.recipient:
        found.append(func.strpos(func.lower(MailMessage.recipient), func.lower(query.recipient)) > 0)
    return found
