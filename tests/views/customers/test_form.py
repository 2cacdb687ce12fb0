"""§7.2, §7.3: codes as people write them; two people editing; the address from the postcode."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from sqlalchemy import event, text

from tests.support.pages import Page, answered

GOOD = {
    "name": "株式会社あおぞら製作所",
    "memo1": "",
    "memo2": "",
    "memo3": "",
    "contact_last_name": "青空",
    "contact_first_name": "花子",
    "contact_department": "",
    "contact_title": "",
    "contact_email": "hanako@example.com",
    "postcode": "733-0001",
    "prefecture": "広島県",
    "address": "広島市西区大芝一丁目1番1号",
    "contact_phone": "082-123-4567",
}
POSTCODE = "半角数字7文字、またはハイフンを含む8文字で入力してください"
EMAIL = "メールアドレスの形式が正しくありません。"

# Hyphen, no-break hyphen, en and em dash, horizontal bar, minus, long-vowel mark in both widths, ruled line.
TYPED_FOR_HYPHENS = "\u2010\u2011\u2013\u2014\u2015\u2212\u30fc\uff70\uff0d\u2500"
WITH_HYPHENS = (("postcode", "733-0001"), ("contact_phone", "082-123-4567"))
TAKEN = [
    ("postcode", "7330001"),
    ("postcode", "７３３－０００１"),
    ("contact_phone", "０８２－１２３－４５６７"),
    *[(field, number.replace("-", hyphen)) for field, number in WITH_HYPHENS for hyphen in TYPED_FOR_HYPHENS],
]
REFUSED = [
    ("contact_email", "no address", EMAIL),
    ("contact_email", "a@example.com\r\nBcc: b@example.com", EMAIL),
    ("postcode", "733000", POSTCODE),
    ("postcode", "73300012", POSTCODE),
    ("postcode", "7330-001", POSTCODE),
    ("postcode", "abc-defg", POSTCODE),
    ("contact_phone", "0" * 16, "15桁以下で入力してください。"),
    ("contact_phone", "03+123", "電話番号を半角数字で入力してください。"),
]


def told_beside(page: str, field: str) -> str:
    """What a page says is wrong with a field."""
    found = re.search(rf'id="{field}-error">(.*?)</div>\s*</div>', page, re.DOTALL)
    return found[1] if found else ""


def hidden(page: str) -> dict[str, str]:
    """The hidden fields of the form on a page, its token left out."""
    return dict(re.findall(r'name="(version|shown)" type="hidden" value="([^"]*)"', page))


def test_a_customer_is_made_and_is_a_draft(operator, make):
    answer = operator.post("/customers/add", data=GOOD, follow_redirects=True)

    assert "顧客を作成しました。" in answer.text
    assert "ドラフト" in answer.text
    assert "0821234567" in answer.text
    row = make.session.execute(text("SELECT tenant_id, search_name, status FROM customer")).one()
    assert tuple(row) == (operator.tenant.id, "株式会社あおぞら製作所", "draft")


@pytest.mark.parametrize(("field", "value"), TAKEN)
def test_a_code_is_taken_as_people_write_it(operator, field, value):
    answer = operator.post("/customers/add", data=GOOD | {field: value})

    assert answer.status_code == 302, told_beside(answer.text, field)


@pytest.mark.parametrize(("field", "value", "message"), REFUSED)
def test_a_code_that_is_none_is_told_beside_its_field(operator, make, field, value, message):
    answer = operator.post("/customers/add", data=GOOD | {field: value})

    assert answer.status_code == 422
    assert message in told_beside(answer.text, field)
    assert make.session.scalar(text("SELECT count(*) FROM customer")) == 0


def test_what_nobody_sees_is_not_stored(operator, make):
    pasted = {"name": "\u202e㈱あおぞら\u200b🏳️\u200d🌈", "contact_phone": "\u202a082-123-4567\u202c"}

    operator.post("/customers/add", data=GOOD | pasted)

    row = make.session.execute(text("SELECT name, contact_phone FROM customer")).one()
    assert tuple(row) == ("㈱あおぞら🏳️\u200d🌈", "0821234567")


def test_fields_of_the_row_that_the_form_does_not_have_are_not_taken(operator, make):
    forged = GOOD | {"tenant_id": "T9999999", "id": "A99999999", "status": "active", "balance": "1000000"}

    operator.post("/customers/add", data=forged)

    row = make.session.execute(text("SELECT id, tenant_id, status, balance FROM customer")).one()
    assert tuple(row) == ("A00000001", operator.tenant.id, "draft", 0)


def test_a_change_is_in_the_log_with_both_values_but_for_the_texts_of_memos(operator, make):
    customer = make.customer(tenant=operator.tenant, contact_title="課長")
    url = f"/customers/{customer.id}/edit"
    form = Page(operator.get(url).text).main_form

    operator.post(url, data=answered(form.sent(memo2="新しいメモ", contact_title="部長")))

    before, after = make.session.execute(
        text("SELECT before, after FROM audit_entry WHERE action = 'customer.changed'")
    ).one()
    assert (before, after) == (
        {"memo2": "", "contact_title": "課長"},
        {"memo2": "***", "contact_title": "部長"},
    )


def test_only_what_the_first_changed_is_shown_beside_what_the_second_typed(operator, make):
    customer = make.customer(tenant=operator.tenant, memo1="前のメモ1", memo2="前のメモ2")
    address = f"/customers/{customer.id}/edit"
    before = {name: getattr(customer, name) for name in GOOD} | hidden(operator.get(address).text)
    operator.post(address, data=before | {"memo1": "先のメモ1", "name": "同じ名前"}, follow_redirects=True)

    second = operator.post(address, data=before | {"memo2": "後のメモ2", "name": "同じ名前"})
    third = operator.post(address, data=before | hidden(second.text) | {"memo1": "先のメモ1", "memo2": "後のメモ2"})

    assert re.findall(r'data-label="項目">([^<]+)<', second.text) == ["メモ1"]
    assert re.findall(r'<span class="lines">([^<]+)<', second.text) == ["先のメモ1", "前のメモ1"]
    assert third.status_code == 302


@pytest.mark.parametrize(
    "postcode", ["733-0001", "7330001", "７３３ー０００１", "733\u22120001", "〒733-0001", " 733 0001"]
)
def test_the_address_is_filled_in_from_the_postcode(operator, postcode):
    empty = {"address": "", "prefecture": "", "find_address": "1"}

    answer = operator.post("/customers/add", data=GOOD | empty | {"postcode": postcode})

    assert answer.status_code == 200
    assert '<option selected value="広島県">' in answer.text
    assert 'value="広島市西区大芝"' in answer.text
    assert "郵便番号から都道府県と住所を入力しました。" in answer.text
    assert re.search(r'<input [^>]*autofocus[^>]*id="address"', answer.text)


def test_a_postcode_of_several_places_fills_in_what_they_share_and_names_them(operator):
    sent = GOOD | {"postcode": "871-0000", "find_address": "1"}

    page = operator.post("/customers/add", data=sent).text

    assert "この郵便番号には複数の住所があります。" in page
    assert "福岡県築上郡吉富町 / 大分県中津市" in page
    # What is not known keeps what was typed.
    assert re.search(rf'<input [^>]*id="address"[^>]*value="{GOOD["address"]}"', page)
    assert '<option selected value="広島県">' in page


def test_of_a_postcode_of_one_prefecture_the_prefecture_is_filled_in(operator):
    page = operator.post("/customers/add", data=GOOD | {"postcode": "761-4101", "find_address": "1"}).text

    assert '<option selected value="香川県">' in page
    assert 'value="小豆郡土庄町"' in page


def test_of_many_places_the_first_are_named(operator):
    page = operator.post("/customers/add", data=GOOD | {"postcode": "452-0961", "find_address": "1"}).text

    assert re.search(r"/ ほか\s*</div>", page)


@pytest.mark.parametrize("typed", ["一行目\x0b\x1b\r\n二\u202e行目\u200b", "　一行目\n二行目 "])
def test_a_memo_keeps_its_lines_and_nothing_unseen(operator, make, typed):
    operator.post("/customers/add", data=GOOD | {"memo1": typed})

    assert make.session.scalar(text("SELECT memo1 FROM customer")) == "一行目\n二行目"


def test_a_postcode_that_does_not_exist_is_told(operator):
    answer = operator.post("/customers/add", data=GOOD | {"postcode": "000-0000", "find_address": "1"})

    assert "該当する郵便番号がありません。" in told_beside(answer.text, "postcode")
    assert "郵便番号から都道府県と住所を入力しました。" not in answer.text
    assert "autofocus" not in answer.text


def test_a_deleted_customer_is_gone_and_staff_bring_it_back(operator, make, signed_in):
    customer = make.customer(tenant=operator.tenant, name="消える会社")
    staff = signed_in(make.elevated("NEC Staff"), operator.tenant)

    form = Page(operator.get(f"/customers/{customer.id}").text).form_to(f"/customers/{customer.id}/delete")
    assert form.sent()["question_title"] == "顧客削除確認"
    deleted = operator.post(f"/customers/{customer.id}/delete", follow_redirects=True)
    gone = operator.get(f"/customers/{customer.id}")
    hidden = operator.get("/customers/?status=deleted")
    seen = staff.get("/customers/?status=deleted")
    forbidden = operator.post(f"/customers/{customer.id}/restore")
    restored = staff.post(f"/customers/{customer.id}/restore", follow_redirects=True)

    assert "顧客を削除しました。" in deleted.text
    assert "消える会社" not in deleted.text
    assert gone.status_code == 404
    assert "消える会社" not in hidden.text
    assert "消える会社" in seen.text
    assert forbidden.status_code == 403
    assert "顧客を復元しました。" in restored.text
    assert operator.get(f"/customers/{customer.id}").status_code == 200


@pytest.fixture
def somebody_faster(engine, make):
    """Lets somebody else delete or restore a customer between a request's reading and its lock."""

    waiting = ["UPDATE customer SET deleted_at = CASE WHEN deleted_at IS NULL THEN now() END, version = version + 1"]

    def before(_connection, _cursor, statement, *_rest) -> None:
        if waiting and "FROM customer" in statement and "FOR UPDATE" in statement:
            make.session.execute(text(waiting.pop()))
            make.session.commit()

    event.listen(engine, "before_cursor_execute", before)
    yield
    event.remove(engine, "before_cursor_execute", before)


@pytest.mark.parametrize(
    ("deleted_at", "doing", "message"),
    [
        (None, "delete", "この顧客は既に削除されています。"),
        (datetime(2026, 11, 1, tzinfo=UTC), "restore", "この顧客は既に復元されています。"),
    ],
    ids=["delete", "restore"],
)
def test_the_second_to_delete_or_restore_at_the_same_moment_is_told(
    make, signed_in, somebody_faster, deleted_at, doing, message
):
    tenant = make.tenant()
    customer = make.customer(tenant=tenant, deleted_at=deleted_at)
    staff = signed_in(make.elevated("NEC Staff"), tenant)

    page = staff.post(f"/customers/{customer.id}/{doing}", follow_redirects=True).text

    assert page.count(message) == 1
    assert (
        make.session.scalar(text("SELECT count(*) FROM audit_entry WHERE subject_id = :id"), {"id": customer.id}) == 0
    )
