"""A form that is refused is told why."""

from __future__ import annotations

import pytest

from tests.support.pages import Page

OUTDATED = "画面の有効期限が切れています"


@pytest.fixture
def sign_in(app, monkeypatch):
    """Send the sign-in form of a page over HTTPS, with other headers than the page was asked for with."""
    monkeypatch.setitem(app.config, "WTF_CSRF_ENABLED", True)

    def answer(token: str | None = None, **headers: str):
        client = app.test_client()
        page = Page(client.get("/login/", base_url="https://portal.example.jp").text)
        (form,) = (each for each in page.forms if "password" in each.names)
        sent = form.sent(email="a@example.jp", password="x")
        if token is not None:
            sent["csrf_token"] = token
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return client.post("/login/", data=sent, base_url="https://portal.example.jp", headers=named)

    return answer


def test_a_form_of_its_own_page_is_taken(sign_in):
    assert sign_in(Referer="https://portal.example.jp/login/").status_code == 401


def test_a_browser_that_hides_where_a_form_was_is_told_so(sign_in):
    answer = sign_in()

    assert answer.status_code == 400
    assert "Referer" in Page(answer.text).main.text
    assert OUTDATED not in answer.text


@pytest.mark.parametrize(
    "page", ["https://portal.example.jp:8443/login/", "https://elsewhere.example/", "http://portal.example.jp/"]
)
def test_an_address_the_portal_does_not_know_is_the_proxys_fault(sign_in, page):
    answer = sign_in(Referer=page)

    assert answer.status_code == 400
    assert "リバースプロキシ" in Page(answer.text).main.text
    assert OUTDATED not in answer.text


def test_a_form_of_an_old_page_is_told_to_be_old(sign_in):
    answer = sign_in(token="old", Referer="https://portal.example.jp/login/")

    assert answer.status_code == 400
    assert OUTDATED in answer.text
