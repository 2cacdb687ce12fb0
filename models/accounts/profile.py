"""What users say about themselves: at the registration (§2.2), and later on their profile page."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import audit
from models.accounts.user import User
from models.actor import Actor
from models.errors import NOTHING_CHANGED, DomainError, Gone
from models.versioned import lock_version

NAME_LENGTH = 100
"""The maximum length of the user name (ユーザ名), and of the names of company and department."""
NOTE_LENGTH = 255


class Profile(NamedTuple):
    """The items of a user's profile.

    :ivar name: family name and given name, separated by a blank (ユーザ名).
    :ivar phone: digits, empty for none.
    """

    name: str
    company: str = ""
    department: str = ""
    phone: str = ""
    note: str = ""

    @property
    def columns(self) -> dict[str, Any]:
        """The values of the columns of ``User``."""
        last_name, first_name = split_name(self.name)
        values: dict[str, Any] = self._asdict()
        del values["name"]
        return {"last_name": last_name, "first_name": first_name, **values}

    @property
    def words(self) -> Iterator[str]:
        """What somebody who knows the user would try in a password."""
        yield from (*split_name(self.name), self.company, self.department)


def clean_name(typed: str) -> str:
    """Normalize a user name: full-width letters to half width, one blank between the names.

    >>> clean_name(" 見守　　花子 ")
    '見守 花子'
    """
    return " ".join(unicodedata.normalize("NFKC", typed).split())


def split_name(name: str) -> tuple[str, str]:
    """Return the family name and the given name of a normalized user name; the latter is empty if there is no blank.

    >>> split_name("見守 花子")
    ('見守', '花子')
    """
    last_name, _, first_name = name.partition(" ")
    return last_name, first_name


def profile_of(user: Any) -> Profile:
    """Return the profile of a user."""
    return Profile(user.get_full_name(), user.company, user.department, user.phone, user.note)


def change_profile(session: Session, user_id: int, profile: Profile, *, version: int, by: Actor) -> None:
    """Change a user's own profile.

    :param version: the user's version when the person opened the form.
    :raises Conflict: the user was changed in the meantime.
    :raises Gone: the user was deleted in the meantime.
    :raises DomainError: nothing changes.
    """
    user = session.scalar(select(User).where(User.id == user_id))
    if user is None:
        raise Gone
    lock_version(session, user, version)
    for name, value in profile.columns.items():
        if getattr(user, name) != value:
            setattr(user, name, value)
    before, after = audit.changes(user)
    if before is None and after is None:
        raise DomainError(NOTHING_CHANGED)
    user.version += 1
    audit.record(session, "user.changed", ("User", user.id), by=by, before=before, after=after)
