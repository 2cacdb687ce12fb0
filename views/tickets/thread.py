"""The thread of a ticket, what it is about, and the download of its files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from flask import Response, abort, current_app, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import clock
from models.customers.customer import Customer
from models.errors import DomainError
from models.tickets import ticket_file
from models.tickets.file_store import store_of
from models.tickets.mails import Notice
from models.tickets.subject import Subject
from models.tickets.ticket import Ticket, TicketMessage
from models.tickets.ticket_file import TicketFile
from views.base import url_if
from views.screen.formats import LinkedValue


def notice() -> Notice:
    """Return what the mails about tickets need to know."""
    base = current_app.config["PORTAL_URL"]
    return Notice(
        current_app.config["SUPPORT_EMAIL"],
        lambda key: f"{base}{url_for('TicketView.show', ticket_id=key)}",
        lambda key: f"{base}{url_for('StaffTicketView.show', ticket_id=key)}",
    )


def thread(session: Session, ticket: Ticket, file_url: Callable[[TicketFile], str]) -> list[dict[str, Any]]:
    """Return the messages of a ticket for the template, the oldest first.

    :param file_url: returns the URL of a file.
    """
    rows = session.scalars(select(TicketMessage).where(TicketMessage.ticket_id == ticket.id).order_by(TicketMessage.id))
    messages = rows.all()
    keys = [each.id for each in messages]
    files = session.scalars(select(TicketFile).where(TicketFile.message_id.in_(keys)).order_by(TicketFile.id)).all()
    return [
        {
            "id": each.id,
            "author": each.author_name,
            "by_nec": each.by_nec,
            "at": clock.screen_time(each.created_at),
            "body": each.body,
            "files": [shown_file(file, file_url(file)) for file in files if file.message_id == each.id],
        }
        for each in messages
    ]


def window_details(session: Session, ticket: Ticket) -> list[str]:
    """Return the ID of a ticket and the customer that it is about, for the title of its windows."""
    if ticket.customer_id is None:
        return [ticket.id]
    name = session.scalar(select(Customer.name).where(Customer.id == ticket.customer_id))
    return [ticket.id, f"{ticket.customer_id} {name}"]


def shown_file(file: TicketFile, url: str | None = None) -> dict[str, Any]:
    """Return a file for the templates.

    :param url: the URL of its download; None for one that is not bound yet.
    """
    size = f"{file.size / 1024 / 1024:.1f} MB" if file.size >= 1024 * 1024 else f"{-(-file.size // 1024)} KB"
    return {"id": file.id, "name": file.name, "size": size, "url": url}


def about(subject: Subject, ticket: Ticket | None = None) -> dict[str, LinkedValue | None]:
    """Return what a ticket is about, with links to what the person may open; deleted rows without a link.

    :param ticket: knows the ID of an alert that is not kept any more.
    """
    found: dict[str, LinkedValue | None] = dict.fromkeys(("customer", "utm", "alert"))
    customer, utm, alert = subject.customer, subject.utm, subject.alert
    here = customer is not None and customer.deleted_at is None
    if customer is not None:
        url = url_if("can_show", "Customers", "CustomerView.show", customer_id=customer.id) if here else None
        found["customer"] = LinkedValue(f"{customer.id} {customer.name}", url)
    if utm is not None:
        url = (
            url_if("can_show", "Utms", "UtmView.show", customer_id=utm.customer_id, utm_key=utm.id)
            if here and utm.removed_at is None
            else None
        )
        found["utm"] = LinkedValue(f"{utm.utm_id} {utm.name}", url)
    alert_id = alert.alert_id if alert is not None else ticket.alert_id if ticket is not None else None
    if alert_id is not None:
        url = _alert_url(alert) if alert is not None and here else None
        found["alert"] = LinkedValue(alert_id, url)
    return found


def without_links(found: dict[str, LinkedValue | None]) -> dict[str, LinkedValue | None]:
    """Return what a ticket is about for NEC's staff, who are not in its tenant."""
    return {name: each._replace(url=None) if each is not None else None for name, each in found.items()}


def _alert_url(alert: Any) -> str | None:
    day = clock.tokyo_day(alert.occurred_at).isoformat()
    return url_if(
        "can_list",
        "Alerts",
        "AlertView.list",
        customer_id=alert.customer_id,
        unit="day",
        first=day,
        last=day,
        alert_id=alert.alert_id,
        open=alert.seq,
    )


def download(session: Session, ticket: Ticket, file_key: int) -> Response:
    """Return a file of a ticket, so that no browser renders it in the portal.

    Its content may be anything: a picture can be a web page at the same time. It is therefore always an attachment of the
    general type, browsers may not guess another one, and a page opened from it could neither run scripts nor use the session.
    """
    file = session.scalar(
        select(TicketFile)
        .join(
            TicketMessage,
            (TicketMessage.tenant_id == TicketFile.tenant_id) & (TicketMessage.id == TicketFile.message_id),
        )
        .where(TicketMessage.ticket_id == ticket.id, TicketFile.id == file_key)
    )
    if file is None:
        abort(404)
    try:
        data = ticket_file.content(session, store_of(current_app.config), file)
    except DomainError:
        data = None
    if data is None:
        # The object store is not available, or no longer configured.
        abort(503)
    answer = Response(data, mimetype="application/octet-stream")
    plain = "".join(char if (char.isascii() and char.isalnum()) or char in "._-" else "_" for char in file.name)
    answer.headers["Content-Disposition"] = (
        f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(file.name, safe='')}"
    )
    answer.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    return answer
