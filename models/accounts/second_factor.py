"""The second factors of a user: an authenticator app and passkeys (docs/adr/0020-second-factor.md).

Each change is confirmed with the password, recorded, and told to the user by mail. ``User.has_second_factor`` is kept here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from models import audit
from models.accounts import passkey, recovery_codes, totp
from models.accounts.identity import SignedIn
from models.accounts.passkey import MAX_PASSKEYS, NAME_LENGTH, Passkey, Signed
from models.accounts.password_rules import end_access
from models.accounts.sign_in_rules import Locking, count_wrong_password
from models.accounts.totp import Totp
from models.accounts.user import User, clean_email, is_locked, password_matches
from models.actor import Actor
from models.errors import N_, DomainError, Gone
from models.mail import outbox
from models.row_lock import lock, serialize
from models.values.visible_text import visible

WRONG_PASSWORD = N_("The current password is wrong.")
WRONG_CODE = N_("The code is wrong, has expired or has already been used.")
APP_ALREADY = N_("An authenticator app has already been set up. Turn it off first.")
NO_NAME = N_("Enter a name.")
TOO_LONG = N_("Enter 50 characters or fewer.")
TOO_MANY = N_("You have 10 passkeys. Remove one first.")
NOT_REGISTERED = N_("The passkey could not be registered. Try again.")
REGISTERED_ALREADY = N_("This passkey has already been registered.")
OWN_FACTORS = N_("Turn off your own two-factor authentication on its page.")

_APP_IN_MAILS = "認証アプリ"


class NotConfirmedError(DomainError):
    """The password or code that should confirm a change was wrong. It has been counted, so it must be committed."""


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What a user confirms a change of their own second factors with.

    :param password: the current password, as typed.
    :param code: a code of the app or a recovery code, as typed; None where none is asked for.
    """

    password: str
    locking: Locking
    now: datetime
    by: Actor
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Overview:
    """The second factors of a user.

    :param app_since: when the authenticator app was set up, None without one.
    :param codes_left: the number of recovery codes that have not been used.
    """

    app_since: datetime | None
    passkeys: list[Passkey]
    codes_left: int


def overview(session: Session, user_id: int) -> Overview:
    """Return the second factors of a user."""
    since = session.scalar(select(Totp.created_at).where(Totp.user_id == user_id))
    return Overview(since, passkey.of_user(session, user_id), recovery_codes.left(session, user_id))


def use_code(session: Session, user: Any, code: str, *, now: datetime) -> bool:
    """Use a code of a user's app or a recovery code up; return False if it is neither.

    :param user: locked by the caller.
    """
    return totp.use(session, user.id, code, now=now) or recovery_codes.use(session, user.id, code, now=now)


def add_app(session: Session, person: SignedIn, secret: str, confirmation: Confirmation) -> list[str] | None:
    """Set up an authenticator app, whose first code is in the confirmation.

    :param secret: of the app.
    :returns: recovery codes, if this is the user's first second factor.
    :raises NotConfirmedError: the password is wrong.
    :raises DomainError: the code is wrong, or the user has an app.
    """
    user = _confirmed(session, person, confirmation, with_code=False)
    if session.get(Totp, user.id, populate_existing=True) is not None:
        raise DomainError(APP_ALREADY)
    step = totp.step_of(secret, confirmation.code or "", now=confirmation.now)
    if step is None:
        raise DomainError(WRONG_CODE, field="code")
    totp.store(session, user.id, secret, step=step)
    return _added(session, user, {"factor": "totp"}, _APP_IN_MAILS, confirmation)


def remove_app(session: Session, person: SignedIn, confirmation: Confirmation) -> None:
    """Turn the authenticator app off. Nothing happens if somebody else did so before.

    :raises NotConfirmedError: the password or the code is wrong.
    """
    user = _confirmed(session, person, confirmation, with_code=True)
    row = session.get(Totp, user.id, populate_existing=True)
    if row is None:
        return
    session.delete(row)
    _removed(session, user, {"factor": "totp"}, _APP_IN_MAILS, confirmation, keep=person.session_token)


def add_passkey(
    session: Session, person: SignedIn, name: str, signed: Signed | None, confirmation: Confirmation
) -> list[str] | None:
    """Register a passkey.

    :param name: as typed.
    :param signed: None if the browser sent no response in time.
    :returns: recovery codes, if this is the user's first second factor.
    :raises NotConfirmedError: the password is wrong.
    :raises DomainError: the name or the browser's response is not valid, or the user has too many passkeys.
    """
    user = _confirmed(session, person, confirmation, with_code=False)
    name = _checked_name(name)
    if len(passkey.of_user(session, user.id)) >= MAX_PASSKEYS:
        raise DomainError(TOO_MANY)
    row = passkey.made(signed) if signed is not None else None
    if row is None:
        raise DomainError(NOT_REGISTERED)
    if session.scalar(select(Passkey.id).where(Passkey.credential_id == row.credential_id)) is not None:
        raise DomainError(REGISTERED_ALREADY)
    row.user_id, row.name = user.id, name
    session.add(row)
    session.flush()
    return _added(session, user, {"factor": "passkey", "name": name}, _in_mails(row), confirmation)


def rename_passkey(session: Session, row: Passkey, name: str, *, by: Actor) -> None:
    """Give a passkey another name.

    :raises DomainError: the name is empty or too long.
    :raises Gone: the passkey was removed concurrently.
    """
    lock(session, row)
    before, row.name = row.name, _checked_name(name)
    if before != row.name:
        old, new = {"name": before}, {"name": row.name}
        audit.record(session, "second_factor.renamed", ("User", row.user_id), by=by, before=old, after=new)


