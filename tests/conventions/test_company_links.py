"""Where links with company IDs and counts lead."""

from __future__ import annotations

import re

from tests.conventions.shown import pages


def test_a_company_id_always_opens_the_customer(shown):
    found = set()
    for each in pages(shown("Partner Operator")):
        for link in each.page.root.all("a"):
            if re.fullmatch(r"A\d{8}", link.text):
                address = link.attributes["href"].partition("?")[0]
                assert address == f"/customers/{link.text}", f"{each.route}: {link.text} opens {address}."
                found.add(each.route.endpoint)

    assert {"HomeView.index", "CustomerView.list"} <= found
