"""The switch between Japanese and English."""

from __future__ import annotations

import re

import pytest


@pytest.fixture
def visitor(app):
    return app.test_client()


def choose(client, language, **data):
    return client.post("/language/", data={"language": language} | data)


def cookie(answer):
    return next(each for each in answer.headers.getlist("Set-Cookie") if each.startswith("language="))


def test_a_visitor_reads_english_once_they_chose_it(visitor):
    assert "ログイン" in visitor.get("/login/").text

    answer = choose(visitor, "en", next="/login/")
    page = visitor.get("/login/").text

    assert answer.location == "/login/"
    assert '<html lang="en">' in page
    assert "Sign in" in page
    assert "ログイン" not in page
    assert 'value="ja" lang="ja">日本語</button>' in page


def test_the_choice_can_be_taken_back(visitor):
    choose(visitor, "en")
    choose(visitor, "ja")

    assert '<html lang="ja">' in visitor.get("/login/").text


def test_the_choice_outlives_the_session(operator):
    choose(operator, "en")
    operator.post("/logout/")

    assert "You have signed out." in operator.get("/login/").text


def test_the_cookie_is_kept_a_year_and_out_of_scripts(visitor):
    said = cookie(choose(visitor, "en"))

    assert "Max-Age=31536000" in said
    assert "HttpOnly" in said
    assert "SameSite=Lax" in said
    assert "Path=/" in said


@pytest.mark.parametrize(("secure", "flagged"), [(True, True), (False, False)])
def test_the_cookie_is_secure_where_the_session_is(app, visitor, monkeypatch, secure, flagged):
    monkeypatch.setitem(app.config, "SESSION_COOKIE_SECURE", secure)

    assert ("Secure" in cookie(choose(visitor, "en"))) == flagged


@pytest.mark.parametrize("language", ["", "fr", "EN", "en-US", "../en", "日本語"])
def test_an_unknown_language_is_refused(visitor, language):
    answer = choose(visitor, language)

    assert answer.status_code == 400
    assert "Set-Cookie" not in answer.headers


def test_no_language_is_refused(visitor):
    assert visitor.post("/language/").status_code == 400


def test_a_cookie_of_nonsense_is_japanese(visitor):
    visitor.set_cookie("language", "xx")

    assert '<html lang="ja">' in visitor.get("/login/").text


@pytest.mark.parametrize(
    "target",
    ["https://elsewhere.example/", "//elsewhere.example", "/\\elsewhere.example", "javascript:alert(1)", "login"],
)
def test_the_choice_leads_nowhere_else(visitor, target):
    assert choose(visitor, "en", next=target).location == "/"


def test_the_choice_leads_back_to_the_page_it_was_made_on(operator):
    page = operator.get("/customers/?sort=name&direction=desc").text

    target = re.search(r'name="next" value="([^"]*)"', page)[1].replace("&amp;", "&")
    assert choose(operator, "en", next=target).location == "/customers/?sort=name&direction=desc"


def test_the_choice_needs_a_token(app, visitor, monkeypatch):
    monkeypatch.setitem(app.config, "WTF_CSRF_ENABLED", True)

    answer = choose(visitor, "en")

    assert answer.status_code == 400
    assert "Set-Cookie" not in answer.headers


def test_dates_amounts_and_times_are_the_same_in_both(operator, make):
    from datetime import date

    make.customer(tenant=operator.tenant, balance=1386000, last_invoiced_on=date(2026, 10, 1))
    pages = []
    for language in ("ja", "en"):
        choose(operator, language)
        pages.append(operator.get("/customers/").text)

    assert all("¥1,386,000" in page and "2026-10-01" in page for page in pages)


def test_one_and_many_are_told_apart_in_english(operator, make):
    choose(operator, "en")
    make.customer(tenant=operator.tenant)
    one = operator.get("/customers/").text
    make.customer(tenant=operator.tenant)
    two = operator.get("/customers/").text

    assert (">1 result<" in re.sub(r"\s*([<>])\s*", r"\1", one), "2 results" in two) == (True, True)


def test_what_wtforms_says_is_said_in_both(make, signed_in):
    admin = signed_in(make.elevated("NEC Admin"))
    told = []
    for language in ("ja", "en"):
        choose(admin, language)
        told.append(admin.post("/roles/add", data={"name": "係", "permissions": "999999"}).text)

    assert "「999999」は選択できません。選択肢から選択してください。" in told[0]
    assert "&#39;999999&#39; is not a valid choice for this field." in told[1]


ERRORS = {
    400: ("リクエストを処理できません", "Invalid request"),
    403: ("この操作はできません", "You do not have permission to do this"),
    404: ("ページが見つかりません", "Page not found"),
    413: ("送信された内容が大きすぎます", "Request too large"),
    429: ("アクセスが集中しています", "Too many requests"),
    500: ("エラーが発生しました", "Something went wrong"),
}


@pytest.mark.parametrize("code", ERRORS)
@pytest.mark.parametrize("language", ["ja", "en"])
def test_an_error_page_is_in_the_chosen_language(app, code, language):
    from app.web.errors import _answer

    with app.test_request_context(headers={"Cookie": f"language={language}"}):
        page, status, _ = _answer(code, {})

    assert status == code
    assert f'<html lang="{language}">' in page
    assert ERRORS[code][language == "en"] in page
    assert ERRORS[code][language != "en"] not in page


def test_a_csrf_failure_is_told_in_the_chosen_language(app, visitor, monkeypatch):
    choose(visitor, "en")
    monkeypatch.setitem(app.config, "WTF_CSRF_ENABLED", True)

    assert "This page has expired." in visitor.post("/login/").text
