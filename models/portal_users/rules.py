"""Create, change and delete portal users, and mail them their links (§7.4.4)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete as delete_rows
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from models import audit, clock
from models.actor import Actor
from models.customers.customer import Customer
from models.errors import N_, NOTHING_CHANGED, DomainError, Gone
from models.mail import outbox, sms
from models.portal_users.portal_user import (
    RESET_LIFETIME,
    SIGN_UP_LIFETIME,
    LinkPurpose,
    PortalUser,
    PortalUserLink,
)
from models.random_id import add_with_random_id, random_user_id
from models.row_lock import lock, serialize
from models.tenants.tenant import Tenant
from models.tokens import hash_token, new_token
from models.versioned import lock_version

MAX_USERS = 100
"""The maximum number of portal users of a customer."""
MAX_RESETS = 5
"""The maximum number of password resets sent to a user per hour, by mail and SMS together."""
_HOUR = timedelta(hours=1)

TAKEN_EMAIL = N_("Another user of this customer has this email address.")
TOO_MANY = N_("The customer has 100 users. Delete one first.")
SIGNED_UP_ALREADY = N_("This user has already signed up.")
NOT_SIGNED_UP = N_("This user has not signed up yet.")
TOO_MANY_RESETS = N_("5 password resets have been sent to this user within the last hour. Try again later.")
NO_MOBILE = N_("This user has no mobile number.")

UNIQUE_ERRORS = {"uq_portal_user_email": ("email", TAKEN_EMAIL)}
"""The error for a violated unique index, when a concurrent request was first."""

_PREFIXES = {LinkPurpose.SIGN_UP: "psu_", LinkPurpose.RESET: "prs_"}


@dataclass(frozen=True, slots=True)
class PortalUserChange:
    """The context of a change: time, actor, and the customers' portal.

    :param url_of: returns the URL in the customers' portal for a purpose and a token.
    """

    now: datetime
    by: Actor
    url_of: Callable[[LinkPurpose, str], str]


def create(session: Session, customer: Customer, values: Mapping[str, Any], *, request: PortalUserChange) -> PortalUser:
    """Create a user of a customer and mail the sign-up link.

    :param values: ``last_name``, ``first_name``, ``email`` and ``mobile``.
    :raises DomainError: another user of the customer has the e-mail address, or there are too many users.
    """
    others = emails(session, customer.id)
    if len(others) >= MAX_USERS:
        raise DomainError(TOO_MANY)
    if values["email"].lower() in others:
        raise DomainError(TAKEN_EMAIL, field="email")
    user = PortalUser(customer_id=customer.id, sign_up_until=request.now + SIGN_UP_LIFETIME, **values)
    _, after = audit.changes(user)
    add_with_random_id(session, user, random_user_id)
    audit.record(session, "portal_user.created", user, by=request.by, after=after)
    _invite(session, user, customer, request)
    return user


def change(
    session: Session, user: PortalUser, values: Mapping[str, Any], *, version: int, request: PortalUserChange
) -> None:
    """Change a user. A new e-mail address ends the links mailed to the old one; before the sign-up, a new one is mailed.

    :param version: the user's version when the operator opened the form.
    :raises Conflict: the user was changed in the meantime.
    :raises DomainError: nothing changes, or another user of the customer has the e-mail address.
    """
    others = emails(session, user.customer_id)
    lock_version(session, user, version)
    if user.deleted_at is not None:
        raise Gone
    old_email = user.email
    if values["email"].lower() in others - {old_email.lower()}:
        raise DomainError(TAKEN_EMAIL, field="email")
    for name, value in values.items():
        if getattr(user, name) != value:
            setattr(user, name, value)
    before, after = audit.changes(user)
    if before is None and after is None:
        raise DomainError(NOTHING_CHANGED)
    audit.record(session, "portal_user.changed", user, by=request.by, before=before, after=after)
    if user.email != old_email:
        _end_links(session, [user.id], now=request.now)
        if user.signed_up_at is None:
            user.sign_up_until = request.now + SIGN_UP_LIFETIME
            _invite(session, user, user.customer, request)


def send_again(session: Session, user: PortalUser, *, request: PortalUserChange) -> None:
    """Mail a new sign-up link, valid for another 7 days; the previous one ends.

    :raises DomainError: the user has signed up.
    :raises Gone: the user was deleted concurrently.
    """
    lock(session, user)
    if user.deleted_at is not None:
        raise Gone
    if user.signed_up_at is not None:
        raise DomainError(SIGNED_UP_ALREADY)
    user.sign_up_until = request.now + SIGN_UP_LIFETIME
    audit.record(session, "portal_user.invited_again", user, by=request.by)
    _invite(session, user, user.customer, request)


def delete(session: Session, user: PortalUser, *, now: datetime, by: Actor) -> None:
    """Delete a user: it is hidden everywhere but in the audit log, and its links end.

    :raises Gone: it was deleted concurrently.
    """
    lock(session, user)
    if user.deleted_at is not None:
        raise Gone
    user.deleted_at = now
    audit.record(session, "portal_user.deleted", user, by=by)
    _end_links(session, [user.id], now=now)


def reset_password(session: Session, user: PortalUser, *, request: PortalUserChange, by_sms: bool = False) -> None:
    """Send a link to set a new password in the customers' portal. The present one stays valid until then.

    :param by_sms: send it to the mobile number instead of the e-mail address.
    :raises DomainError: the user has not signed up or has no mobile number, or too many were sent.
    :raises Gone: the user was deleted concurrently.
    """
    lock(session, user)
    if user.deleted_at is not None:
        raise Gone
    if user.signed_up_at is None:
        raise DomainError(NOT_SIGNED_UP)
    if by_sms and not user.mobile:
        raise DomainError(NO_MOBILE)
    if _resets(session, user, since=request.now - _HOUR) >= MAX_RESETS:
        raise DomainError(TOO_MANY_RESETS)
    token = issue_link(session, user, LinkPurpose.RESET, now=request.now)
    audit.record(
        session, "portal_user.password_reset", ("PortalUser", user.id), by=request.by, tenant_id=user.tenant_id
    )
    url = request.url_of(LinkPurpose.RESET, token)
    if by_sms:
        sms.write(session, "password_reset_sms", user.mobile, {"Url": url}, now=request.now, secret=token)
        return
    values = {"Name": user.name, "Url": url, "TenantName": _tenant_name(session, user)}
    outbox.write(
        session, "password_reset_mail", user.email, values, now=request.now, tenant_id=user.tenant_id, secret=token
    )


def issue_link(session: Session, user: PortalUser, purpose: LinkPurpose, *, now: datetime) -> str:
    """End the user's previous links and return the token of a new one, which is not stored anywhere."""
    _end_links(session, [user.id], now=now)
    token = new_token(_PREFIXES[purpose])
    lifetime = SIGN_UP_LIFETIME if purpose == LinkPurpose.SIGN_UP else RESET_LIFETIME
    session.add(
        PortalUserLink(
            tenant_id=user.tenant_id,
            user_id=user.id,
            purpose=purpose.value,
            token_hash=hash_token(token),
            created_at=now,
            expires_at=now + lifetime,
        )
    )
    return token


