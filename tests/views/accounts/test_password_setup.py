from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from models import clock
from models.accounts import password_link
from models.accounts.password_link import PasswordLink
from models.actor import COMMAND_LINE
from models.audit import AuditEntry

PASSWORD = "Aozora-Wakaba-7"
TWICE = {"password": PASSWORD, "confirmation": PASSWORD}


@pytest.fixture
def user(make):
    return make.elevated("NEC Admin", email="hanako@example.jp")


@pytest.fixture
def link(make, user):
    token = password_link.issue(make.session, user, now=clock.utc_now(), by=COMMAND_LINE)
    make.session.commit()
    return f"/setup/{token}"


def test_the_link_shows_the_form_and_is_not_used_up_by_looking(app, link):
    client = app.test_client()

    first, second = client.get(link), client.get(link)

    assert (first.status_code, second.status_code) == (200, 200)
    assert "hanako@example.jp" in first.text
    assert [
        name for name in re.findall(r'<input[^>]+name="(\w+)"', first.text) if name not in {"csrf_token", "next"}
    ] == ["password", "confirmation"]
    assert 'autocomplete="new-password"' in first.text
    assert re.findall(r'<input(?=[^>]+type="password")[^>]+name="(\w+)"', first.text) == ["password", "confirmation"]


def test_the_page_tells_its_address_to_nobody(app, link):
    client = app.test_client()

    assert client.get(link).headers["Referrer-Policy"] == "no-referrer"
    assert client.get("/setup/wrong").headers["Referrer-Policy"] == "no-referrer"
    assert client.post(link, data=TWICE).headers["Referrer-Policy"] == "no-referrer"


def test_setting_the_password_leads_to_sign_in_which_takes_it(app, link):
    client = app.test_client()

    answer = client.post(link, data=TWICE)

    assert (answer.status_code, answer.location) == (302, "/login/")
    assert "alert" in client.get("/login/").text
    signed_in = client.post("/login/", data={"email": "hanako@example.jp", "password": PASSWORD})
    assert (signed_in.status_code, signed_in.location) == (302, "/tenants/")


def test_the_audit_log_says_who_and_from_where(app, link, make, user):
    app.test_client().post(link, data=TWICE, environ_base={"REMOTE_ADDR": "192.0.2.7"})

    row = make.session.scalars(select(AuditEntry).where(AuditEntry.action == "password.changed")).one()
    assert (row.actor, row.user_id, row.address) == ("hanako@example.jp", user.id, "192.0.2.7")
    assert row.request_id


def test_wrong_expired_and_used_links_get_the_same_page(app, link, make):
    wrong = app.test_client().get("/setup/wrong")
    app.test_client().post(link, data=TWICE)
    used = app.test_client().get(link)
    make.session.query(PasswordLink).update({"used_at": None, "expires_at": clock.utc_now() - timedelta(seconds=1)})
    make.session.commit()
    expired = app.test_client().get(link)

    assert [page.status_code for page in (wrong, used, expired)] == [404, 404, 404]
    assert _without_nonce(used.text) == _without_nonce(wrong.text) == _without_nonce(expired.text)
    assert "support@example.jp" in wrong.text
    assert 'href="/login/"' in wrong.text


def test_a_used_link_takes_no_second_password(app, link):
    client = app.test_client()
    client.post(link, data=TWICE)

    again = client.post(link, data={"password": "Another-Word-8", "confirmation": "Another-Word-8"})

    assert again.status_code == 404
    assert client.post("/login/", data={"email": "hanako@example.jp", "password": PASSWORD}).status_code == 302


def test_somebody_elses_use_between_look_and_use_is_told_as_a_used_link(app, link, make, monkeypatch):
    looked_up = password_link.open_link

    def look_up_and_lose(session, token, *, now):
        found = looked_up(session, token, now=now)
        make.session.query(PasswordLink).update({"used_at": now})
        make.session.commit()
        return found

    monkeypatch.setattr(password_link, "open_link", look_up_and_lose)

    assert app.test_client().post(link, data=TWICE).status_code == 404


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"password": "short", "confirmation": "short"}, "password"),
        ({"password": PASSWORD, "confirmation": "Aozora-Wakaba-8"}, "confirmation"),
        ({"password": PASSWORD}, "confirmation"),
        ({"confirmation": PASSWORD}, "password"),
        ({}, "password"),
    ],
)
def test_what_cannot_be_a_password_is_told_at_its_field(app, link, sent, field):
    client = app.test_client()

    answer = client.post(link, data=sent)

    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    assert PASSWORD not in answer.text
    assert client.get(link).status_code == 200


def test_a_nul_is_nonsense_as_everywhere(app, link):
    sent = {"password": "Aozora\0Wakaba-7", "confirmation": "Aozora\0Wakaba-7"}

    assert app.test_client().post(link, data=sent).status_code == 400


def test_whoever_was_signed_in_in_the_browser_is_signed_out(app, link, operator):
    copy = app.test_client()
    copy.set_cookie("portal_session", operator.get_cookie("portal_session").value)

    operator.post(link, data=TWICE)

    assert [client.get("/").location for client in (operator, copy)] == ["/login/"] * 2


@pytest.mark.parametrize("base_url", ["http://localhost", "https://portal.example.jp"])
def test_the_form_is_protected_and_works_without_a_referer(app, link, monkeypatch, base_url):
    monkeypatch.setitem(app.config, "WTF_CSRF_ENABLED", True)
    client = app.test_client()
    page = client.get(link, base_url=base_url)
    token = re.search(r'name="csrf_token" value="([^"]+)"', page.text)[1]

    refused = client.post(link, data=TWICE, base_url=base_url)
    forged = client.post(link, data=TWICE | {"csrf_token": "forged"}, base_url=base_url)
    taken = client.post(link, data=TWICE | {"csrf_token": token}, base_url=base_url)

    assert (refused.status_code, forged.status_code) == (400, 400)
    assert refused.headers["Referrer-Policy"] == "no-referrer"
    assert (taken.status_code, taken.location) == (302, "/login/")


def test_a_password_change_ends_the_users_other_sessions(app, link, user, signed_in):
    elsewhere = signed_in(user)
    assert elsewhere.get("/tenants/").status_code == 200

    app.test_client().post(link, data=TWICE)

    assert elsewhere.get("/tenants/").status_code == 302


def _without_nonce(page: str) -> str:
    return re.sub(r'(nonce|value)="[^"]*"', "", page)
