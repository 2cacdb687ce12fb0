"""The screen where the tokens of the customers' portal are made, renamed, reissued and revoked."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import text

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


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "必須項目です。入力してください。"),
        ("あ" * 101, "100文字以下で入力してください。"),
        ("一\n二", "改行や制御文字は使用できません。"),
        ("顧客ポータル", "この名前は既に使用されています。"),
    ],
)
def test_a_name_that_cannot_be_is_told_beside_it(operator, make, name, message):
    make.portal_token(tenant=operator.tenant, name="顧客ポータル")

    answer = operator.post(URL + "add", data={"name": name})

    assert answer.status_code == 422
    assert message in re.search(r'id="name-error">(.*?)</div>\s*</div>', answer.text, re.DOTALL)[1]


def test_a_name_of_100_characters_is_taken(operator):
    assert operator.post(URL + "add", data={"name": "あ" * 100}).status_code == 302


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
    assert operator.post(revoke).status_code == 404


def test_a_token_is_renamed(operator, make):
    made = make.portal_token(tenant=operator.tenant, name="古い名前")
    edit = f"{URL}{made.id}/edit"

    same = operator.post(edit, data={"name": "古い名前", "version": "1"})
    renamed = operator.post(edit, data={"name": "新しい名前", "version": "1"}, follow_redirects=True)
    second = operator.post(edit, data={"name": "別の名前", "version": "1"})
    likewise = operator.post(edit, data={"name": "新しい名前", "version": "1"})

    assert "1つ以上の項目を変更してください。" in same.text
    assert "名前を変更しました。" in renamed.text
    assert "新しい名前" in renamed.text
    assert second.status_code == 409
    assert "他の人がこのトークンの名前を変更しました。" in second.text
    assert "別の名前" in second.text
    assert likewise.status_code == 409
    assert "他の人が同じ内容を保存しました。" in likewise.text


def test_a_token_made_for_another_row_is_not_shown_here(operator, make):
    with operator.session_transaction() as session:
        session["new_token"] = ["Utm", make.portal_token(tenant=operator.tenant).id, "utm_secret"]

    assert "utm_secret" not in operator.get(URL).text


def test_tokens_of_another_tenant_are_not_found(operator, make):
    theirs = make.portal_token(name="よそのトークン")

    assert "よそのトークン" not in operator.get(URL).text
    assert [operator.post(f"{URL}{theirs.id}/{verb}").status_code for verb in ("edit", "reissue", "revoke")] == [
        404
    ] * 3


def test_a_viewer_sees_the_tokens_and_changes_nothing(make, signed_in):
    tenant = make.tenant()
    token = make.portal_token(tenant=tenant, name="顧客ポータル")
    viewer = signed_in(make.member(tenant, "Partner Viewer"), tenant)

    page = viewer.get(URL).text

    assert "顧客ポータル" in page
    assert "再発行" not in page
    assert "トークンの発行" not in page
    assert [viewer.post(f"{URL}{token.id}/{verb}").status_code for verb in ("edit", "reissue", "revoke")] == [403] * 3
    assert viewer.post(URL + "add", data={"name": "x"}).status_code == 403
