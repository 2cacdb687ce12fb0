from __future__ import annotations

import pytest

from tests.support.pages import Page


@pytest.fixture
def customer(make, operator):
    return make.customer(tenant=operator.tenant, memo1="")


def history(client, customer):
    page = Page(client.get(f"/customers/{customer.id}").text)
    return [(row["項目"], row["変更前"], row["変更後"]) for row in page.rows if "変更前" in row]


def audit(make, customer, action, **values):
    from models import audit as audit_log
    from models.actor import SYSTEM

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
