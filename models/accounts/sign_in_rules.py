"""Sign-in and sign-out (§3.1, §6.1), with account locking and audit entries."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from models import audit
from models.accounts import membership, password_hash, user, user_session
from models.accounts.identity import SignedIn, signed_in
from models.actor import Actor
from models.mail import outbox
from models.row_lock import serialize
from models.tokens import hash_token


@dataclass(frozen=True, slots=True)
class Locking:
    """When an account is locked.

    :ivar after: the number of consecutive wrong passwords.
    :ivar lasts: how long the account stays locked.
    :ivar portal_url: the portal's URL for the mail about it.
    """

    after: int
    lasts: timedelta
    portal_url: str


@dataclass(frozen=True, slots=True)
class SecondStep:
    """The state of a sign-in between a correct password and the second factor.

    :ivar stamp: of :func:`stamp`.
    """

    user_id: int
    stamp: str


def sign_in(  # noqa: PLR0913  (a rule takes its limits and its clock as arguments)
    session: Session,
    email: str,
    password: str,
    *,
    lock_after: int,
    lock_for: timedelta,
    portal_url: str,
    now: datetime,
    by: Actor,
) -> SignedIn | SecondStep | None:
    """Check the credentials of a sign-in attempt, start a session and record the attempt.

    Attempts with the same e-mail address are handled one at a time, in order of arrival: a correct password is refused
    if concurrent wrong ones have locked the account before.

    :param email: as typed.
    :param lock_after: the number of consecutive wrong passwords that locks the account.
    :param lock_for: how long the account stays locked.
    :param portal_url: the portal's URL for the mail about a locked account.
    :param by: the origin of the attempt; the audit log records it under the name of the user with that e-mail address.
    :returns: the user with a new session; the second step for a user with a second factor, who has no session yet; None
        for every refusal, without distinguishing the reason.
    """
    # Lock by e-mail address, not only the user's row: an unknown address must not be answered faster.
    serialize(session, "sign_in", user.clean_email(email))
    found = user.find_by_email(session, email, locked=True)
    if found is not None:
        by = replace(by, name=found.email, user_id=found.id)
    right = user.password_matches(found, password)
    if found is not None and right and _may_enter(session, found, now=now):
        if password_hash.needs_rehash(found.password):
            found.password = password_hash.make(password)
        if found.has_second_factor:
            return _ask_for_second_factor(session, found, by=by)
        return begin(session, found, now=now, by=by)
    if found is None:
        user.count_failure_of_nobody(session, now=now)
    if found is None or right:
        audit.record(session, "sign_in.refused", ("User", found.id if found is not None else 0), by=by)
    else:
        locking = Locking(lock_after, lock_for, portal_url)
        count_wrong_password(session, found, locking, now=now, by=by)
    return None


def begin(session: Session, found: Any, *, now: datetime, by: Actor) -> SignedIn:
    """Start a session of a user who has proved who they are, and record the sign-in.

    :param found: the user, locked by the caller.
    """
    user.record_sign_in(session, found, now=now, by=by)
    token = user_session.start(session, found.id, now=now)
    return signed_in(found, token)


def _ask_for_second_factor(session: Session, found: Any, *, by: Actor) -> SecondStep:
    """Record that the password was correct. The counter of wrong attempts goes on: a code may be guessed now."""
    audit.record(session, "sign_in.second_step", ("User", found.id), by=by)
    return SecondStep(found.id, stamp(found))


def stamp(found: Any) -> str:
    """Return a fingerprint of what a second step depends on: it ends with a change of the password or e-mail address."""
    return hash_token(f"{found.id} {found.email} {found.password}")


def _may_enter(session: Session, found: Any, *, now: datetime) -> bool:
    """Return whether a user may sign in by password now."""
    return found.active and not user.is_locked(found, now=now) and membership.allows_password(session, found.id)


def count_wrong_password(session: Session, found: Any, locking: Locking, *, now: datetime, by: Actor) -> None:
    """Count a wrong password of a user, and mail them if it locked the account.

    :param found: the user, locked by the caller.
    """
    if user.count_failure(session, found, now=now, limit=locking.after, lock_for=locking.lasts, by=by):
        values = {"Email": found.email, "PortalUrl": locking.portal_url}
        outbox.write(session, "account_locked", found.email, values, now=now)


def sign_out(session: Session, person: SignedIn, *, by: Actor) -> None:
    """End the session of a signed-in user, in every browser that has its cookie."""
    user_session.revoke(session, person.session_token)
    audit.record(session, "sign_out", ("User", person.id), by=by)
