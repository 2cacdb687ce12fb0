"""Invite people into a tenant (§2.1), send the mail again, withdraw the invitation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from models import audit
from models.accounts import user_rules
from models.accounts.invitation import InvitationState, UserInvitation
from models.accounts.user import EMAIL_LENGTH, clean_email, find_by_email
from models.actor import Actor
from models.errors import N_, DomainError
from models.mail import outbox
from models.row_lock import lock, serialize
from models.scope import all_tenants
from models.tenants.tenant import Tenant
from models.tokens import hash_token, new_token

LIFETIME = timedelta(days=7)
KEPT_FOR = timedelta(days=365)
"""How long an invitation is listed after the end of its link."""

INVITED_ALREADY = N_("This address has been invited to this tenant already. Send the invitation again from the list.")
INACTIVE = N_("There is a user with this address who may not sign in. Ask an administrator.")
ENDED = N_("The invitation has been used or withdrawn.")

REGISTRATION = "registration"
"""The name of the advisory lock of an e-mail address, so that it is invited, registered and added in turn."""


@dataclass(frozen=True, slots=True)
class Invitation:
    """The context of an invitation: time, actor, and what the mail says about the portal.

    :param portal_url: the base URL of the link.
    :param support_email: the e-mail address for questions.
    """

    now: datetime
    by: Actor
    portal_url: str
    support_email: str


def invite(session: Session, tenant: Tenant, email: str, role: str, *, request: Invitation) -> UserInvitation | None:
    """Invite an e-mail address into a tenant. A person who is already a user is added to it and notified by mail.

    :param session: a cross-tenant session.
    :param email: as typed; it is normalized.
    :param role: the name of the role to hold in the tenant.
    :returns: the invitation, None if there is a user with the address.
    :raises DomainError: the address was invited already, or is that of a member or of an inactive user; or the role cannot
        be held in a tenant.
    :raises Gone: there is no such role.
    """
    email = clean_email(email)
    if len(email) > EMAIL_LENGTH:
        raise DomainError(f"An email address can have up to {EMAIL_LENGTH} characters.", field="email")
    serialize(session, REGISTRATION, email)
    user = find_by_email(session, email)
    if user is not None:
        _add_user(session, user, tenant, role, request)
        return None
    role_id = user_rules.tenant_role(session, role, tenant.id).id
    _end_expired(session, tenant, email, now=request.now)
    token = new_token("inv_")
    invitation = UserInvitation(
        tenant_id=tenant.id,
        email=email,
        role_id=role_id,
        invited_by=request.by.name,
        token_hash=hash_token(token),
        sent_at=request.now,
        expires_at=request.now + LIFETIME,
    )
    session.add(invitation)
    session.flush()
    _record(session, "invitation.invited", invitation, request.by, {"email": email, "role": role})
    _mail(session, invitation, tenant, token, request)
    return invitation


def send_again(session: Session, invitation: UserInvitation, *, request: Invitation) -> None:
    """Mail a new link, valid for another 7 days; the previous one ends.

    :raises DomainError: the invitation was used or withdrawn.
    :raises Gone: it was deleted.
    """
    _lock_open(session, invitation, now=request.now)
    token = new_token("inv_")
    invitation.token_hash, invitation.password = hash_token(token), None
    invitation.sent_at, invitation.expires_at = request.now, request.now + LIFETIME
    _record(session, "invitation.sent_again", invitation, request.by, {"email": invitation.email})
    _mail(session, invitation, session.get_one(Tenant, invitation.tenant_id), token, request)
    session.flush()


def withdraw(session: Session, invitation: UserInvitation, *, now: datetime, by: Actor) -> None:
    """Withdraw an invitation; its link ends.

    :raises DomainError: it was used or withdrawn.
    :raises Gone: it was deleted.
    """
    _lock_open(session, invitation, now=now)
    invitation.withdrawn_at, invitation.password = now, None
    _record(session, "invitation.withdrawn", invitation, by, {"email": invitation.email})
    session.flush()


def url_of(token: str, *, portal_url: str) -> str:
    """Return the URL of a link; ``RegistrationView`` has its route."""
    return f"{portal_url}/register/{token}"


def tenant_of(token: str) -> str | None:
    """Return the ID of the tenant whose invitation has a token, None if the token is unknown."""
    with all_tenants("a mailed link is opened outside any tenant") as session:
        return session.scalar(select(UserInvitation.tenant_id).where(UserInvitation.token_hash == hash_token(token)))


def look_up(session: Session, token: str) -> UserInvitation | None:
    """Return the invitation with a token, in a session of its tenant, without using it."""
    return session.scalar(select(UserInvitation).where(UserInvitation.token_hash == hash_token(token)))


def remove_old(session: Session, *, now: datetime) -> None:
    """Delete invitations whose link ended longer than ``KEPT_FOR`` ago, and the passwords typed for expired ones.

    :param session: a cross-tenant session.
    """
    session.execute(
        delete(UserInvitation)
        .where(UserInvitation.expires_at <= now - KEPT_FOR)
        .execution_options(synchronize_session=False)
    )
    session.execute(
        update(UserInvitation)
        .where(UserInvitation.expires_at <= now, UserInvitation.password.is_not(None))
        .values(password=None)
        .execution_options(synchronize_session=False)
    )


def _add_user(session: Session, user: object, tenant: Tenant, role: str, request: Invitation) -> None:
    if not getattr(user, "active", False):
        raise DomainError(INACTIVE, field="email")
    try:
        user_rules.join_tenant(session, user, tenant, role, by=request.by)
    except DomainError as error:
        # In this form, it is the address that is wrong.
        raise DomainError(error.message, field="email" if error.field == "tenant" else error.field) from error
    user_rules.mail_membership(
        session, user, tenant, portal_url=request.portal_url, support_email=request.support_email, now=request.now
    )


def _end_expired(session: Session, tenant: Tenant, email: str, *, now: datetime) -> None:
    """Withdraw an expired invitation of the same address, and refuse to invite it twice."""
    known = session.scalar(
        select(UserInvitation)
        .where(
            UserInvitation.tenant_id == tenant.id,
            UserInvitation.email == email,
            UserInvitation.used_at.is_(None),
            UserInvitation.withdrawn_at.is_(None),
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if known is None:
        return
    if known.state(now=now) == InvitationState.PENDING:
        raise DomainError(INVITED_ALREADY, field="email")
    known.withdrawn_at, known.password = now, None
    session.flush()


def _lock_open(session: Session, invitation: UserInvitation, *, now: datetime) -> None:
    lock(session, invitation)
    if invitation.state(now=now) not in {InvitationState.PENDING, InvitationState.EXPIRED}:
        raise DomainError(ENDED)


def _mail(session: Session, invitation: UserInvitation, tenant: Tenant, token: str, request: Invitation) -> None:
    values = {
        "Email": invitation.email,
        "TenantId": tenant.id,
        "TenantName": tenant.name,
        "Url": url_of(token, portal_url=request.portal_url),
        "SupportEmail": request.support_email,
    }
    outbox.write(session, "user_invited", invitation.email, values, now=request.now, tenant_id=tenant.id, secret=token)


def _record(session: Session, action: str, invitation: UserInvitation, by: Actor, after: Mapping[str, object]) -> None:
    audit.record(session, action, invitation, by=by, after=dict(after))
