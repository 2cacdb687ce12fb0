"""お知らせ: the card with the first announcements of the tenant's list (§10.1)."""

from __future__ import annotations

from flask import g
from flask_babel import gettext, lazy_gettext
from flask_login import current_user

from models import clock
from models.db import db
from models.support.announcement import headlines
from views.base import url_if
from views.screen import formats
from views.screen.table import Button, filled_table
from views.widget import FULL, Listing, Shown, Widget

_SHOWN = 5
_RIGHT = ("can_list", "Announcements")


def _draw(shown: Shown) -> Listing | None:
    today = clock.tokyo_day(shown.now)
    found = headlines(db.session(), g.identity.tenant.id, current_user.id, today=today, limit=_SHOWN)
    if not found:
        return None
    list_url = url_if(*_RIGHT, "AnnouncementView.list")
    important = formats.badge({True: gettext("Important")}, {True: "red"})
    unread = formats.badge({False: gettext("Unread")}, {False: "blue"})
    table = filled_table(
        [
            (gettext("Published on"), formats.DAY, lambda each: each.starts_on),
            (gettext("Title"), formats.linked_value(formats.TEXT), lambda each: _link(each.id, each.title)),
            (gettext("Importance"), important, lambda each: each.important or None),
            (gettext("Read status"), unread, lambda each: None if each.read else False),
        ],
        found,
        title=WIDGET.title,
        stacks=False,
        links=[Button(gettext("Show all"), list_url)] if list_url else [],
    )
    return Listing(table)


def _link(key: int, title: str) -> formats.LinkedValue:
    url = url_if("can_show", "Announcements", "AnnouncementView.show", announcement_key=key)
    return formats.LinkedValue(title, url)


WIDGET = Widget("announcements", lazy_gettext("Announcements"), _RIGHT, 10, _draw, width=FULL)
