"""お知らせ (§10.1): the announcements that the tenant's users read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from flask import g, request
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import lazy_gettext
from flask_login import current_user

from models import clock
from models.db import db
from models.errors import N_
from models.scope import tenant_session
from models.support.announcement import NEWEST_FIRST, Announcement, read_among, record_read, visible_to
from views.data_interface import PortalInterface
from views.screen import formats
from views.screen.filters import Days, Part, Search
from views.screen.labels import Labels
from views.screen.screen import Screen
from views.screen.table import Table

IMPORTANT = formats.badge({True: lazy_gettext("Important")}, {True: "red"})
UNREAD = formats.badge({True: lazy_gettext("Unread")}, {True: "blue"})


class AnnouncementView(Screen):
    """The announcements that are displayed to the tenant now: its list and the page of each."""

    datamodel = PortalInterface(Announcement)
    labels = Labels(
        lazy_gettext("announcement"),
        lazy_gettext("Announcements"),
        "speakerphone",
        {"empty": N_("There are no announcements at the moment.")},
    )
    methods = frozenset({"list", "show"})
    route_base = "/announcements"
    row_rule = "<key:announcement_key>"
    class_permission_name = "Announcements"
    named_by = "title"
    csv = False
    history = False
    base_order = ("starts_on", "desc")
    list_columns: ClassVar = ["starts_on", "title", "important", "unread"]
    order_columns: ClassVar = []
    link_column = "title"
    filters = (Part("title", most=100, beside=True), Days("starts_on"))
    show_fieldsets: ClassVar = [(None, {"fields": ["starts_on", "important", "body"]})]
    label_columns: ClassVar = {
        "starts_on": lazy_gettext("Published on"),
        "title": lazy_gettext("Title"),
        "important": lazy_gettext("Importance"),
        "unread": lazy_gettext("Read status"),
        "body": lazy_gettext("Text"),
    }
    formatters_columns: ClassVar = {"important": IMPORTANT, "unread": UNREAD, "body": formats.LINES}

    def base_conditions(self) -> list[Any]:
        """Return the condition that an announcement is displayed to the tenant today."""
        return [visible_to(g.identity.tenant.id, today=clock.tokyo_day(clock.utc_now()))]

    def ordered(self, query: Any, sort: str, direction: str) -> Any:
        """Return the query with important announcements first, then the newest."""
        return query.order_by(*NEWEST_FIRST)

    def tables(self, search: Search) -> list[Table]:
        """Return the table without a choice of the order, which is fixed."""
        (table,) = super().tables(search)
        table.sort = ""
        return [table]

    def table(self, rows: Sequence[Any], columns: Sequence[str] | None = None, **options: Any) -> Table:
        """Return the table, with a mark on those that the user has not read."""
        g.announcements_read = read_among(db.session(), current_user.id, [row.id for row in rows])
        return super().table(rows, columns, **options)

    def value(self, row: Any, name: str) -> Any:
        """Return the value of a column; None instead of false, so that only marks are shown."""
        if name == "unread":
            return None if row.id in g.announcements_read else True
        if name == "important":
            return row.important or None
        return super().value(row, name)

    @expose("/<row>")
    @has_access
    def show(self, pk: Any) -> Any:
        """Show an announcement, and note that the user has read it."""
        page = super().show(pk)
        if request.method == "GET" and pk not in read_among(db.session(), current_user.id, [pk]):
            # In a transaction of its own, because requests that only read do not commit.
            with tenant_session(g.identity.tenant.id) as session:
                record_read(session, pk, current_user.id, now=clock.utc_now())
                session.commit()
        return page
