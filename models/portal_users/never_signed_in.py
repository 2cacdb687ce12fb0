"""The users of a tenant who have never signed in to the customers' portal, and the state of sign-ups (§5.1 (5) to (7))."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session

from models.portal_users.portal_user import PortalUser, SignUpState


class NeverSignedIn(NamedTuple):
    """A user who has never signed in."""

    customer_id: str
    name: str
    state: SignUpState


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


def page_of(
    session: Session, state: SignUpState | None, *, now: datetime, limit: int, offset: int
) -> tuple[list[NeverSignedIn], int]:
    """Return a page of the users who have never signed in, the newest first, and the number of all of them.

    :param state: only users whose sign-up is in this state; None for all. The number is 0 beyond the last page.
    """
    conditions: list[Any] = [PortalUser.deleted_at.is_(None), never_signed_in()]
    if state is not None:
        conditions.append(in_sign_up_state(state, now=now))
    rows = session.execute(
        select(PortalUser, func.count().over())
        .where(*conditions)
        .order_by(PortalUser.created_at.desc(), PortalUser.id.desc())
        .limit(limit)
        .offset(offset)
    ).all()
    found = [NeverSignedIn(user.customer_id, user.name, user.sign_up_state(now=now)) for user, _ in rows]
    return found, rows[0][1] if rows else 0