def remove_passkey(session: Session, person: SignedIn, passkey_id: int, confirmation: Confirmation) -> None:
    """Remove a passkey of the signed-in user. Nothing happens if it was removed before.

    :raises NotConfirmedError: the password is wrong.
    """
    user = _confirmed(session, person, confirmation, with_code=False)
    row = session.scalar(select(Passkey).where(Passkey.id == passkey_id, Passkey.user_id == user.id))
    if row is None:
        return
    session.delete(row)
    recorded = {"factor": "passkey", "name": row.name}
    _removed(session, user, recorded, _in_mails(row), confirmation, keep=person.session_token)


def renew_codes(session: Session, person: SignedIn, confirmation: Confirmation) -> list[str]:
    """Give the signed-in user new recovery codes, which replace the old ones.

    With an authenticator app, a code is required too: recovery codes can turn it off.

    :raises NotConfirmedError: the password or the code is wrong.
    :raises Gone: the user has no second factor any more.
    """
    has_app = session.get(Totp, person.id) is not None
    user = _confirmed(session, person, confirmation, with_code=has_app)
    if not user.has_second_factor:
        raise Gone
    audit.record(session, "second_factor.codes_renewed", ("User", user.id), by=confirmation.by)
    return recovery_codes.renew(session, user.id)


def reset(session: Session, user: Any, *, portal_url: str, now: datetime, by: Actor) -> None:
    """Remove all second factors of another user, who has lost them, and end their sessions.

    :raises DomainError: it is the acting person's own account.
    :raises Gone: the user was deleted concurrently.
    """
    if user.id == by.user_id:
        raise DomainError(OWN_FACTORS)
    lock(session, user)
    if not user.has_second_factor:
        return
    session.execute(delete(Totp).where(Totp.user_id == user.id))
    session.execute(delete(Passkey).where(Passkey.user_id == user.id))
    _end(session, user, keep=None)
    audit.record(session, "second_factor.reset", ("User", user.id), by=by)
    outbox.write(session, "second_factor_reset", user.email, {"Email": user.email, "PortalUrl": portal_url}, now=now)


def _confirmed(session: Session, person: SignedIn, confirmation: Confirmation, *, with_code: bool) -> Any:
    """Return the signed-in user, locked, if the password, and with ``with_code`` the code, are correct.

    Wrong ones count like wrong passwords at sign-in. While the account is locked, correct ones are refused too.
    """
    now, by = confirmation.now, confirmation.by
    # In turn with attempts to sign in, which count wrong passwords too.
    serialize(session, "sign_in", clean_email(person.email))
    own = select(User).where(User.id == person.id)
    user = session.scalar(own.with_for_update(key_share=True).execution_options(populate_existing=True))
    if user is None:
        raise Gone
    if is_locked(user, now=now):
        audit.record(session, "second_factor.refused", ("User", user.id), by=by)
        raise NotConfirmedError(WRONG_PASSWORD, field="current_password")
    if not password_matches(user, confirmation.password):
        count_wrong_password(session, user, confirmation.locking, now=now, by=by)
        raise NotConfirmedError(WRONG_PASSWORD, field="current_password")
    if with_code and not use_code(session, user, confirmation.code or "", now=now):
        count_wrong_password(session, user, confirmation.locking, now=now, by=by)
        raise NotConfirmedError(WRONG_CODE, field="code")
    return user


def _added(
    session: Session, user: Any, recorded: dict[str, Any], told: str, confirmation: Confirmation
) -> list[str] | None:
    """Record a new second factor, and return recovery codes for the first one.

    :param told: what the mail calls it.
    """
    first = not user.has_second_factor
    user.has_second_factor = True
    audit.record(session, "second_factor.added", ("User", user.id), by=confirmation.by, after=recorded)
    _mail(session, "second_factor_added", user, told, confirmation)
    return recovery_codes.renew(session, user.id) if first else None


def _removed(  # noqa: PLR0913  (what is removed, of whom, and how it is recorded and told)
    session: Session, user: Any, recorded: dict[str, Any], told: str, confirmation: Confirmation, *, keep: str
) -> None:
    """Record that a second factor was removed; without any left, end the user's other sessions."""
    session.flush()
    audit.record(session, "second_factor.removed", ("User", user.id), by=confirmation.by, before=recorded)
    _mail(session, "second_factor_removed", user, told, confirmation)
    if session.get(Totp, user.id) is None and not passkey.of_user(session, user.id):
        _end(session, user, keep=keep)


def _end(session: Session, user: Any, *, keep: str | None) -> None:
    """Note that a user has no second factor any more, and end their sessions.

    :param keep: the token of a session that does not end.
    """
    recovery_codes.remove_all(session, user.id)
    user.has_second_factor = False
    end_access(session, user, keep=keep)


def _mail(session: Session, kind: str, user: Any, told: str, confirmation: Confirmation) -> None:
    values = {"Email": user.email, "Factor": told, "PortalUrl": confirmation.locking.portal_url}
    outbox.write(session, kind, user.email, values, now=confirmation.now)


def _in_mails(row: Passkey) -> str:
    return f"パスキー「{row.name}」"


def _checked_name(typed: str) -> str:
    name = visible(typed).strip()
    if not name:
        raise DomainError(NO_NAME, field="name")
    if len(name) > NAME_LENGTH:
        raise DomainError(TOO_LONG, field="name")
    return name
