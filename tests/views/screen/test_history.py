from __future__ import annotations

from decimal import Decimal

import pytest

from models.actor import SYSTEM
from models.contracts import invoicing
from models.tenants.tenant import Tenant
from tests.support.pages import Page


@pytest.fixture
def customer(make, operator):
    return make.customer(tenant=operator.tenant, memo1="")


def history(client, customer):
    page = Page(client.get(f"/customers/{customer.id}").text)
    return [(row["項目"], row["変更前"], row["変更後"]) for row in page.rows if "変更前" in row]


def audit(make, customer, action, **values):
    from models import audit as audit_log

    audit_log.record(make.session, action, customer, by=SYSTEM, **values)
    make.session.commit()


def test_values_are_shown_as_on_the_page_and_the_newest_change_first(make, operator, customer):
    audit(make, customer, "customer.changed", before={"status": "draft"}, after={"status": "active"})
    audit(
        make,
        customer,
        "customer.changed",
        before={"balance": "0", "last_invoiced_on": None},
        after={"balance": "1200", "last_invoiced_on": "2026-11-01"},
    )

    assert history(operator, customer) == [
        ("残高", "0", "1200"),
        ("最終請求日", "-", "2026-11-01"),
        ("ステータス", "ドラフト", "有効"),
    ]


def test_a_change_of_no_column_is_told_in_a_sentence(make, operator, customer):
    audit(make, customer, "customer.restored", before={}, after={})

    assert history(operator, customer) == [("顧客を復元しました。", "-", "-")]


def test_an_answer_to_an_extra_question_has_the_title_of_the_question(make, operator, customer):
    question = make.application_field(tenant=operator.tenant, title="ご利用の回線")
    key = str(question.id)
    audit(make, customer, "customer.answers_changed", before={key: ""}, after={key: "光回線"})

    assert history(operator, customer) == [("ご利用の回線", "-", "光回線")]


def test_an_answer_to_a_question_that_is_gone_is_called_additional_information(make, operator, customer):
    audit(make, customer, "customer.answers_changed", before={"99": "光回線"}, after={"99": ""})

    assert history(operator, customer) == [("追加情報", "光回線", "-")]


def test_a_correction_says_nothing_of_the_customer_whose_history_it_is(make, operator, customer):
    values = {"amount": Decimal(-500), "reason": "値引き"}
    invoicing.correct(make.session, customer, values, by=SYSTEM)
    make.session.commit()

    assert history(operator, customer) == [("訂正の金額", "-", "-500"), ("訂正の理由", "-", "値引き")]


def test_an_entry_with_nothing_but_the_key_and_the_tenant_is_told_in_a_sentence(make, operator, customer):
    after = {"id": customer.id, "tenant_id": customer.tenant_id}
    audit(make, customer, "customer.created", before=None, after=after)

    assert history(operator, customer) == [("顧客を作成しました。", "-", "-")]


def test_a_value_of_several_lines_keeps_its_lines(make, signed_in):
    question = make.application_field()
    staff = signed_in(make.elevated("NEC Staff"), make.session.get(Tenant, question.tenant_id))
    audit(make, question, "application_field.changed", before={"choices": []}, after={"choices": ["<b>", "電話"]})

    page = staff.get(f"/application-fields/{question.id}/edit").text

    assert '<span class="lines">&lt;b&gt;\n電話</span>' in page
