"""Every page of every declared screen at the width of a desk and of a phone, with a question and with faults."""

from __future__ import annotations

import pytest

from tests.browser.signing_in import enter_tenant, sign_in
from tests.browser.windows import at_desk
from tests.conventions.screens.cases import SCREENS, Case
from tests.support.fixtures import weak_hash

pytestmark = pytest.mark.browser
DIALOG = "dialog#question[open]"


@pytest.fixture
def cases(app, make, signed_in):
    """Each screen, in one tenant, with a row."""
    tenant = make.tenant()
    make.elevated("NEC Admin", email="admin@example.jp", password=weak_hash())
    return [Case(app, make, signed_in, name, tenant=tenant) for name in SCREENS]


@at_desk
def test_every_page_of_every_screen_is_sound(page, cases, sound, fits):
    sign_in(page, "admin@example.jp")
    enter_tenant(page, cases[0].tenant.id)
    for case in cases:
        row = case.row()
        for route in case.routes():
            url = case.url(route.name, row if route.has_row else None)
            # What is no page is a file.
            if route.verb == "GET" and case.client.get(url).mimetype == "text/html":
                page.goto(url)
                sound(page)
                if route.name == "list":
                    fits(page)
        _look_at_faults(page, case, sound)
        _look_at_a_question(page, case, row, sound)


def _look_at_faults(page, case, sound) -> None:
    """Send the form that creates a row without a word in it."""
    if "add" not in case.screen.include_route_methods:
        return
    page.goto(case.url("list" if case.screen.add_on_list else "add"))
    page.locator("form[data-validated] button.btn-primary").click()
    page.locator("[data-error-summary]").wait_for()
    sound(page)


def _look_at_a_question(page, case, row, sound) -> None:
    """Press the button that deletes a row, and cancel."""
    if "delete" not in case.screen.include_route_methods:
        return
    page.goto(case.url("show", row) if "show" in case.screen.include_route_methods else case.url("list"))
    url = case.url("delete", row)
    # The rows of a list share their forms.
    page.locator(f"form[action$='{url}'] button, button[formaction$='{url}']").click()
    page.locator(DIALOG).wait_for()
    sound(page)
    page.locator(DIALOG).get_by_role("button", name="キャンセル").click()
