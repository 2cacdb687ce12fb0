"""Where links with company IDs and counts lead."""

from __future__ import annotations

import re

from jobs.dashboard import refresh
from tests.conventions.test_pages import pages
from tests.support.pages import Page


def test_a_company_id_always_opens_the_customer(app, world):
    with app.app_context():
        refresh()
    found = set()
    for route, text in pages(app, world, "Partner Operator"):
        for link in Page(text).root.all("a"):
            if re.fullmatch(r"A\d{8}", link.text):
                address = link.attributes["href"].partition("?")[0]
                assert address == f"/customers/{link.text}", f"{route}: {link.text} opens {address}."
                found.add(route.endpoint)

    assert {"HomeView.index", "CustomerView.list"} <= found
