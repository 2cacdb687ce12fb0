"""Set passwords, and revoke the access that an earlier password or e-mail address gave."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from models import audit
from models.accounts import password_hash, password_link, password_policy, user_session
from models.accounts.password_link import NO_LINK, PasswordLink
from models.actor import Actor
from models.errors import DomainError
from models.row_lock import lock


def set_password(session: Session, user: Any, password: str, *, by: Actor, keep: str | None = None) -> None:
    """Set a user's password, end their sessions, revoke their password links and unlock the account.

    :param user: locked by the caller.
    :param password: a password that meets the policy.
    :param keep: the token of a session that does not end.
    """
    user.password = password_hash.make(password)
    user.locked_until = None
    user.fail_login_count = 0
    end_access(session, user, keep=keep)
    audit.record(session, "password.changed", ("User", user.id), by=by)


def end_access(session: Session, user: Any, *, keep: str | None = None) -> None:
    """End all sessions of a user and revoke all their password links.

    :param user: locked by the caller.
    :param keep: the token of a session that does not end.
    """
    user_session.revoke_all(session, user.id, but=keep)
    password_link.revoke_all(session, user.id)


def use_link(session: Session, token: str, password: str, *, now: datetime, by: Actor) -> Any:
    """Set the password of a link's user and mark the link as used.

    :param password: as typed.
    :returns: the user.
    :raises DomainError: the link is not valid (field None), or the password violates the policy (field ``password``);
        in the latter case the link stays valid.
    :raises Gone: the user was deleted concurrently.
    """
    link = password_link.open_link(session, token, now=now)
    if link is None:
        raise DomainError(NO_LINK)
    password_policy.check(password, link.user.email, password_policy.words_of(link.user))
    # Lock the user before the link, in the same order as everywhere else, to avoid deadlocks.
    lock(session, link.user)
    # The check above only chooses the error message; this statement decides. When a link is used twice concurrently,
    # the second request waits for the first and then finds the link used.
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
