"""Register as a user by the link of an invitation (§2.2), in two steps.

The first step stores only the hash of the password, the second creates the user. What else was typed is in the second
step's page.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy.orm import Session

from models import audit
from models.accounts import password_hash, password_policy, user_rules
from models.accounts.invitation import InvitationState, UserInvitation
from models.accounts.invitation_rules import REGISTRATION
from models.accounts.profile import Profile
from models.accounts.user import find_by_email
from models.actor import Actor
from models.errors import N_, DomainError
from models.row_lock import lock, serialize

ENTER_AGAIN = N_("Enter the password again: it was entered in another window, or the page was open for too long.")


class Step(StrEnum):
    """What a link of an invitation leads to."""

    REGISTER = "register"
    JOIN = "join"
    INACTIVE = "inactive"
    USED = "used"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


_CLOSED = {
    InvitationState.USED: Step.USED,
    InvitationState.EXPIRED: Step.EXPIRED,
    InvitationState.WITHDRAWN: Step.WITHDRAWN,
}


def step_of(session: Session, invitation: UserInvitation, *, now: datetime) -> Step:
    """Return what a link leads to: ``JOIN`` for an address that has become that of a user since it was invited.

    For a user who may not sign in, as in an invitation of the address, it is ``INACTIVE``.
    """
    state = invitation.state(now=now)
    if state in _CLOSED:
        return _CLOSED[state]
    user = find_by_email(session, invitation.email)
    if user is None:
        return Step.REGISTER
    return Step.JOIN if user.active else Step.INACTIVE


def words_of(invitation: UserInvitation, profile: Profile) -> list[str]:
    """Return the words that the password must not be built from, besides the address."""
    return [*profile.words, invitation.tenant.name]


def enter(session: Session, invitation: UserInvitation, password: str, profile: Profile, *, now: datetime) -> int:
    """Keep the hash of the password that was typed in the first step.

    :returns: the number of this entry, which the second step names.
    :raises DomainError: the password violates the policy, or the link has ended.
    """
    password_policy.check(password, invitation.email, words_of(invitation, profile))
    hashed = password_hash.make(password)
    lock(session, invitation)
    if invitation.state(now=now) != InvitationState.PENDING:
        raise DomainError(ENTER_AGAIN)
    invitation.password = hashed
    invitation.drafts += 1
    session.flush()
    return invitation.drafts


def register(  # noqa: PLR0913  (a rule takes what was entered, its clock and who it is)
    session: Session, invitation: UserInvitation, profile: Profile, *, entry: int, now: datetime, by: Actor
) -> Any | None:
    """Create the user, with the role in the tenant, and end the invitation. Of concurrent calls, one does.

    :param session: a session of the invitation's tenant.
    :param entry: the number of the entry whose password is to be used.
    :returns: the user; None if the link does not lead to a registration any more.
    :raises DomainError: another password was entered meanwhile (field ``password``).
    """
    if _locked_step(session, invitation, now=now) != Step.REGISTER:
        return None
    if invitation.password is None or invitation.drafts != entry:
        raise DomainError(ENTER_AGAIN, field="password")
    user = user_rules.create_user(session, invitation.email, hashed=invitation.password, by=by, **profile.columns)
    user_rules.join_tenant(session, user, invitation.tenant, invitation.role.name, by=by)
    _end(session, invitation, user, now=now, by=by)
    return user


def join(session: Session, invitation: UserInvitation, *, now: datetime, by: Actor) -> bool:
    """Add the user whom the address belongs to, and end the invitation.

    :param session: a session of the invitation's tenant.
    :returns: False if the link does not lead there any more.
    """
    if _locked_step(session, invitation, now=now) != Step.JOIN:
        return False
    user = find_by_email(session, invitation.email, locked=True)
    if not user_rules.is_member(session, user, invitation.tenant_id):
        user_rules.join_tenant(session, user, invitation.tenant, invitation.role.name, by=by)
    _end(session, invitation, user, now=now, by=by)
    return True


def _locked_step(session: Session, invitation: UserInvitation, *, now: datetime) -> Step:
    serialize(session, REGISTRATION, invitation.email)
    lock(session, invitation)
    return step_of(session, invitation, now=now)


def _end(session: Session, invitation: UserInvitation, user: Any, *, now: datetime, by: Actor) -> None:
    invitation.used_at, invitation.password = now, None
    after = {"email": invitation.email, "user_id": user.id}
    audit.record(session, "invitation.registered", invitation, by=by, after=after)
    session.flush()
