"""The e-mail addresses that refuse mail for good, and whose addresses they are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import Select, String, cast, func, literal, null, select, union
from sqlalchemy.orm import Session, aliased

from models.accounts.user import User
from models.applications.application import ServiceApplication
from models.customers.customer import Customer
from models.mail.outbox import MailMessage
from models.mail.returned import was_delivered, was_refused
from models.notifications.address import AddressLink, NotificationAddress
from models.portal_users.portal_user import PortalUser
from models.utms.utm import Utm

_UTM_ADDRESSES = tuple(
    getattr(Utm, f"{group}_email{number}") for group in ("customer", "desk", "report") for number in (1, 2, 3)
)

MOST = 100
"""The maximum number of addresses in the list."""


class OwnerKind(StrEnum):
    """What an address is used for."""

    NOTIFICATION = "notification"
    REQUESTED = "requested"
    USER = "user"
    PORTAL_USER = "portal_user"
    CONTACT = "contact"
    UTM = "utm"
    APPLICANT = "applicant"


class Owner(NamedTuple):
    """Somebody or something that has an address.

    :ivar tenant_id: None for a user, who may belong to several tenants.
    :ivar name: a name, a number or an ID, as far as there is one.
    """

    kind: str
    tenant_id: str | None
    name: str


class Undeliverable(NamedTuple):
    """An address that refuses mail.

    :ivar times: how many mails it has refused since it last took one.
    :ivar first: when the first of them was written.
    :ivar last: when the last of them was written.
    :ivar reason: what the mail server said about the last one.
    """

    address: str
    times: int
    first: datetime
    last: datetime
    reason: str
    owners: list[Owner]


def undeliverable(session: Session, *, now: datetime) -> list[Undeliverable]:
    """Return the addresses that refuse mail for good, the newest first, at most one more than ``MOST``.

    :param session: a cross-tenant session.
    """
    refused = select(MailMessage.id, MailMessage.recipient, MailMessage.created_at).where(was_refused()).cte("refused")
    addresses = select(refused.c.recipient).distinct().subquery()
    other = aliased(MailMessage)
    delivered = (
        select(func.max(other.id))
        .where(other.recipient == addresses.c.recipient, was_delivered(now=now, mail=other))
        .scalar_subquery()
    )
    since = select(addresses.c.recipient, func.coalesce(delivered, 0).label("delivered")).subquery()
    newest = func.max(refused.c.id)
    found = session.execute(
        select(
            refused.c.recipient,
            func.count().label("times"),
            func.min(refused.c.created_at).label("first"),
            func.max(refused.c.created_at).label("last"),
            newest.label("newest"),
        )
        .join(since, since.c.recipient == refused.c.recipient)
        .where(refused.c.id > since.c.delivered)
        .group_by(refused.c.recipient)
        .order_by(newest.desc())
        .limit(MOST + 1)
    ).all()
    reasons = session.execute(
        select(
            MailMessage.id, func.coalesce(MailMessage.return_reason, MailMessage.last_error, "").label("reason")
        ).where(MailMessage.id.in_([row.newest for row in found]))
    )
    reason_of = {row.id: row.reason for row in reasons}
    owners = _owners(session, {row.recipient for row in found})
    return [
        Undeliverable(
            row.recipient, row.times, row.first, row.last, reason_of[row.newest], owners.get(row.recipient.lower(), [])
        )
        for row in found
    ]


def _owners(session: Session, addresses: Collection[str]) -> dict[str, list[Owner]]:
    """Return the owners of addresses, by the address in lower case."""
    found: dict[str, list[Owner]] = defaultdict(list)
    if not addresses:
        return found
    no_name = literal("")
    parts = [
        _owned(OwnerKind.NOTIFICATION, NotificationAddress.address, NotificationAddress.tenant_id, no_name),
        _owned(OwnerKind.REQUESTED, AddressLink.address, AddressLink.tenant_id, no_name).where(
            AddressLink.used_at.is_(None), AddressLink.superseded_at.is_(None)
        ),
        _owned(OwnerKind.USER, User.email, null(), User.last_name + " " + User.first_name),
        _owned(
            OwnerKind.PORTAL_USER,
            PortalUser.email,
            PortalUser.tenant_id,
            PortalUser.last_name + " " + PortalUser.first_name,
        ).where(PortalUser.deleted_at.is_(None)),
        _owned(OwnerKind.CONTACT, Customer.contact_email, Customer.tenant_id, Customer.name).where(
            Customer.deleted_at.is_(None)
        ),
        _owned(OwnerKind.APPLICANT, ServiceApplication.email, ServiceApplication.tenant_id, ServiceApplication.company),
        *(
            _owned(OwnerKind.UTM, column, Utm.tenant_id, Utm.name).where(Utm.removed_at.is_(None))
            for column in _UTM_ADDRESSES
        ),
    ]
    owned = union(*parts).subquery()
    wanted = {each.lower() for each in addresses}
    rows = session.execute(
        select(owned).where(owned.c.address.in_(wanted)).order_by(owned.c.kind, owned.c.tenant_id, owned.c.name)
    )
    for row in rows:
        found[row.address].append(Owner(row.kind, row.tenant_id, row.name))
    return found


def _owned(kind: OwnerKind, address: Any, tenant_id: Any, name: Any) -> Select[Any]:
    return select(
        literal(kind.value).label("kind"),
        func.lower(address).label("address"),
        cast(tenant_id, String).label("tenant_id"),
        cast(name, String).label("name"),
    )
