"""What NEC's staff may do with an announcement: write, publish, withdraw and delete it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from models.actor import Actor
from models.errors import N_, DomainError
from models.plain_rules import PlainRules, apply_change
from models.row_lock import lock
from models.support.announcement import Announcement

ENDS_BEFORE_START = N_("The last day is before the first one.")
NO_TENANT = N_("Choose at least one tenant, or all of them.")


class AnnouncementRules(PlainRules):
    """The plain rules, with conditions on the values, and publishing."""

    def create(self, session: Session, values: Mapping[str, Any], *, by: Actor) -> Announcement:
        """Write a draft.

        :raises DomainError: a value is not allowed.
        """
        _check(values)
        row: Announcement = super().create(session, values, by=by)
        return row

    def change(self, session: Session, row: Any, values: Mapping[str, Any], *, version: int, by: Actor) -> None:
        """Change an announcement; a published one stays published.

        :raises Conflict: it was changed in the meantime.
        :raises DomainError: nothing changes, or a value is not allowed.
        """
        _check(values)
        super().change(session, row, values, version=version, by=by)

    def publish(self, session: Session, row: Announcement, *, now: datetime, by: Actor) -> None:
        """Publish a draft: it is shown in its display period. Has no effect if it is already published."""
        lock(session, row)
        if row.published_at is None:
            apply_change(session, row, {"published_at": now}, action="announcement.published", by=by)

    def withdraw(self, session: Session, row: Announcement, *, by: Actor) -> None:
        """Make a published announcement a draft again. Has no effect on a draft."""
        lock(session, row)
        if row.published_at is not None:
            apply_change(session, row, {"published_at": None}, action="announcement.withdrawn", by=by)


def _check(values: Mapping[str, Any]) -> None:
    if values["ends_on"] is not None and values["ends_on"] < values["starts_on"]:
        raise DomainError(ENDS_BEFORE_START, field="ends_on")
    if values["tenant_ids"] == []:
        raise DomainError(NO_TENANT, field="tenants")


rules = AnnouncementRules(Announcement, "announcement")
