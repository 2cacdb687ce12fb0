"""The users of a tenant who have never signed in to the customers' portal, and the state of sign-ups (§5.1 (5) to (7))."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, select

from models.portal_users.portal_user import PortalUser, SignUpState


def never_signed_in() -> ColumnElement[bool]:
    """Return the condition that a ``PortalUser`` has never signed in."""
    return PortalUser.first_sign_in_at.is_(None)


def in_sign_up_state(state: SignUpState, *, now: datetime) -> ColumnElement[bool]:
    """Return the condition that a ``PortalUser``'s sign-up is in a state, consistent with ``sign_up_state``."""
    if state == SignUpState.DONE:
        return PortalUser.signed_up_at.is_not(None)
    ends = PortalUser.sign_up_until
    return and_(PortalUser.signed_up_at.is_(None), ends > now if state == SignUpState.OPEN else ends <= now)


def count_of(*conditions: ColumnElement[bool]) -> ColumnElement[int]:
    """Return an SQL expression for the number of a tenant's users who meet conditions."""
    return (
        select(func.count()).select_from(PortalUser).where(PortalUser.deleted_at.is_(None), *conditions)
    ).scalar_subquery()
