"""Authenticator apps as a second factor: time-based one-time passwords (TOTP, RFC 6238).

Not scoped: an app belongs to a user, not to a tenant. A user has at most one.
"""

from __future__ import annotations

import hmac
import unicodedata
from datetime import datetime

import pyotp
from sqlalchemy import BigInteger, ForeignKey, Integer, LargeBinary, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import sealed_secret
from models.db import Base, CreatedAt

STEP_SECONDS = 30

# The clock of a phone may differ, and a code may be typed at the end of its time.
_STEPS_AROUND = 1


class Totp(Base):
    """The authenticator app of a user."""

    __tablename__ = "totp"

    user_id: Mapped[int] = mapped_column(Integer, ForeignKey("ab_user.id", ondelete="CASCADE"), primary_key=True)
    # Encrypted (models.sealed_secret).
    secret: Mapped[bytes] = mapped_column(LargeBinary)
    # The time step of the last code that was used. Only codes of later steps are accepted, so each code works once.
    last_step: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[CreatedAt]


def new_secret() -> str:
    """Return a new random secret, in the form that apps accept."""
    return str(pyotp.random_base32())


def uri(secret: str, *, email: str, issuer: str) -> str:
    """Return what the QR code of a secret contains.

    :param issuer: the name of the portal, which apps show together with the e-mail address.
    """
    return str(pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=issuer))


def store(session: Session, user_id: int, secret: str, *, step: int) -> None:
    """Store the secret of a user's app.

    :param step: the time step of the code that confirmed it.
    """
    session.add(Totp(user_id=user_id, secret=sealed_secret.seal(secret, purpose(user_id)), last_step=step))
    session.flush()


def purpose(user_id: int) -> str:
    """Return the purpose for which the secret of a user's app is encrypted."""
    return f"sealed secret: totp {user_id}"


def encrypt_again(session: Session) -> tuple[int, int]:
    """Encrypt the secrets of all apps with the present ``SECRET_KEY``.

    :param session: a cross-tenant session.
    :returns: how many were encrypted, and how many could be decrypted with no key.
    """
    apps = session.scalars(select(Totp).with_for_update()).all()
    lost = 0
    for app in apps:
        secret = sealed_secret.unseal(app.secret, purpose(app.user_id))
        if secret is None:
            lost += 1
        else:
            app.secret = sealed_secret.seal(secret, purpose(app.user_id))
    return len(apps) - lost, lost


def step_of(secret: str, code: str, *, now: datetime, after: int = 0) -> int | None:
    """Return the time step to which a code belongs, None if it is wrong, expired or not of a later step than ``after``.

    :param code: as typed.
    """
    typed = unicodedata.normalize("NFKC", code).replace(" ", "").encode()
    current = int(now.timestamp()) // STEP_SECONDS
    found = None
    for step in range(current - _STEPS_AROUND, current + _STEPS_AROUND + 1):
        if hmac.compare_digest(pyotp.HOTP(secret).at(step).encode(), typed) and step > after:
            found = step
    return found


def use(session: Session, user_id: int, code: str, *, now: datetime) -> bool:
    """Use a code of a user's app up.

    :param user_id: the user, whose row the caller has locked, so that a code cannot be used twice concurrently.
    :returns: False if the code is wrong or was used before, or the user has no app.
    """
    app = session.get(Totp, user_id, populate_existing=True)
    secret = sealed_secret.unseal(app.secret, purpose(user_id)) if app is not None else None
    if app is None or secret is None:
        return False
    step = step_of(secret, code, now=now, after=app.last_step)
    if step is None:
        return False
    app.last_step = step
    session.flush()
    return True
