"""Visitors of the public application forms, and what they fill in."""

from __future__ import annotations

from tests.factories.applications import APPLICANT, DELIVERY
from tests.support.pages import Page

ENTERED = {
    **APPLICANT,
    **{f"deliveries-0-{name}": str(value) for name, value in DELIVERY.items()},
    "users-0-last_name": "緑川",
    "users-0-first_name": "四郎",
    "users-0-email": "shiro@example.com",
    "users-0-mobile": "090-1234-5678",
    "consent": "y",
}
"""What a visitor fills in."""

UTM_ENTERED = {
    "applicant_name": "緑川 次郎",
    "applicant_email": "jiro@example.com",
    **{f"deliveries-0-{name}": str(value) for name, value in DELIVERY.items()},
}
"""What a customer fills in to apply for more UTMs."""


class Visitor:
    """A browser that holds no session before."""

    def __init__(self, app, path: str, entered: dict[str, str]) -> None:
        self.client = app.test_client()
        self.path = path
        self.entered = entered

    def carried(self) -> str:
        """The pass of a new form."""
        return Page(self.client.get(self.path).text).main_form.sent()["form_pass"]

    def post(self, _pass: str | None = None, /, **changes: object):
        """Send the form, filled in, with some fields changed; None leaves a field out."""
        values = self.entered | {"form_pass": _pass or self.carried()} | changes
        return self.client.post(self.path, data={name: value for name, value in values.items() if value is not None})

    def send(self, _pass: str | None = None, /, **changes: object):
        """Send the review page of the form."""
        return self.post(_pass, send="1", **changes)
