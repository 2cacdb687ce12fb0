"""Customers that may be the applicant."""

from __future__ import annotations

import pytest

from models.applications import duplicates
from models.applications.application import ServiceApplication

OTHER = {
    "name": "有限会社べつ",
    "contact_phone": "0399999999",
    "contact_email": "other@example.com",
    "postcode": "100-0001",
    "prefecture": "東京都",
    "address": "千代田区千代田1-1",
}


@pytest.fixture
def tenant(make):
    return make.tenant()


def found(make, in_tenant, tenant, **customer):
    make.customer(tenant=tenant, **OTHER | customer)
    key = make.service_application(tenant=tenant, company="株式会社髙橋電機").id
    with in_tenant(tenant.id) as session:
        return [each.same for each in duplicates.of(session, session.get_one(ServiceApplication, key))]


@pytest.mark.parametrize(
    ("customer", "same"),
    [
        ({"name": "㈱高橋電機"}, ("name",)),
        ({"contact_phone": "0612345678"}, ("phone",)),
        ({"contact_email": "JIRO@example.com"}, ("email",)),
        ({"postcode": "530-0001", "prefecture": "大阪府", "address": "大阪市北区　梅田一丁目１番１号"}, ("address",)),
        ({"name": "㈱高橋電機", "contact_email": "jiro@example.com"}, ("name", "email")),
    ],
)
def test_facts_are_compared_after_normalization(make, in_tenant, tenant, customer, same):
    assert found(make, in_tenant, tenant, **customer) == [same]


@pytest.mark.parametrize(
    "customer",
    [
        {},
        {"postcode": "530-0001", "prefecture": "大阪府", "address": "大阪市北区梅田二丁目"},
        {"contact_phone": "0612345678", "deleted_at": "2026-11-01T00:00:00Z"},
    ],
)
def test_others_and_deleted_customers_are_not_found(make, in_tenant, tenant, customer):
    assert found(make, in_tenant, tenant, **customer) == []


def test_other_tenants_are_not_searched(make, in_tenant, tenant):
    make.customer(contact_phone="0612345678")

    assert found(make, in_tenant, tenant) == []
