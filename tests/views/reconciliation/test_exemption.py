"""NEC staff exempt customers from the check for missing contracts."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from models.customers.customer import Customer
from tests.support.pages import Page, answered

REASON = "年度末にまとめて契約"


@pytest.fixture
def tenant(make):
    return make.tenant()


@pytest.fixture
def customer(make, tenant):
    return make.customer(tenant=tenant, name="株式会社くいちがい")


@pytest.fixture
def staff(make, signed_in, tenant):
    return signed_in(make.elevated("NEC Staff"), tenant)


def url_of(customer):
    return f"/reconciliation/{customer.id}/exemption"


def sent(client, customer, reason, **values):
    form = Page(client.get(url_of(customer)).text).main_form
    return answered(form.sent(shortage_exemption=reason, **values))


def stored(make, customer):
    return make.session.get(Customer, customer.id, populate_existing=True).shortage_exemption


def test_staff_exempt_a_customer_with_a_reason_and_end_it_again(make, staff, customer):
    listed = f"{url_of(customer)}?back=figures%3Dagree"
    assert listed in Page(staff.get("/reconciliation/?figures=agree").text).links
    form = Page(staff.get(listed).text).main_form

    question = staff.post(listed, data=form.sent(shortage_exemption=REASON))
    assert "契約数確認の対象外の設定を変更します。" in question.text
    assert stored(make, customer) == ""
    answer = staff.post(listed, data=answered(form.sent(shortage_exemption=f" {REASON}")))

    assert answer.location == "/reconciliation/?figures=agree"
    assert "契約数確認の対象外の設定を変更しました。" in staff.get(answer.location).text
    assert stored(make, customer) == REASON
    staff.post(url_of(customer), data=sent(staff, customer, " \u3000"))
    assert stored(make, customer) == ""


def test_who_exempted_a_customer_is_in_the_audit_log_and_its_history(make, staff, customer):
    staff.post(url_of(customer), data=sent(staff, customer, REASON))

    entry = make.session.execute(text("SELECT * FROM audit_entry ORDER BY id DESC LIMIT 1")).mappings().one()
    assert (entry["action"], entry["tenant_id"]) == ("customer.shortage_exemption", customer.tenant_id)
    assert (entry["before"], entry["after"]) == ({"shortage_exemption": ""}, {"shortage_exemption": REASON})
    history = staff.get(f"/customers/{customer.id}").text
    assert "対象外の理由" in history
    assert REASON in history


@pytest.mark.parametrize(
    ("reason", "message"),
    [
        ("あ" * 101, "100文字以下"),
        ("一行目\n二行目", "改行や制御文字は使用できません。"),
        ("", "1つ以上の項目を変更してください。"),
    ],
)
def test_a_reason_that_cannot_be_stored_is_refused_with_an_explanation(make, staff, customer, reason, message):
    answer = staff.post(url_of(customer), data=sent(staff, customer, reason))

    assert answer.status_code == 422
    assert message in Page(answer.text).main.text
    assert stored(make, customer) == ""


def test_the_longest_reason_is_stored(make, staff, customer):
    staff.post(url_of(customer), data=sent(staff, customer, "あ" * 100))

    assert stored(make, customer) == "あ" * 100


def test_the_second_of_two_is_shown_what_the_first_saved(make, staff, customer):
    opened = sent(staff, customer, "二番目")
    staff.post(url_of(customer), data=sent(staff, customer, REASON))

    answer = staff.post(url_of(customer), data=opened)

    assert answer.status_code == 409
    assert ("対象外の理由", REASON, "二番目") in Page(answer.text).differences
    again = Page(answer.text).main_form
    assert staff.post(url_of(customer), data=answered(again.sent())).status_code == 302
    assert stored(make, customer) == "二番目"


def test_a_change_of_something_else_is_no_conflict(make, staff, customer):
    opened = sent(staff, customer, REASON)
    make.session.execute(text("UPDATE customer SET memo1 = 'x', version = version + 1"))
    make.session.commit()

    assert staff.post(url_of(customer), data=opened).status_code == 302
    assert stored(make, customer) == REASON


def test_a_customer_deleted_meanwhile_is_not_exempted(make, staff, customer):
    opened = sent(staff, customer, REASON)
    make.session.execute(text("UPDATE customer SET deleted_at = now(), version = version + 1"))
    make.session.commit()

    answer = staff.post(url_of(customer), data=opened, follow_redirects=True)

    assert answer.request.path == "/reconciliation/"
    assert "削除" in Page(answer.text).main.text
    assert stored(make, customer) == ""


def test_customers_of_others_are_not_found(make, staff, customer):
    theirs = make.customer()
    data = sent(staff, customer, REASON)

    assert staff.get(url_of(theirs)).status_code == 404
    assert staff.post(url_of(theirs), data=data).status_code == 404
    assert stored(make, theirs) == ""


@pytest.mark.parametrize("role", ["Partner Operator", "Partner Viewer"])
def test_only_staff_exempt(make, signed_in, staff, tenant, customer, role):
    data = sent(staff, customer, REASON)
    client = signed_in(make.member(tenant, role), tenant)

    assert client.get(url_of(customer)).status_code == 403
    assert client.post(url_of(customer), data=data).status_code == 403
    assert url_of(customer) not in client.get("/reconciliation/").text
    assert stored(make, customer) == ""


def test_what_was_typed_is_kept_when_the_question_is_cancelled(make, staff, customer):
    form = Page(staff.get(url_of(customer)).text).main_form

    page = Page(staff.post(url_of(customer), data=form.sent(shortage_exemption=REASON, back_to_form="1")).text)

    assert page.main_form.sent()["shortage_exemption"] == REASON
    assert stored(make, customer) == ""
