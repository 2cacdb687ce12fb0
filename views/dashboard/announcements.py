"""お知らせ: the card with the first announcements of the tenant's list (§10.1)."""

from __future__ import annotations

from datetime import datetime

from flask import g
from flask_babel import gettext
from flask_login import current_user

from models import clock
from models.db import db
from models.support.announcement import headlines
from views.base import url_if
from views.screen import formats
from views.screen.table import Button, Table, filled_table

_SHOWN = 5


def announcements_card(now: datetime) -> Table | None:
    """Return the table of the card; None if there are no announcements, or the user may not read them."""
    list_url = url_if("can_list", "Announcements", "AnnouncementView.list")
    if list_url is None:
        return None
    found = headlines(db.session(), g.identity.tenant.id, current_user.id, today=clock.tokyo_day(now), limit=_SHOWN)
    if not found:
        return None
    important = formats.badge({True: gettext("Important")}, {True: "red"})
    unread = formats.badge({False: gettext("Unread")}, {False: "blue"})
    return filled_table(
        [
            (gettext("Published on"), formats.DAY, lambda each: each.starts_on),
            (gettext("Title"), formats.linked_value(formats.TEXT), lambda each: _link(each.id, each.title)),
            (gettext("Importance"), important, lambda each: each.important or None),
            (gettext("Read status"), unread, lambda each: None if each.read else False),
        ],
        found,
        title=gettext("Announcements"),
        links=[Button(gettext("Show all"), list_url)],
    )


def _link(key: int, title: str) -> formats.LinkedValue:
    url = url_if("can_show", "Announcements", "AnnouncementView.show", announcement_key=key)
    return formats.LinkedValue(title, url)
