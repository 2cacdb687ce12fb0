"""The screen where the tokens of the customers' portal are made, renamed, reissued and revoked."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import text

from tests.support.pages import Page

URL = "/tenant-settings/tokens/"


@pytest.fixture
def ask(app):
    def status(token):
        headers = {"Authorization": f"Bearer {token}"}
        return app.test_client().get("/api/customer/v1/tenant", headers=headers).status_code

    return status


def new_token(page: str) -> str:
    return re.search(r'value="(cst_[^"]+)"', page)[1]


def key(make) -> int:
    make.session.rollback()
    return make.session.scalar(text("SELECT id FROM portal_token"))


def test_a_new_token_is_shown_once_and_opens_the_api(operator, ask):
    page = operator.post(URL + "add", data={"name": "顧客ポータル"}, follow_redirects=True).text

    assert "トークンを発行しました。" in page
    assert "未使用" in page
    assert ask(new_token(page)) == 200
    again = operator.get(URL).text
    assert "cst_" not in again
    assert "未使用" not in again
    assert "顧客ポータル" in again


def test_a_name_that_is_used_is_told_beside_it(operator, make):
    make.portal_token(tenant=operator.tenant, name="顧客ポータル")

    answer = operator.post(URL + "add", data={"name": "顧客ポータル"})

    assert answer.status_code == 422
    assert Page(answer.text).error_of("name") == "この名前は既に使用されています。"


def test_the_eleventh_token_is_refused(operator, make):
    for _ in range(10):
        make.portal_token(tenant=operator.tenant)

    answer = operator.post(URL + "add", data={"name": "もう一つ"})

    assert "トークンは10個までです。" in answer.text


def test_a_reissued_token_ends_the_one_before_at_once(operator, make, ask):
    old = new_token(operator.post(URL + "add", data={"name": "顧客ポータル"}, follow_redirects=True).text)

    new = new_token(operator.post(f"{URL}{key(make)}/reissue", follow_redirects=True).text)

    assert (ask(old), ask(new)) == (401, 200)


def test_a_revoked_token_ends_at_once_and_is_gone(operator, make, ask):
    token = new_token(operator.post(URL + "add", data={"name": "顧客ポータル"}, follow_redirects=True).text)
    revoke = f"{URL}{key(make)}/revoke"

    page = operator.post(revoke, follow_redirects=True).text

    assert "トークンを失効させました。" in page
    assert "トークンはありません。" in page
    assert ask(token) == 401


@pytest.mark.parametrize("wish", ["revoke", "reissue", "edit"])
def test_the_second_of_two_is_told_that_a_token_has_been_revoked(operator, make, wish):
    url = f"{URL}{make.portal_token(tenant=operator.tenant).id}/"
    operator.post(f"{url}revoke")
    operator.get(URL)

    page = operator.post(f"{url}{wish}", data={"name": "別の名前"}, follow_redirects=True)

    assert (page.status_code, page.request.path) == (200, URL)
    assert "このトークンは既に失効しています。" in page.text
    assert "トークンを失効させました。" not in page.text


def test_a_token_made_for_another_row_is_not_shown_here(operator, make):
    with operator.session_transaction() as session:
        session["new_token"] = ["Utm", make.portal_token(tenant=operator.tenant).id, "utm_secret"]

    assert "utm_secret" not in operator.get(URL).text
