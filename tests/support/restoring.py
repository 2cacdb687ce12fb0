"""Sends a form after the session has ended, and gets it back after signing in."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

from flask.testing import FlaskClient

from tests.support.pages import Page


def send_too_late(client: FlaskClient, url: str, sent: Any) -> Any:
    """Send a form from its own page without a session: the answer leads to sign-in."""
    client.delete_cookie("portal_session")
    answer = client.post(url, data=sent, headers={"Referer": f"http://localhost{url}"})
    assert answer.status_code == 302
    assert answer.location.startswith("/login/")
    return answer


def draft_of(late: Any) -> str:
    """Return the ID of the form that was kept, from the answer of ``send_too_late``; empty when it was not."""
    return parse_qs(urlsplit(late.location).query).get("draft", [""])[0]


def restored_page(client: FlaskClient, late: Any) -> Page:
    """Follow the way from sign-in to the form, with a client that is signed in; without JavaScript."""
    led = client.get(late.location)
    assert led.status_code == 302
    assert led.location == f"/restored-form/?draft={draft_of(late)}"
    (form,) = (each for each in Page(client.get(led.location).text).forms if "restored" in each.names)
    answer = client.post(form.action, data=form.sent())
    assert answer.status_code == 200
    return Page(answer.text)