def verify_link(session: Session, token: str, *, now: datetime) -> PortalUserLink | None:
    """Use up a link: return it to the first caller, None for an unknown, expired, ended or verified one.

    :param session: a session of the tenant whose customers' portal asks.
    """
    found = session.scalar(
        update(PortalUserLink)
        .where(
            PortalUserLink.token_hash == hash_token(token),
            PortalUserLink.verified_at.is_(None),
            PortalUserLink.ended_at.is_(None),
            PortalUserLink.expires_at > now,
            PortalUserLink.user_id.in_(select(PortalUser.id).where(PortalUser.deleted_at.is_(None))),
        )
        .values(verified_at=now)
        .returning(PortalUserLink.id)
        .execution_options(synchronize_session=False)
    )
    return session.get(PortalUserLink, found, populate_existing=True) if found is not None else None


def record_password_set(session: Session, user: PortalUser, *, now: datetime, by: Actor) -> None:
    """Record that the user has set a password in the customers' portal: the sign-up is done, and all links end.

    :raises Gone: the user was deleted concurrently.
    """
    lock(session, user)
    if user.deleted_at is not None:
        raise Gone
    if user.signed_up_at is None:
        user.signed_up_at = now
    audit.record(session, "portal_user.password_set", ("PortalUser", user.id), by=by, tenant_id=user.tenant_id)
    _end_links(session, [user.id], now=now)


def record_sign_in(session: Session, user: PortalUser, *, now: datetime) -> None:
    """Record a sign-in to the customers' portal.

    :raises Gone: the user was deleted concurrently.
    """
    lock(session, user)
    if user.deleted_at is not None:
        raise Gone
    if user.first_sign_in_at is None:
        user.first_sign_in_at = now
    user.last_sign_in_at = now


def remove_old_links(session: Session, *, now: datetime) -> None:
    """Delete links that have expired.

    :param session: a cross-tenant session.
    """
    session.execute(
        delete_rows(PortalUserLink).where(PortalUserLink.expires_at <= now).execution_options(synchronize_session=False)
    )


def emails(session: Session, customer_id: str) -> set[str]:
    """Return the e-mail addresses of a customer's users in lower case, after taking the lock on its users."""
    serialize(session, "portal_user", customer_id)
    return set(
        session.scalars(
            select(func.lower(PortalUser.email)).where(
                PortalUser.customer_id == customer_id, PortalUser.deleted_at.is_(None)
            )
        )
    )


def _invite(session: Session, user: PortalUser, customer: Customer, request: PortalUserChange) -> None:
    token = issue_link(session, user, LinkPurpose.SIGN_UP, now=request.now)
    values = {
        "Name": user.name,
        "CompanyName": customer.name,
        "UserId": user.id,
        "Url": request.url_of(LinkPurpose.SIGN_UP, token),
        "ExpiresOn": clock.tokyo_day(user.sign_up_until).isoformat(),
        "TenantName": _tenant_name(session, user),
    }
    outbox.write(
        session, "portal_user_invited", user.email, values, now=request.now, tenant_id=user.tenant_id, secret=token
    )


def _resets(session: Session, user: PortalUser, *, since: datetime) -> int:
    """Return the number of password resets sent to a user; their links are kept for an hour at least."""
    counted = session.scalar(
        select(func.count()).where(
            PortalUserLink.user_id == user.id,
            PortalUserLink.purpose == LinkPurpose.RESET.value,
            PortalUserLink.created_at > since,
        )
    )
    return counted or 0


def _end_links(session: Session, user_ids: list[str], *, now: datetime) -> None:
    session.execute(
        update(PortalUserLink)
        .where(PortalUserLink.user_id.in_(user_ids), PortalUserLink.ended_at.is_(None))
        .values(ended_at=now)
        .execution_options(synchronize_session=False)
    )


def _tenant_name(session: Session, user: PortalUser) -> str:
    return str(session.get_one(Tenant, user.tenant_id).name)
