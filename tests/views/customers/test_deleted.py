"""削除済みの顧客, for NEC's staff."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from models import clock
from models.audit import AuditEntry
from models.customers.customer import Customer
from models.portal_users.portal_user import PortalUser
from tests.support.pages import Page, answered

DELETED_AT = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)


@pytest.fixture
def customer(make):
    """A deleted customer, whose portal user was deleted with it."""
    customer = make.customer(tenant=make.tenant(name="東販売"), name="青空工業㈱", deleted_at=DELETED_AT)
    make.customer(tenant_id=customer.tenant_id, name="残った会社")
    make.portal_user(customer_row=customer, deleted_at=DELETED_AT)
    return customer


@pytest.fixture
def staff(make, signed_in, customer):
    return signed_in(make.elevated("NEC Staff", email="staff@example.jp"))


def restore(client, customer):
    path = f"/staff/deleted-customers/{customer.id}/restore"
    form = Page(client.get("/staff/deleted-customers/").text).form_to(path)
    return client.post(path, data=answered(form.sent()), follow_redirects=True)


def test_the_deleted_customers_of_all_tenants_are_listed_and_what_stays_ended_is_said(staff, customer, make):
    make.customer(name="別の会社", deleted_at=clock.utc_now())

    page = Page(staff.get("/staff/deleted-customers/").text)

    assert page.column("会社名") == ["別の会社", "青空工業㈱"]
    assert page.column("削除日時")[1] == "2026-11-20 12:00:00"
    assert page.column("テナント")[1] == f"{customer.tenant_id} 東販売"
    assert "ポータルユーザ" in page.main.text
    assert Page(staff.get("/staff/deleted-customers/?name=青空").text).column("会社名") == ["青空工業㈱"]


def test_a_customer_is_restored_without_its_portal_users_and_the_audit_log_says_by_whom(staff, customer, make):
    answer = restore(staff, customer)

    assert "顧客を復元しました。" in answer.text
    make.session.expire_all()
    assert make.session.get(Customer, customer.id).deleted_at is None
    assert make.session.scalars(select(PortalUser.deleted_at)).one() == DELETED_AT
    entry = make.session.scalars(select(AuditEntry)).one()
    assert (entry.action, entry.actor, entry.tenant_id, entry.subject_id) == (
        "customer.restored",
        "staff@example.jp",
        customer.tenant_id,
        customer.id,
    )


def test_the_second_of_two_is_told_that_it_has_been_restored(staff, customer):
    path = f"/staff/deleted-customers/{customer.id}/restore"
    form = answered(Page(staff.get("/staff/deleted-customers/").text).form_to(path).sent())

    staff.post(path, data=form)
    form.poplist("form_key")
    again = staff.post(path, data=form, follow_redirects=True)

    assert "この顧客は既に復元されています。" in again.text


def test_a_company_that_was_created_again_meanwhile_is_not_restored(staff, customer, make):
    again = make.customer(tenant_id=customer.tenant_id, name="青空工業株式会社", contact_phone=customer.contact_phone)
    make.customer(name="青空工業株式会社", contact_phone=customer.contact_phone)

    answer = restore(staff, customer)

    assert f"同じ会社名・電話番号の顧客 {again.id} が登録されています。" in answer.text
    make.session.expire_all()
    assert make.session.get(Customer, customer.id).deleted_at == DELETED_AT


@pytest.mark.parametrize("role", ["Partner Operator", "Partner Viewer"])
def test_partners_have_no_access(make, signed_in, customer, role):
    tenant = make.tenant()
    client = signed_in(make.member(tenant, role), tenant)

    assert client.get("/staff/deleted-customers/").status_code == 403
    assert client.post(f"/staff/deleted-customers/{customer.id}/restore").status_code == 403
