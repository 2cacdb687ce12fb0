"""What partners and NEC's staff may do with a ticket (§11)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from flask_appbuilder.security.sqla.models import assoc_user_role
from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from models import audit
from models.accounts.role import ELEVATED
from models.accounts.user import Role, User
from models.actor import Actor
from models.errors import N_, NOTHING_CHANGED, DomainError
from models.plain_rules import apply_change, apply_creation
from models.scope import own_tenant_id
from models.tickets import mails, ticket_file
from models.tickets.mails import Notice
from models.tickets.subject import Subject
from models.tickets.ticket import FOR_NEC, Service, State, Ticket, TicketMessage
from models.versioned import lock_version

TEXT_NEEDED = N_("Write a text to go with the files.")
REOPEN_FIRST = N_("The ticket is closed. To write a reply, set its status to open.")
NOT_STAFF = N_("Choose a member of NEC's staff.")
NOT_FOR_PARTNER = N_("Choose one of the offered statuses.")


def partner_states(present: str) -> list[State]:
    """Return the states that a partner can choose from: the present one, and the one that closes or reopens the ticket."""
    other = State.OPEN if present in {State.RESOLVED, State.CLOSED} else State.CLOSED
    return [State(present), other]


def assignable(session: Session) -> Sequence[Any]:
    """Return NEC's staff, by name."""
    held = exists().where(
        assoc_user_role.c.user_id == User.id,
        assoc_user_role.c.role_id == Role.id,
        Role.name.in_(ELEVATED),
    )
    return session.scalars(
        select(User).where(User.active, held).order_by(User.last_name, User.first_name, User.id)
    ).all()


def create(  # noqa: PLR0913  (each is a part of the ticket)
    session: Session,
    values: Mapping[str, Any],
    *,
    subject: Subject,
    files: Collection[int],
    notice: Notice,
    now: datetime,
    by: Actor,
) -> Ticket:
    """Create a ticket with its first message, and tell NEC.

    :param values: title, kind, priority and body.
    :param files: the keys of the files that its author sent.
    :raises DomainError: a file is not available any more, or there are too many.
    """
    ticket = Ticket(
        title=values["title"],
        service=Service.PARTNER_PORTAL,
        kind=values["kind"],
        priority=values["priority"],
        state=State.OPEN,
        asked_at=now,
        author_id=by.user_id,
        author_name=_name_of(session, by),
        created_at=now,
        updated_at=now,
        tenant_id=own_tenant_id(session),
        **subject.columns(),
    )
    apply_creation(session, ticket, action="ticket.created", by=by)
    _add_message(session, ticket, values["body"], files, by_nec=False, now=now, by=by)
    mails.created(session, ticket, values["body"], notice, now=now)
    return ticket


def reply(  # noqa: PLR0913  (each is a part of the reply)
    session: Session,
    ticket: Ticket,
    values: Mapping[str, Any],
    *,
    files: Collection[int],
    version: int,
    notice: Notice,
    now: datetime,
    by: Actor,
) -> None:
    """Add a partner's reply, or change the state or the priority, and tell NEC.

    A reply to a ticket that NEC was done with makes it NEC's turn again.

    :param values: body, state and priority.
    :raises Conflict: the ticket was changed in the meantime.
    :raises DomainError: nothing changes, or a value is not allowed.
    """
    lock_version(session, ticket, version)
    before, body = ticket.state, values["body"]
    state = values["state"]
    if state not in partner_states(before):
        raise DomainError(NOT_FOR_PARTNER, field="state")
    _check_text(body, files)
    if body and state == before == State.CLOSED:
        raise DomainError(REOPEN_FIRST, field="state")
    if body and state == before and state in {State.WAITING, State.RESOLVED}:
        state = State.OPEN
    _change(session, ticket, {"state": state, "priority": values["priority"]}, body, now=now, by=by)
    if body:
        message = _add_message(session, ticket, body, files, by_nec=False, now=now, by=by)
        mails.replied(session, ticket, body, message.author_name, notice, now=now)
    if state == State.CLOSED != before:
        mails.closed(session, ticket, notice, by_nec=False, now=now)


def answer(  # noqa: PLR0913  (each is a part of the answer)
    session: Session,
    ticket: Ticket,
    values: Mapping[str, Any],
    *,
    files: Collection[int],
    version: int,
    notice: Notice,
    now: datetime,
    by: Actor,
) -> None:
    """Add an answer of NEC's staff, or change the state, the priority or the assignee, and tell the author.

    An answer that leaves the state of an open ticket makes it one in progress.

    :param session: a cross-tenant session.
    :param values: body, state, priority and assignee_id.
    :raises Conflict: the ticket was changed in the meantime.
    :raises DomainError: nothing changes, or a value is not allowed.
    """
    lock_version(session, ticket, version)
    before, body = ticket.state, values["body"]
    state, assignee_id = State(values["state"]), values["assignee_id"]
    _check_text(body, files)
    if body and state == before == State.CLOSED:
        raise DomainError(REOPEN_FIRST, field="state")
    if assignee_id not in {None, ticket.assignee_id} and assignee_id not in {each.id for each in assignable(session)}:
        raise DomainError(NOT_STAFF, field="assignee_id")
    if body and state == before == State.OPEN:
        state = State.IN_PROGRESS
    changed = {"state": state, "priority": values["priority"], "assignee_id": assignee_id}
    _change(session, ticket, changed, body, now=now, by=by)
    if body:
        _add_message(session, ticket, body, files, by_nec=True, now=now, by=by)
        mails.answered(session, ticket, body, notice, now=now)
    if state == State.CLOSED != before:
        mails.closed(session, ticket, notice, by_nec=True, now=now)


def _check_text(body: str, files: Collection[int]) -> None:
    if files and not body:
        raise DomainError(TEXT_NEEDED, field="body")


def _change(  # noqa: PLR0913  (each is a part of the change)
    session: Session, ticket: Ticket, changed: Mapping[str, Any], body: str, *, now: datetime, by: Actor
) -> None:
    """Apply the changed values of a locked ticket, and note when it was last changed and since when it waits for NEC."""
    if any(getattr(ticket, name) != value for name, value in changed.items()):
        # Together with the state, because the database checks that they agree.
        asked_at = (ticket.asked_at or now) if changed["state"] in FOR_NEC else None
        apply_change(session, ticket, {**changed, "asked_at": asked_at}, action="ticket.changed", by=by)
    elif not body:
        raise DomainError(NOTHING_CHANGED)
    ticket.updated_at = now
    session.flush()


def _add_message(  # noqa: PLR0913  (each is a part of the message)
    session: Session,
    ticket: Ticket,
    body: str,
    files: Collection[int],
    *,
    by_nec: bool,
    now: datetime,
    by: Actor,
) -> TicketMessage:
    message = TicketMessage(
        tenant_id=ticket.tenant_id,
        ticket_id=ticket.id,
        author_id=by.user_id,
        author_name=_name_of(session, by),
        by_nec=by_nec,
        body=body,
        created_at=now,
    )
    session.add(message)
    session.flush()
    count = ticket_file.bind(session, message, files)
    after = {"body": body} | ({"files": count} if count else {})
    audit.record(session, "ticket.message_added", ticket, by=by, after=after)
    return message


def _name_of(session: Session, by: Actor) -> str:
    user = session.get(User, by.user_id) if by.user_id is not None else None
    return (str(user.get_full_name()) if user is not None else "") or by.name
