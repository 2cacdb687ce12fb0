"""People who sign in: FAB's user, with what the portal adds, and the lock-out rule (§3.1).

The columns are added to FAB's own class before mappers are configured. A subclass would give the same row two
identities in one session (docs/adr/0003-appbuilder-as-a-toolbox.md); tests/models/accounts/test_user.py guards it.
"""

from __future__ import annotations

import unicodedata
from datetime import datetime, timedelta
from typing import Any

from flask_appbuilder.models.decorators import renders
from flask_appbuilder.security.sqla.models import Role, User
from sqlalchemy import DateTime, Index, Integer, String, func, select, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column
from werkzeug.security import check_password_hash, generate_password_hash

from models import audit
from models.actor import Actor
from models.values.visible_text import visible

PASSWORD_METHOD = "scrypt:32768:8:1"  # noqa: S105  (a hash method, not a password)

EMAIL_LENGTH = 254
"""The longest address there is (RFC 5321)."""

# The hash of a random password nobody has: what an unknown address is checked against.
_HASH_OF_NOTHING = (
    "scrypt:32768:8:1$JaZHSZRSoJzJf172$"
    "0959981d136d519f5b9f03eabb892d8a7ce1c8cfcfd30a05519f5912f1c97715"
    "89ff2be7f66d0ccd77e3d94708b58389750fa03db6fc3043fb8bcba169891fba"
)

_locked_until: Mapped[datetime | None] = mapped_column("locked_until", DateTime(timezone=True), nullable=True)
# How the user wants the screens: a page's rows, the side menu (views/preferences.py).
_preferences: Mapped[dict[str, Any]] = mapped_column(
    "preferences", JSONB, default=dict, server_default="{}", nullable=False
)
User.preferences = _preferences
# The optimistic lock of the two tables of FAB's that people edit; their rules raise it (models/versioned.py).
_user_version: Mapped[int] = mapped_column("version", Integer, default=1, server_default="1", nullable=False)
_role_version: Mapped[int] = mapped_column("version", Integer, default=1, server_default="1", nullable=False)
User.version = _user_version
Role.version = _role_version
User.locked_until = _locked_until
# FAB's user name is the address here, and FAB leaves it half of an address's length.
User.__table__.c.username.type = String(EMAIL_LENGTH)
# A list that shows the name sorts by the family name.
User.get_full_name = renders("last_name")(lambda self: f"{self.last_name} {self.first_name}".strip())

Index("uq_ab_user_lower_email", func.lower(User.email), unique=True)

__all__ = ["Role", "User"]


def clean_email(typed: str) -> str:
    """The form in which addresses are stored and compared: half width, lower case, nothing blank around, nothing unseen."""
    return visible(unicodedata.normalize("NFKC", typed)).strip().lower()


def find_by_email(session: Session, typed: str, *, locked: bool = False) -> Any | None:
    """The user with an e-mail address, however it was typed.

    :param locked: hold the row until the transaction ends, and read it anew.
    """
    statement = select(User).where(func.lower(User.email) == clean_email(typed))
    if locked:
        statement = statement.with_for_update(key_share=True).execution_options(populate_existing=True)
    return session.scalar(statement)


def hash_password(password: str) -> str:
    """A slow, salted hash of a password."""
    return generate_password_hash(password, method=PASSWORD_METHOD)


def password_matches(user: Any | None, password: str) -> bool:
    """Whether a password is the user's. Takes as long when there is no user, so that the time tells nothing."""
    stored = user.password if user is not None and user.password else _HASH_OF_NOTHING
    return check_password_hash(stored, password) and user is not None and bool(user.password)


def needs_rehash(user: Any) -> bool:
    """Whether the stored hash was made with weaker settings than today's."""
    return not user.password.startswith(f"{PASSWORD_METHOD}$")


def is_locked(user: Any, *, now: datetime) -> bool:
    """Whether the account is locked after too many wrong passwords."""
    return user.locked_until is not None and user.locked_until > now


def count_failure(  # noqa: PLR0913  (a rule takes its limits and its clock as arguments)
    session: Session, user: Any, *, now: datetime, limit: int, lock_for: timedelta, by: Actor
) -> bool:
    """Count one wrong password, and lock the account at the limit.

    One statement counts and reads back: guesses made side by side are all counted. While a lock holds nothing is
    counted, so that the lock ends when it said and is told of once.

    :param limit: wrong passwords in a row that lock the account.
    :param lock_for: how long the lock holds.
    :returns: True for the one failure that locked the account.
    """
    failures = session.scalar(
        update(User)
        .where(User.id == user.id, (User.locked_until.is_(None)) | (User.locked_until <= now))
        .values(fail_login_count=func.coalesce(User.fail_login_count, 0) + 1)
        .returning(User.fail_login_count)
        .execution_options(synchronize_session=False)
    )
    if failures is None:
        return False
    audit.record(session, "sign_in.failed", ("User", user.id), by=by)
    if failures < limit:
        return False
    locked_until = now + lock_for
    # The row is still ours from the statement above, so only one of several guesses gets here with `limit`.
    session.execute(
        update(User)
        .where(User.id == user.id)
        .values(locked_until=locked_until, fail_login_count=0)
        .execution_options(synchronize_session=False)
    )
    audit.record(session, "account.locked", ("User", user.id), by=by, after={"locked_until": locked_until.isoformat()})
    return True


def note_sign_in(session: Session, user: Any, *, now: datetime, by: Actor) -> None:
    """Note a right password: the count of wrong ones starts again at nothing."""
    session.execute(
        update(User)
        .where(User.id == user.id)
        .values(
            fail_login_count=0,
            locked_until=None,
            login_count=func.coalesce(User.login_count, 0) + 1,
            last_login=now.replace(tzinfo=None),
        )
        .execution_options(synchronize_session=False)
    )
    audit.record(session, "sign_in.succeeded", ("User", user.id), by=by)
