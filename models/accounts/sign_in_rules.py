"""Signing in and out (§3.1, §6.1): who gets in, when an account is locked, and what is recorded of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from models import audit
from models.accounts import user, user_session
from models.accounts.identity import SignedIn
from models.actor import Actor
from models.mail import outbox
from models.row_lock import take_turns


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
) -> SignedIn | None:
    """Decide whether somebody gets in, and record the attempt.

    Attempts at the same address are decided one after the other, in the order in which they came: the right password is
    refused once wrong ones that were sent with it have locked the account.

    :param email: as it was typed.
    :param lock_after: wrong passwords in a row that lock the account.
    :param lock_for: how long the lock holds.
    :param portal_url: where the mail about a locked account says the portal is.
    :param by: where the attempt comes from; the audit log has it under the name of the user with the address.
    :returns: the user with a new session, None for every refusal, told apart by nothing.
    """
    # By the address, not by the user's row alone: an address that is nobody's must not answer sooner either.
    take_turns(session, "sign_in", user.clean_email(email))
    found = user.find_by_email(session, email, locked=True)
    if found is not None:
        by = replace(by, name=found.email, user_id=found.id)
    right = user.password_matches(found, password)
    if found is not None and right and found.active and not user.is_locked(found, now=now):
        user.note_sign_in(session, found, now=now, by=by)
        if user.needs_rehash(found):
            found.password = user.hash_password(password)
        token = user_session.start(session, found.id, now=now)
        return SignedIn(
            found.id,
            found.email,
            found.first_name,
            found.last_name,
            active=True,
            preferences=found.preferences,
            session_token=token,
        )
    if found is None or right:
        audit.record(session, "sign_in.refused", ("User", found.id if found is not None else 0), by=by)
    elif user.count_failure(session, found, now=now, limit=lock_after, lock_for=lock_for, by=by):
        values = {"Email": found.email, "PortalUrl": portal_url}
        outbox.write(session, "account_locked", found.email, values, now=now)
    return None


def sign_out(session: Session, person: SignedIn, *, by: Actor) -> None:
    """End the session of a person who is signed in, in every browser that has its cookie."""
    user_session.revoke(session, person.session_token)
    audit.record(session, "sign_out", ("User", person.id), by=by)
