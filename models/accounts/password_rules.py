"""Setting a password, and ending what an earlier password or address gave access to."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from models import audit
from models.accounts import password_link, password_policy, user_session
from models.accounts.password_link import NO_LINK, PasswordLink
from models.accounts.user import hash_password
from models.actor import Actor
from models.errors import DomainError
from models.row_lock import lock


def set_password(session: Session, user: Any, password: str, *, by: Actor) -> None:
    """Give a user a new password: what the old one gave access to ends, and so does a lock after wrong passwords.

    :param user: locked by the caller.
    :param password: one that may be used.
    """
    user.password = hash_password(password)
    user.locked_until = None
    user.fail_login_count = 0
    end_access(session, user)
    audit.record(session, "password.changed", ("User", user.id), by=by)


def end_access(session: Session, user: Any) -> None:
    """End every session of a user, and every link with which a password of theirs could be set.

    :param user: locked by the caller.
    """
    user_session.revoke_all(session, user.id)
    password_link.revoke_all(session, user.id)


def use_link(session: Session, token: str, password: str, *, now: datetime, by: Actor) -> Any:
    """Set the password of a link's user, once.

    :param password: as it was typed.
    :returns: the user.
    :raises DomainError: the link opens nothing (field None), or the password may not be used (field ``password``);
        the link can be used after the latter.
    :raises Gone: somebody else deleted the user.
    """
    link = password_link.open_link(session, token, now=now)
    if link is None:
        raise DomainError(NO_LINK)
    password_policy.check(password, link.user.email)
    # The user before the link, as everywhere: the order in which everybody waits.
    lock(session, link.user)
    # The look above was for the words; this decides. Of two who use the link at once, the second has waited for the
    # first, and now finds it used.
    used = session.execute(
        update(PasswordLink)
        .where(PasswordLink.id == link.id, *password_link.is_open(now))
        .values(used_at=now)
        .returning(PasswordLink.id)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if used is None:
        raise DomainError(NO_LINK)
    set_password(session, link.user, password, by=by)
    return link.user
