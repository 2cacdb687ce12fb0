"""Tickets."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from models.tenants.tenant import Tenant
from models.tickets.ticket import Ticket, TicketMessage
from models.tickets.ticket_file import TicketFile, TicketFileContent

if TYPE_CHECKING:
    from tests.factories import Make

_AT = datetime(2026, 11, 2, 1, tzinfo=UTC)


def ticket(make: Make, *, tenant: Tenant | None = None, body: str = "1 + 1 = ?", **values: Any) -> Ticket:
    """A ticket that waits for NEC, with its first message."""
    at = values.pop("at", _AT)
    defaults = {
        "title": f"問合せ{make.number()}",
        "service": "partner_portal",
        "kind": "question",
        "priority": "normal",
        "state": "open",
        "asked_at": at if values.get("state", "open") in {"open", "in_progress"} else None,
        "author_name": "見本 太郎",
        "created_at": at,
        "updated_at": at,
    }
    row = make.save(Ticket(tenant_id=(tenant or make.tenant()).id, **defaults | values))
    ticket_message(make, ticket_row=row, body=body)
    return row


def ticket_message(make: Make, *, ticket_row: Ticket, **values: Any) -> TicketMessage:
    """A message of the partner."""
    defaults = {
        "author_id": ticket_row.author_id,
        "author_name": ticket_row.author_name,
        "by_nec": False,
        "body": "2",
        "created_at": ticket_row.created_at,
    }
    return make.save(TicketMessage(tenant_id=ticket_row.tenant_id, ticket_id=ticket_row.id, **defaults | values))


def ticket_file(make: Make, *, message: TicketMessage, data: bytes = b"log", **values: Any) -> TicketFile:
    """A file of a message, in the database."""
    defaults = {
        "message_id": message.id,
        "user_id": message.author_id,
        "name": "log.txt",
        "media_type": "text/plain",
        "size": len(data),
        "created_at": message.created_at,
    }
    row = make.save(TicketFile(tenant_id=message.tenant_id, **defaults | values))
    make.save(TicketFileContent(tenant_id=row.tenant_id, file_id=row.id, data=data))
    return row
