"""Users: FAB's user model with the portal's columns, and the rules for account locking (§3.1).

The columns are added to FAB's own class before the mappers are configured. With a subclass, the same row would have two
identities in one session (docs/adr/0003-appbuilder-as-a-toolbox.md). tests/models/accounts/test_user.py checks this.
"""

from __future__ import annotations

import unicodedata
from datetime import datetime, timedelta
from typing import Any

from flask_appbuilder.models.decorators import renders
from flask_appbuilder.security.sqla.models import Role, User
from sqlalchemy import Boolean, DateTime, ForeignKey, Index, Integer, String, func, select, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import audit
from models.accounts import password_hash
from models.actor import Actor
from models.values.visible_text import visible

EMAIL_LENGTH = 254
"""The maximum length of an e-mail address (RFC 5321)."""

_locked_until: Mapped[datetime | None] = mapped_column("locked_until", DateTime(timezone=True), nullable=True)
# Display preferences: rows per page, the side menu (views/preferences.py).
_preferences: Mapped[dict[str, Any]] = mapped_column(
    "preferences", JSONB, default=dict, server_default="{}", nullable=False
)
User.preferences = _preferences
# Optimistic locking for the two FAB tables that people edit; their rules increment it (models/versioned.py).
_user_version: Mapped[int] = mapped_column("version", Integer, default=1, server_default="1", nullable=False)
_role_version: Mapped[int] = mapped_column("version", Integer, default=1, server_default="1", nullable=False)
# The only tenant in which a custom role can be held; NULL for a role that can be held in any (models/accounts/role.py).
_role_tenant: Mapped[str | None] = mapped_column("tenant_id", String(8), ForeignKey("tenant.id"), nullable=True)
Role.tenant_id = _role_tenant
# Whether the user has an authenticator app or a passkey. Kept by models.accounts.second_factor, because every request reads it.
_has_second_factor: Mapped[bool] = mapped_column(
    "has_second_factor", Boolean, default=False, server_default="false", nullable=False
)
User.has_second_factor = _has_second_factor
# The profile (models/accounts/profile.py). The family name is the whole name where no given name was told apart.
for _name, _length in (("company", 100), ("department", 100), ("phone", 15), ("note", 255)):
    _column: Mapped[str] = mapped_column(_name, String(_length), default="", server_default="", nullable=False)
    setattr(User, _name, _column)
for _name in ("last_name", "first_name"):
    User.__table__.c[_name].type = String(100)
User.version = _user_version
Role.version = _role_version
User.locked_until = _locked_until
# The user name is the e-mail address here, and FAB's column is too short for it.
User.__table__.c.username.type = String(EMAIL_LENGTH)
# Lists that show the full name sort by the family name.
User.get_full_name = renders("last_name")(lambda self: f"{self.last_name} {self.first_name}".strip())

Index("ix_ab_role_tenant_id", Role.tenant_id)
Index("uq_ab_user_lower_email", func.lower(User.email), unique=True)

__all__ = ["Role", "User"]


def clean_email(typed: str) -> str:
    """Normalize an e-mail address: half width, lower case, no blanks around it, no invisible characters."""
    return visible(unicodedata.normalize("NFKC", typed)).strip().lower()


def find_by_email(session: Session, typed: str, *, locked: bool = False) -> Any | None:
    """Return the user with an e-mail address, however it was typed.

    :param locked: lock the row until the end of the transaction and reload it.
    """
    statement = select(User).where(func.lower(User.email) == clean_email(typed))
    if locked:
        statement = statement.with_for_update(key_share=True).execution_options(populate_existing=True)
    return session.scalar(statement)


def password_matches(user: Any | None, password: str) -> bool:
    """Whether the password is correct. Takes equally long for unknown users, so that the timing reveals nothing."""
    return password_hash.matches(user.password if user is not None else None, password)


def is_locked(user: Any, *, now: datetime) -> bool:
    """Whether the account is currently locked after too many wrong passwords."""
    return user.locked_until is not None and user.locked_until > now


def count_failure(  # noqa: PLR0913  (a rule takes its limits and its clock as arguments)
    session: Session, user: Any, *, now: datetime, limit: int, lock_for: timedelta, by: Actor
) -> bool:
    """Count a wrong password, and lock the account at the limit.

    One statement increments and returns the counter, so that concurrent guesses are all counted. While the account is
    locked the attempt is only recorded, as refused, so that the lock is not extended and its mail is sent once.

    :param limit: the number of consecutive wrong passwords that locks the account.
    :param lock_for: how long the account stays locked.
    :returns: True only for the failure that locked the account.
    """
    failures = _increment_failures(session, user.id, now=now)
    if failures is None:
        audit.record(session, "sign_in.refused", ("User", user.id), by=by)
        return False
    audit.record(session, "sign_in.failed", ("User", user.id), by=by)
    if failures < limit:
        return False
    locked_until = now + lock_for
    # The statement above still holds the row lock, so only one of several concurrent guesses reaches the limit.
    session.execute(
        update(User)
        .where(User.id == user.id)
        .values(locked_until=locked_until, fail_login_count=0)
        .execution_options(synchronize_session=False)
    )
    audit.record(session, "account.locked", ("User", user.id), by=by, after={"locked_until": locked_until.isoformat()})
    return True


def count_failure_of_nobody(session: Session, *, now: datetime) -> None:
    """Take as long as for counting a wrong password, for an unknown e-mail address."""
    _increment_failures(session, 0, now=now)


def _increment_failures(session: Session, user_id: int, *, now: datetime) -> int | None:
    return session.scalar(
        update(User)
        .where(User.id == user_id, (User.locked_until.is_(None)) | (User.locked_until <= now))
        .values(fail_login_count=func.coalesce(User.fail_login_count, 0) + 1)
        .returning(User.fail_login_count)
        .execution_options(synchronize_session=False)
    )


def record_sign_in(session: Session, user: Any, *, now: datetime, by: Actor) -> None:
    """Record a successful sign-in and reset the counter of wrong passwords."""
    count_sign_in(session, user, now=now, fail_login_count=0, locked_until=None)
    audit.record(session, "sign_in.succeeded", ("User", user.id), by=by)


def count_sign_in(session: Session, user: Any, *, now: datetime, **values: Any) -> None:
    """Count a sign-in and note its time.

    :param values: the values of further columns.
    """
    session.execute(
        update(User)
        .where(User.id == user.id)
        .values(login_count=func.coalesce(User.login_count, 0) + 1, last_login=now.replace(tzinfo=None), **values)
        .execution_options(synchronize_session=False)
    )
