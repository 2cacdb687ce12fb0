"""Change one's own password (§12)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import audit
from models.accounts import password_policy
from models.accounts.identity import SignedIn
from models.accounts.password_rules import set_password
from models.accounts.sign_in_rules import Locking, count_wrong_password
from models.accounts.user import User, clean_email, is_locked, password_matches
from models.actor import Actor
from models.errors import N_, DomainError, Gone
from models.row_lock import serialize

SAME_PASSWORD = N_("Enter a password other than the current one.")


def change_password(  # noqa: PLR0913  (a rule takes its limits and its clock as arguments)
    session: Session, person: SignedIn, current: str, password: str, *, locking: Locking, now: datetime, by: Actor
) -> bool:
    """Change the password of the signed-in user, and end their sessions in other browsers.

    A wrong current password counts like one at sign-in. While the account is locked, the right one is refused too.

    :param current: the current password, as typed.
    :param password: the new password, as typed.
    :returns: False if the current password is refused, without distinguishing the reason.
    :raises DomainError: the new password violates the policy, or is the current one.
    :raises Gone: the user was deleted concurrently.
    """
    # In turn with attempts to sign in, which count wrong passwords too.
    serialize(session, "sign_in", clean_email(person.email))
    own = select(User).where(User.id == person.id)
    user = session.scalar(own.with_for_update(key_share=True).execution_options(populate_existing=True))
    if user is None:
        raise Gone
    right = password_matches(user, current)
    if is_locked(user, now=now):
        audit.record(session, "password.change_refused", ("User", user.id), by=by)
        return False
    if not right:
        count_wrong_password(session, user, locking, now=now, by=by)
        return False
    password_policy.check(password, user.email, password_policy.words_of(user))
    if password == current:
        raise DomainError(SAME_PASSWORD, field="password")
    set_password(session, user, password, by=by, keep=person.session_token)
    return True
