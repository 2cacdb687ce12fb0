"""未ログインユーザ: the users who have never signed in to the customers' portal (§5.1 (7))."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import case, literal, select
from sqlalchemy.orm import Session

from models.dashboard.paging import RowPage, read_page
from models.portal_users.never_signed_in import in_sign_up_state, never_signed_in
from models.portal_users.portal_user import PortalUser, SignUpState


def page_of(session: Session, state: SignUpState | None, *, now: datetime, number: int, size: int) -> RowPage:
    """Return a page of the users, the newest first: ``customer_id``, ``last_name``, ``first_name`` and ``state``.

    :param state: only users whose sign-up is in this state; None for all.
    """
    states = case(*((in_sign_up_state(each, now=now), literal(each.value)) for each in SignUpState)).label("state")
    query = select(PortalUser.customer_id, PortalUser.last_name, PortalUser.first_name, states).where(
        PortalUser.deleted_at.is_(None), never_signed_in()
    )
    if state is not None:
        query = query.where(in_sign_up_state(state, now=now))
    order = (PortalUser.created_at.desc(), PortalUser.id.desc())
    return read_page(session, query, order, number=number, size=size)
