"""Announcements."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from models.support.announcement import Announcement
from models.tenants.tenant import Tenant

if TYPE_CHECKING:
    from tests.factories import Make


def announcement(make: Make, *, tenant: Tenant | None = None, **values: Any) -> Announcement:
    """An announcement to all tenants, published long ago and without an end."""
    defaults = {
        "title": f"お知らせ{make.number()}",
        "body": "本文です。",
        "starts_on": date(2026, 4, 1),
        "published_at": datetime(2026, 4, 1, tzinfo=UTC),
    }
    return make.save(Announcement(**defaults | values))
