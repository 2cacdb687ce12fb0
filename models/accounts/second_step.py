"""Complete a sign-in: with a second factor after a correct password, or with a passkey alone.

Wrong codes count like wrong passwords, and lock the account at the same limit (§3.1).
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import audit
from models.accounts import membership, passkey, second_factor, sign_in_rules
from models.accounts.identity import SignedIn
from models.accounts.membership import Membership
from models.accounts.passkey import Signed
from models.accounts.role import ELEVATED
from models.accounts.sign_in_rules import Locking, SecondStep
from models.accounts.user import Role, User, clean_email, is_locked
from models.actor import Actor
from models.row_lock import serialize
from models.tenants.tenant import Tenant


class StepOver(Exception):
    """The second step is not possible any more: the password was changed, or the user deleted or deactivated."""


def user_of(session: Session, step: SecondStep) -> Any:
    """Return the user of a second step.

    :raises StepOver: it is not possible any more.
    """
    return _in_step(session.get(User, step.user_id), step)


def complete_with_code(  # noqa: PLR0913  (a rule takes its limits and its clock as arguments)
    session: Session, step: SecondStep, code: str, *, locking: Locking, now: datetime, by: Actor
) -> SignedIn | None:
    """Complete a sign-in with a code of the authenticator app or a recovery code.

    :param code: as typed.
    :returns: the user with a new session, None if the code is wrong or the account is locked.
    :raises StepOver: the second step is not possible any more.
    """
    user, by = _locked(session, step, by=by)
    if is_locked(user, now=now):
        audit.record(session, "sign_in.refused", ("User", user.id), by=by)
        return None
    if not second_factor.use_code(session, user, code, now=now):
        sign_in_rules.count_wrong_password(session, user, locking, now=now, by=by)
        return None
    return sign_in_rules.begin(session, user, now=now, by=by)


def complete_with_passkey(
    session: Session, step: SecondStep, signed: Signed, *, now: datetime, by: Actor
) -> SignedIn | None:
    """Complete a sign-in with one of the user's passkeys.

    A wrong response is not counted: signatures cannot be guessed.

    :returns: the user with a new session, None if the response is not valid or the account is locked.
    :raises StepOver: the second step is not possible any more.
    """
    user, by = _locked(session, step, by=by)
    found = passkey.named_in(session, signed)
    return _with_passkey(session, user, found, signed, allowed=lambda: True, alone=False, now=now, by=by)


def sign_in_with_passkey(
    session: Session, signed: Signed, *, for_nec: bool, now: datetime, by: Actor
) -> SignedIn | None:
    """Sign a user in with a passkey instead of the password, where all tenants of the user allow it.

    :param for_nec: whether users who hold a role in every tenant may do so.
    :returns: the user with a new session; None for every refusal, without distinguishing the reason.
    """
    found = passkey.named_in(session, signed)
    user = _lock(session, found.user_id) if found is not None else None
    if user is None:
        audit.record(session, "sign_in.refused", ("User", 0), by=by)
        return None
    by = replace(by, name=user.email, user_id=user.id)
    return _with_passkey(
        session,
        user,
        found,
        signed,
        allowed=lambda: (
            user.active
            and membership.allows_password(session, user.id)
            and _may_sign_in_with_passkey(session, user, for_nec=for_nec)
        ),
        alone=True,
        now=now,
        by=by,
    )


def _with_passkey(  # noqa: PLR0913  (what is shared by both ways to use a passkey)
    session: Session,
    user: Any,
    found: passkey.Passkey | None,
    signed: Signed,
    *,
    allowed: Callable[[], bool],
    alone: bool,
    now: datetime,
    by: Actor,
) -> SignedIn | None:
    valid = (
        found is not None
        and found.user_id == user.id
        and not is_locked(user, now=now)
        and allowed()
        and passkey.use(session, found, signed, alone=alone, now=now)
    )
    if not valid:
        audit.record(session, "sign_in.refused", ("User", user.id), by=by)
        return None
    return sign_in_rules.begin(session, user, now=now, by=by)


def _may_sign_in_with_passkey(session: Session, user: Any, *, for_nec: bool) -> bool:
    """Return whether a user may sign in with a passkey alone."""
    allowing = list(
        session.scalars(
            select(Tenant.passkey_sign_in)
            .join(Membership, Membership.tenant_id == Tenant.id)
            .where(Membership.user_id == user.id)
        )
    )
    nec = session.scalar(select(User.roles.any(Role.name.in_(ELEVATED))).where(User.id == user.id))
    return all(allowing) and (for_nec if nec else bool(allowing))


def _locked(session: Session, step: SecondStep, *, by: Actor) -> tuple[Any, Actor]:
    """Lock the user of a second step, and return them with the actor of the attempt.

    :raises StepOver: the second step is not possible any more.
    """
    user = _in_step(_lock(session, step.user_id), step)
    return user, replace(by, name=user.email, user_id=user.id)


def _lock(session: Session, user_id: int) -> Any:
    """Lock a user, in turn with other attempts to sign in, and reload it; None if there is no such user."""
    email = session.scalar(select(User.email).where(User.id == user_id))
    if email is None:
        return None
    serialize(session, "sign_in", clean_email(email))
    own = select(User).where(User.id == user_id)
    return session.scalar(own.with_for_update(key_share=True).execution_options(populate_existing=True))


def _in_step(user: Any, step: SecondStep) -> Any:
    if user is None or not user.active or not hmac.compare_digest(sign_in_rules.stamp(user), step.stamp):
        raise StepOver
    return user
