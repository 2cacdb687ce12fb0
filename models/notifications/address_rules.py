"""Manage a tenant's notification addresses (§5.4.2): change, resend the link, withdraw, confirm.

All changes to one tenant's addresses are serialized, so that the mails sent per day are counted while no other
transaction sends one.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from models import audit
from models.actor import Actor
from models.errors import N_, DomainError
from models.mail import outbox
from models.notifications.address import SLOTS, AddressLink, LinkState, NotificationAddress, clean
from models.row_lock import serialize
from models.scope import all_tenants
from models.tenants.tenant import Tenant
from models.tokens import hash_token
from models.versioned import check_version

LIFETIME = timedelta(hours=24)
KEPT_FOR = timedelta(days=30)
"""How long an expired link is kept, so that its page can explain what became of it."""

DAY = timedelta(days=1)
MAX_TO_ONE = 5
"""The maximum number of links mailed to one e-mail address per day, so that nobody can flood a mailbox."""
MOST = 20
"""The maximum number of links mailed for a tenant per day."""

NEEDED = N_("This field is required.")
SAME_TWICE = N_("This email address is already in another field.")
TOO_MANY_TO_ONE = N_(
    "The daily limit of confirmation mails to this email address has been reached. Try again tomorrow."
)
TOO_MANY = N_("The tenant's daily limit of confirmation mails has been reached. Try again tomorrow.")
NOTHING_ASKED = N_("There is no longer an email address waiting for confirmation.")


@dataclass(frozen=True, slots=True)
class AddressChange:
    """The context of a change: tenant, time and actor.

    :param url_of: returns the URL for a token, based on the portal's public URL.
    """

    tenant: Tenant
    url_of: Callable[[str], str]
    now: datetime
    by: Actor


def change(session: Session, typed: Sequence[str], *, version: int, request: AddressChange) -> list[str]:
    """Set a tenant's addresses, one per slot, empty for none.

    Each new address is mailed a link and replaces the confirmed one when the link is used. Removing an address takes
    effect at once. Setting a slot back to the confirmed address withdraws the request.

    :param version: the version of the status when the person opened the form.
    :returns: the addresses that links were mailed to.
    :raises Conflict: somebody else saved in the meantime.
    :raises DomainError: with its field: the first address is missing, an address is repeated, or too many links were
        mailed.
    """
    wanted = [clean(each) for each in typed]
    _refuse_faults(wanted)
    slots = _locked(session, request.tenant.id)
    check_version(sum(slot.version for slot in slots), version)
    asked = _asked(session, request.tenant.id)
    return [
        address
        for slot, address in zip(slots, wanted, strict=True)
        if _set(session, slot, asked.get(slot.slot), address, request)
    ]


def send_again(session: Session, number: int, *, request: AddressChange) -> str:
    """Mail a new link to the requested address of a slot, and invalidate the previous link.

    :returns: the e-mail address.
    :raises DomainError: there is no request, or too many links were mailed.
    """
    slot, link = _asked_of(session, number, request)
    _supersede(session, link, request)
    _ask(session, slot, link.address, request)
    return link.address


def withdraw(session: Session, number: int, *, request: AddressChange) -> str:
    """Withdraw the requested address of a slot. The confirmed one stays in use.

    :returns: the withdrawn e-mail address.
    :raises DomainError: there is no request.
    """
    slot, link = _asked_of(session, number, request)
    _supersede(session, link, request)
    slot.version += 1
    _record(session, "notification_address.withdrawn", slot, request.by, before={"asked_for": link.address})
    return link.address


def tenant_of(token: str) -> str | None:
    """Return the ID of the tenant whose link has a token, None if the token is unknown."""
    with all_tenants("a mailed link is opened outside any tenant") as session:
        return session.scalar(select(AddressLink.tenant_id).where(AddressLink.token_hash == hash_token(token)))


def look_up(session: Session, token: str) -> AddressLink | None:
    """Return the link with a token, in a session of its tenant, without using it."""
    return session.scalar(select(AddressLink).where(AddressLink.token_hash == hash_token(token)))


def confirm(session: Session, link: AddressLink, *, now: datetime, by: Actor) -> LinkState:
    """Confirm a link's address and start to use it.

    :param session: a session of the link's tenant.
    :param by: the mailbox.
    :returns: the state of the link before: ``OPEN`` for the one call that confirms the address.
    """
    # Of two concurrent calls, the second waits here and sees the result of the first.
    slot = next(each for each in _locked(session, link.tenant_id) if each.slot == link.slot)
    session.refresh(link)
    state = link.state(now=now)
    if state == LinkState.OPEN:
        before = {"address": slot.address} if slot.address else None
        slot.address, slot.confirmed_at, link.used_at = link.address, now, now
        _record(session, "notification_address.confirmed", slot, by, before=before, after={"address": link.address})
    return state


def remove_old(session: Session, *, now: datetime) -> int:
    """Delete links that expired longer than ``KEPT_FOR`` ago.

    :param session: a cross-tenant session.
    :returns: the number of deleted links.
    """
    gone = session.execute(
        delete(AddressLink)
        .where(AddressLink.expires_at <= now - KEPT_FOR)
        .returning(AddressLink.id)
        .execution_options(synchronize_session=False)
    )
    return len(gone.all())


def _refuse_faults(wanted: Sequence[str]) -> None:
    if not wanted[0]:
        raise DomainError(NEEDED, field="address1")
    seen: set[str] = set()
    for number, address in zip(SLOTS, wanted, strict=True):
        # Case-insensitive: few mail servers distinguish mailboxes by case.
        if address and address.lower() in seen:
            raise DomainError(SAME_TWICE, field=f"address{number}")
        seen.add(address.lower())


def _locked(session: Session, tenant_id: str) -> list[NotificationAddress]:
    """Create missing slots and return all slots of a tenant in order, locked until the end of the transaction."""
    serialize(session, "notification_address", tenant_id)
    rows = [{"tenant_id": tenant_id, "slot": number} for number in SLOTS]
    session.execute(insert(NotificationAddress).values(rows).on_conflict_do_nothing())
    return list(
        session.scalars(
            select(NotificationAddress)
            .where(NotificationAddress.tenant_id == tenant_id)
            .order_by(NotificationAddress.slot)
            .execution_options(populate_existing=True)
        )
    )


def _asked(session: Session, tenant_id: str) -> dict[int, AddressLink]:
    """Return the requests that are neither used nor superseded, by slot."""
    found = session.scalars(
        select(AddressLink)
        .where(AddressLink.tenant_id == tenant_id, AddressLink.used_at.is_(None), AddressLink.superseded_at.is_(None))
        .with_for_update()  # because the job that deletes old links does not take the lock on the slots
        .execution_options(populate_existing=True)
    )
    return {link.slot: link for link in found}


def _asked_of(session: Session, number: int, request: AddressChange) -> tuple[NotificationAddress, AddressLink]:
    slots = {slot.slot: slot for slot in _locked(session, request.tenant.id)}
    link = _asked(session, request.tenant.id).get(number)
    if link is None:
        raise DomainError(NOTHING_ASKED)
    return slots[number], link


def _set(
    session: Session, slot: NotificationAddress, link: AddressLink | None, address: str, request: AddressChange
) -> bool:
    """Set the address of a slot.

    :returns: whether a link was mailed.
    """
    waiting = link is not None and link.state(now=request.now) == LinkState.OPEN
    if address == ((link.address if link and waiting else slot.address) or ""):
        return False
    slot.version += 1
    if link is not None:
        _supersede(session, link, request)
    if address and address != slot.address:
        _ask(session, slot, address, request)
        return True
    if link is not None:
        _record(session, "notification_address.withdrawn", slot, request.by, before={"asked_for": link.address})
    if not address and slot.address:
        _record(session, "notification_address.removed", slot, request.by, before={"address": slot.address})
        slot.address = slot.confirmed_at = None
    return False


def _supersede(session: Session, link: AddressLink, request: AddressChange) -> None:
    link.superseded_at = request.now
    # Before adding another one, because the unique index allows one request per slot.
    session.flush()


def _ask(session: Session, slot: NotificationAddress, address: str, request: AddressChange) -> None:
    """Mail a confirmation link to an e-mail address."""
    _refuse_flood(session, slot, address, now=request.now)
    token = secrets.token_urlsafe(32)
    session.add(
        AddressLink(
            tenant_id=slot.tenant_id,
            slot=slot.slot,
            address=address,
            token_hash=hash_token(token),
            requested_at=request.now,
            expires_at=request.now + LIFETIME,
        )
    )
    outbox.write(
        session,
        "address_confirmation",
        address,
        {"TenantName": request.tenant.name, "Url": request.url_of(token)},
        now=request.now,
        tenant_id=slot.tenant_id,
        secret=token,
    )
    before = {"address": slot.address} if slot.address else None
    _record(session, "notification_address.asked_for", slot, request.by, before=before, after={"asked_for": address})


def _refuse_flood(session: Session, slot: NotificationAddress, address: str, *, now: datetime) -> None:
    to_one = func.count().filter(func.lower(AddressLink.address) == address.lower())
    together, alone = session.execute(
        select(func.count(), to_one).where(
            AddressLink.tenant_id == slot.tenant_id, AddressLink.requested_at > now - DAY
        )
    ).one()
    if alone >= MAX_TO_ONE or together >= MOST:
        raise DomainError(TOO_MANY_TO_ONE if alone >= MAX_TO_ONE else TOO_MANY, field=f"address{slot.slot}")


def _record(  # noqa: PLR0913, PLR0917  (each is a column of the row)
    session: Session,
    action: str,
    slot: NotificationAddress,
    by: Actor,
    before: dict[str, str] | None = None,
    after: dict[str, str] | None = None,
) -> None:
    subject = ("NotificationAddress", f"{slot.tenant_id}/{slot.slot}")
    audit.record(session, action, subject, by=by, tenant_id=slot.tenant_id, before=before, after=after)
