"""A GET changes nothing but notes of itself, whoever opens a page, follows a link or lets a program look at it first."""

from __future__ import annotations

from tests.conventions.routes import path, routes

NOTES = {
    "/": {"dashboard_figures"},  # stored figures, calculated again
    "/announcements/<key:announcement_key>": {"announcement_read"},
    "/service-applications/<string:application_id>": {"application_view"},
    "/service-applications/download": {"audit_chain", "audit_entry", "audit_link"},  # who took personal data away
}
"""The tables in which a page notes that it was opened."""


def test_no_get_changes_more_than_its_notes(app, world, database):
    client, before = world.clients["NEC Admin"], database()
    changed = {}
    for route in routes(app):
        if route.method == "GET":
            client.get(path(app, route, world.ours.keys() | {"token": "x" * 43}), buffered=True)
            after = database()
            if after != before:
                both = zip(before, after, strict=True)
                changed[route.rule] = {table for (table, *was), (_, *now) in both if was != now}
            before = after

    assert changed == NOTES
