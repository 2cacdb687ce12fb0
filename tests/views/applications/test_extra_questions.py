"""追加項目 (§5.4.1): NEC staff keep the extra questions of the tenant they are in; partners see them."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import text

from tests.support.pages import Page, answered

URL = "/application-fields/"
GOOD = {"title": "従業員数", "kind": "text", "choices": ""}


@pytest.fixture
def staff(make, signed_in):
    tenant = make.tenant()
    client = signed_in(make.elevated("NEC Staff"), tenant)
    client.tenant = tenant
    return client


def told_beside(page: str, field: str) -> str:
    """What a page says is wrong with a field."""
    found = re.search(rf'id="{field}-error">(.*?)</div>\s*</div>', page, re.DOTALL)
    return found[1] if found else ""


def titles(page: str) -> list[str]:
    return re.findall(r'data-label="項目名">([^<]*)<', page)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("choices", "\n".join(f"選択肢{number}" for number in range(50))),
        ("choices", "あ" * 100),
        ("choices", " 電話 \r\n\r\nメール\r\n"),
    ],
    ids=["50 options", "long option", "blank lines"],
)
def test_options_are_taken_up_to_their_limits(staff, field, value):
    answer = staff.post(URL + "add", data=GOOD | {"kind": "choice", "choices": "電話"} | {field: value})

    assert answer.status_code == 302, answer.text


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("kind", "number", "いずれかを選択してください。"),
        ("choices", "", "選択項目を1つ以上入力してください。"),
        ("choices", "\n".join(map(str, range(51))), "選択項目は50個以下で入力してください。"),
        ("choices", "あ" * 101, "選択項目はそれぞれ100文字以下で入力してください。"),
        ("choices", "電話\n電話", "同じ選択項目が重複しています。"),
    ],
)
def test_options_past_their_limits_are_told_beside_them(staff, make, field, value, message):
    answer = staff.post(URL + "add", data=GOOD | {"kind": "choice", "choices": "電話"} | {field: value})

    assert answer.status_code == 422
    assert message in told_beside(answer.text, field)
    assert make.session.scalar(text("SELECT count(*) FROM application_field")) == 0


def test_options_are_kept_without_blanks(staff, make):
    staff.post(URL + "add", data=GOOD | {"kind": "choice", "choices": " 電話 \r\n\r\nメール\r\n", "required": "y"})

    row = make.session.execute(text("SELECT tenant_id, required, kind, choices FROM application_field")).one()
    assert tuple(row) == (staff.tenant.id, True, "choice", ["電話", "メール"])


def test_a_title_that_is_used_is_told_beside_it(staff, make):
    make.application_field(tenant=staff.tenant, title="従業員数")

    answer = staff.post(URL + "add", data=GOOD)

    assert "この項目名は既に使用されています。" in told_beside(answer.text, "title")


def test_fields_are_moved_retired_and_asked_again(staff, make):
    first, second = (
        make.application_field(tenant=staff.tenant, title=title, position=n) for n, title in enumerate("一二", 1)
    )

    moved = staff.post(f"{URL}{second.id}/move", data={"direction": "up"}, follow_redirects=True)
    retired = staff.post(f"{URL}{second.id}/retire", follow_redirects=True)
    restored = staff.post(f"{URL}{second.id}/restore", follow_redirects=True)

    assert titles(moved.text) == ["二", "一"]
    assert titles(retired.text) == ["一", "二"]
    assert "使用を終了した項目" in retired.text
    assert "項目の使用を終了しました。" in retired.text
    assert titles(restored.text) == ["一", "二"]
    assert "使用を終了した項目" not in restored.text
    assert first.id


def test_a_field_cannot_come_back_under_a_title_that_is_used(staff, make):
    gone = make.application_field(tenant=staff.tenant, title="従業員数", retired_at="2026-11-01")
    make.application_field(tenant=staff.tenant, title="従業員数")

    answer = staff.post(f"{URL}{gone.id}/restore", follow_redirects=True)

    assert "この項目名は既に使用されています。" in answer.text


def test_a_move_to_nowhere_moves_nothing(staff, make):
    field = make.application_field(tenant=staff.tenant)

    for direction in ("", "sideways"):
        assert staff.post(f"{URL}{field.id}/move", data={"direction": direction}).status_code == 302
    assert make.session.scalar(text("SELECT count(*) FROM audit_entry")) == 0


def test_what_somebody_else_saved_is_said_in_words(staff, make):
    field = make.application_field(tenant=staff.tenant, title="従業員数")
    url = f"{URL}{field.id}/edit"
    form = Page(staff.get(url).text).main_form
    staff.post(url, data=answered(form.sent(required="y", kind="choice", choices="電話\r\nメール")))

    second = Page(staff.post(url, data=answered(form.sent(title="別の名前"))).text)

    assert second.differences == [
        ("必須項目にする", "はい", "いいえ"),
        ("形式", "選択", "テキスト"),
        ("選択項目", "電話 メール", "-"),
    ]


def test_staff_come_here_from_the_settings(staff):
    assert 'href="/application-fields/"' in staff.get("/tenant-settings/").text


@pytest.mark.parametrize(
    ("wish", "retired", "message"),
    [
        ("retire", True, "この項目は既に使用終了しています。"),
        ("restore", False, "この項目は既に使用中です。"),
        ("move", True, "この項目は既に使用終了しています。"),
    ],
)
def test_the_second_of_two_is_told_what_the_first_did(staff, make, wish, retired, message):
    item = make.application_field(tenant=staff.tenant, title="従業員数", retired_at="2026-11-01" if retired else None)

    page = staff.post(f"/application-fields/{item.id}/{wish}", data={"direction": "up"}, follow_redirects=True)

    assert page.status_code == 200
    assert message in Page(page.text).main.text
