"""Mail about tickets: to NEC what the partner writes, to the partner what NEC answers. Files are never sent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from flask_appbuilder.security.sqla.models import assoc_user_role
from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from models.accounts.membership import Membership
from models.accounts.user import User
from models.mail import outbox
from models.support import support_page
from models.tenants.tenant import Tenant
from models.tickets.ticket import Ticket

_DESK = "NEC サポート窓口 ご担当者"


@dataclass(frozen=True, slots=True)
class Notice:
    """What the mails need to know of the portal.

    :param support_email: where mail to NEC goes while the support page has no email address.
    :param partner_url: returns the URL of a ticket for the partner.
    :param staff_url: returns the URL of a ticket for NEC's staff.
    """

    support_email: str
    partner_url: Callable[[str], str]
    staff_url: Callable[[str], str]


def created(session: Session, ticket: Ticket, text: str, notice: Notice, *, now: datetime) -> None:
    """Tell NEC that a ticket was created."""
    _to_nec(session, "ticket_created", ticket, notice, _of_partner(session, ticket, text, ticket.author_name), now)


def replied(  # noqa: PLR0913  (each is a fact about the mail)
    session: Session, ticket: Ticket, text: str, author_name: str, notice: Notice, *, now: datetime
) -> None:
    """Tell NEC that the partner replied.

    :param author_name: who replied, which need not be the person who created the ticket.
    """
    _to_nec(session, "ticket_replied", ticket, notice, _of_partner(session, ticket, text, author_name), now)


def answered(session: Session, ticket: Ticket, text: str, notice: Notice, *, now: datetime) -> None:
    """Tell the author that NEC answered."""
    _to_author(session, "ticket_answered", ticket, notice, {"Text": text}, now)


def closed(session: Session, ticket: Ticket, notice: Notice, *, by_nec: bool, now: datetime) -> None:
    """Tell the other side that the ticket was closed."""
    if by_nec:
        _to_author(session, "ticket_closed", ticket, notice, {}, now)
    else:
        _to_nec(session, "ticket_closed", ticket, notice, {"AuthorName": _DESK}, now)


def _of_partner(session: Session, ticket: Ticket, text: str, author_name: str) -> dict[str, str]:
    tenant = session.get_one(Tenant, ticket.tenant_id)
    return {"TenantId": tenant.id, "TenantName": tenant.name, "AuthorName": author_name, "Text": text}


def _to_nec(  # noqa: PLR0913, PLR0917  (each is a fact about the mail)
    session: Session, kind: str, ticket: Ticket, notice: Notice, more: dict[str, str], now: datetime
) -> None:
    content, _ = support_page.stored(session)
    recipients = [content.email or notice.support_email]
    if (assignee := _address_of(session, ticket.assignee_id, ticket.tenant_id)) is not None:
        recipients.append(assignee)
    values = {"TicketId": ticket.id, "Title": ticket.title, "Url": notice.staff_url(ticket.id)}
    outbox.write(session, kind, recipients, values | more, now=now, tenant_id=ticket.tenant_id)


def _to_author(  # noqa: PLR0913, PLR0917  (each is a fact about the mail)
    session: Session, kind: str, ticket: Ticket, notice: Notice, more: dict[str, str], now: datetime
) -> None:
    recipient = _address_of(session, ticket.author_id, ticket.tenant_id)
    if recipient is None:
        return
    values = {
        "TicketId": ticket.id,
        "Title": ticket.title,
        "AuthorName": ticket.author_name,
        "Url": notice.partner_url(ticket.id),
    }
    outbox.write(session, kind, recipient, values | more, now=now, tenant_id=ticket.tenant_id)


def _address_of(session: Session, user_id: int | None, tenant_id: str) -> str | None:
    """Return the email address of a user who may still read the ticket, None for others."""
    if user_id is None:
        return None
    member = exists().where(Membership.user_id == User.id, Membership.tenant_id == tenant_id)
    elevated = exists().where(assoc_user_role.c.user_id == User.id)
    return session.scalar(select(User.email).where(User.id == user_id, User.active, member | elevated))
