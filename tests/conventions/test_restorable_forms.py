"""What somebody typed is not lost when the session ends before the form is sent."""

from __future__ import annotations

from contextlib import suppress
from urllib.parse import urlsplit

from werkzeug.exceptions import MethodNotAllowed

from tests.conventions.shown import Shown, pages
from views.confirmation import returns_typed_form

TYPED = {"text", "email", "tel", "url", "number", "date", "time", "month", "search", "checkbox", None}

NOT_RESTORED = {
    "ForgottenPasswordView.ask": "it needs no session",
    "IdentityProviderView.add_domain": "one short text in a row of buttons",
    "MailTemplateCopyView.copy": "ticks only; what is copied may have changed",
    "PasskeyView.add": "begins a ceremony of the browser that ends with the session",
    "PasswordChangeView.change": "only passwords, which are never kept",
    "RebootListView.cancel": "ticks only; the list may have changed",
    "SecondFactorView.app": "codes that are valid for seconds",
    "SecondFactorView.app_off": "codes that are valid for seconds",
    "TenantInvoiceView.mark_paid": "ticks and the day of today; the list may have changed",
}
"""Forms that are not restored, with the reason."""


def views_of_typed_forms(app, shown: Shown) -> dict[str, object]:
    """The views, by endpoint, that the forms of a page are sent to in which something is typed."""
    adapter = app.url_map.bind("localhost")
    found = {}
    for form in shown.page.sendings:
        typed = [
            each
            for each in form.controls
            if each.tag == "textarea" or (each.tag == "input" and each.attributes.get("type") in TYPED)
        ]
        if typed and form.posts:
            with suppress(MethodNotAllowed):  # only its other buttons send it
                endpoint, _ = adapter.match(urlsplit(form.action or shown.url).path, method="POST")
                found[endpoint] = app.view_functions[endpoint]
    return found


def test_every_form_in_which_something_is_typed_can_be_restored(app, shown):
    lost = set()
    for role in ("NEC Admin", "Partner Operator"):
        for each in pages(shown(role)):
            found = views_of_typed_forms(app, each)
            lost |= {endpoint for endpoint, view in found.items() if not returns_typed_form(view)}

    assert lost == set(NOT_RESTORED)
