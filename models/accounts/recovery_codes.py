"""Recovery codes: a user's second factor when the phone or the passkey is lost. Each code works once.

Not scoped: they belong to a user, not to a tenant.
"""

from __future__ import annotations

import secrets
import unicodedata
from datetime import datetime

from sqlalchemy import DateTime, ForeignKey, Integer, String, delete, func, insert, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.db import Base
from models.tokens import hash_token

COUNT = 10
"""How many codes a user gets at once."""

# Without letters and digits that look alike: 5 random bits each.
_LETTERS = "abcdefghijklmnopqrstuvwxyz234567"
_LENGTH = 28
_GROUP = 4


class RecoveryCode(Base):
    """A recovery code. Used codes are kept until the user gets new ones, to show how many are left of how many."""

    __tablename__ = "recovery_code"

    user_id: Mapped[int] = mapped_column(Integer, ForeignKey("ab_user.id", ondelete="CASCADE"), primary_key=True)
    # SHA-256 in hex. A fast hash is enough: a code is 140 random bits (120 until 2026-11), not a password chosen by a person.
    code_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    used_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


def renew(session: Session, user_id: int) -> list[str]:
    """Give a user new codes, which replace all earlier ones.

    :param user_id: the user, whose row the caller has locked.
    :returns: the codes, which are not stored anywhere.
    """
    remove_all(session, user_id)
    codes = [_new_code() for _ in range(COUNT)]
    session.execute(insert(RecoveryCode), [{"user_id": user_id, "code_hash": _hash(code)} for code in codes])
    return codes


def use(session: Session, user_id: int, code: str, *, now: datetime) -> bool:
    """Use a code up; return False if it is wrong or was used before.

    :param code: as typed.
    """
    used = session.execute(
        update(RecoveryCode)
        .where(RecoveryCode.user_id == user_id, RecoveryCode.code_hash == _hash(code), RecoveryCode.used_at.is_(None))
        .values(used_at=now)
        .returning(RecoveryCode.user_id)
        .execution_options(synchronize_session=False)
    ).first()
    return used is not None


def left(session: Session, user_id: int) -> int:
    """Return how many codes of a user have not been used."""
    unused = select(func.count()).where(RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None))
    return session.scalar(unused) or 0


def remove_all(session: Session, user_id: int) -> None:
    """Delete all codes of a user."""
    session.execute(
        delete(RecoveryCode).where(RecoveryCode.user_id == user_id).execution_options(synchronize_session=False)
    )


def _new_code() -> str:
    """Return a random code in groups of four characters, without letters and digits that look alike."""
    groups = ("".join(secrets.choice(_LETTERS) for _ in range(_GROUP)) for _ in range(_LENGTH // _GROUP))
    return "-".join(groups)


def _hash(code: str) -> str:
    """Return the hash of a code, however it was typed."""
    typed = unicodedata.normalize("NFKC", code).lower()
    return hash_token("".join(each for each in typed if each.isalnum()))
