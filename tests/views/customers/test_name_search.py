"""Customers are found by any variant of their name and notation of their number, and sorted without their legal form."""

from __future__ import annotations

from importlib import import_module

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import NullPool, create_engine, text

from models.customers import cross_tenant_search
from models.customers.cross_tenant_search import SearchBy
from models.values.company_name import LEGAL_FORMS, search_key
from tests.support.pages import Page


def names(client, **query: str) -> list[str]:
    return Page(client.get("/customers/", query_string=query).text).column("会社名")


@pytest.mark.parametrize("typed", ["髙橋", "高橋", "高橋サ−バ−", "ﾀｶﾊｼ髙橋"])
def test_the_list_finds_a_name_by_any_variant(make, operator, typed):
    make.customer(tenant=operator.tenant, name="髙橋サーバー㈱")
    make.customer(tenant=operator.tenant, name="古橋商店")

    assert names(operator, name=typed) == ([] if typed.startswith("ﾀ") else ["髙橋サーバー㈱"])


@pytest.mark.parametrize(
    "typed",
    [
        *("(03)1234-5678", "03.1234.5678", "+81-3-1234-5678", "０３ー１２３４ー５６７８", "1234-5678", "031234"),
        *("03/1234/5678", "03・1234・5678", "03_1234_5678", "TEL 03-1234-5678", "tel:0312345678"),
        *("03-1234-5678 内線 12", "81312345678"),
    ],
)
def test_the_list_finds_a_number_and_parts_of_it_in_any_notation(make, operator, typed):
    make.customer(tenant=operator.tenant, name="あおぞら", contact_phone="0312345678")
    make.customer(tenant=operator.tenant, name="ひばり", contact_phone="0612349999")

    assert names(operator, contact_phone=typed) == ["あおぞら"]


@pytest.mark.parametrize("typed", ["abc", "-", "%", "03%"])
def test_a_number_that_is_none_is_told_and_not_searched_for(make, operator, typed):
    make.customer(tenant=operator.tenant, name="あおぞら", contact_phone="0312345678")

    page = Page(operator.get("/customers/", query_string={"contact_phone": typed}).text)

    assert page.column("会社名") == ["あおぞら"]
    assert (
        page.error_of("filter-contact_phone") == "電話番号を半角数字で入力してください。この条件は検索から除きました。"
    )


@pytest.mark.parametrize("typed", ["高崎", "髙﨑　花子", "崎花", "高崎 ﾊﾅ"])
def test_the_list_finds_a_contact_person_by_any_variant(make, operator, typed):
    make.customer(tenant=operator.tenant, name="あおぞら", contact_last_name="髙﨑", contact_first_name="花子")
    make.customer(tenant=operator.tenant, name="ひばり", contact_last_name="高橋", contact_first_name="ハナ")

    assert names(operator, contact_name=typed) == ([] if "ﾊﾅ" in typed else ["あおぞら"])


@pytest.mark.parametrize("typed", ["(03)1234-5678", "03.1234.5678", "+81-3-1234-5678", "０３ー１２３４ー５６７８"])
def test_the_search_across_tenants_finds_a_number_in_any_notation(make, context, typed):
    customer = make.customer(contact_phone="0312345678")
    make.customer(contact_phone="0312345679")

    found = cross_tenant_search.find(SearchBy.PHONE, typed, tenant_ids=None)

    assert [row.customer_id for row in found.rows] == [customer.id]


@pytest.mark.parametrize(("direction", "order"), [("asc", 1), ("desc", -1)])
def test_names_are_sorted_without_their_legal_form(make, operator, direction, order):
    for name in ("株式会社うみ", "あお㈱", "(有)いけ", "えき", "株式会社", "医療法人社団おか", "株式会社株式会社"):
        make.customer(tenant=operator.tenant, name=name)

    expected = ["あお㈱", "(有)いけ", "株式会社うみ", "えき", "医療法人社団おか"]
    shown = [each for each in names(operator, sort="name", direction=direction) if each in expected]
    assert shown == expected[::order]


def test_the_search_across_tenants_sorts_so_too(make, context):
    for name in ("株式会社あ東京", "い東京", "(有)う東京"):
        make.customer(name=name)

    found = cross_tenant_search.find(SearchBy.NAME, "東京", tenant_ids=None)

    assert [row.customer_name for row in found.rows] == ["株式会社あ東京", "い東京", "(有)う東京"]


def test_the_migration_knows_the_same_legal_forms():
    assert "|".join(LEGAL_FORMS) == import_module("migrations.versions.0017_name_variants").FORMS


def test_names_stored_before_are_found_by_variants_after_the_migration(make, service_env):
    customers = [make.customer(name=name) for name in ("髙橋", "山﨑㈱", "あおぞら")]
    make.session.execute(text("UPDATE customer SET search_name = name"))
    make.session.commit()
    migration = import_module("migrations.versions.0017_name_variants")

    engine = create_engine(service_env["DATABASE_OWNER_URL"], poolclass=NullPool)
    with engine.begin() as connection, Operations.context(MigrationContext.configure(connection)):
        migration.downgrade()
        migration.upgrade()

    make.session.expire_all()
    kept = [
        tuple(
            make.session.execute(
                text("SELECT search_name, sort_name FROM customer WHERE id = :id"), {"id": each.id}
            ).one()
        )
        for each in customers
    ]
    assert kept == [("高橋", "高橋"), ("山崎株式会社", "山崎"), ("あおぞら", "あおぞら")]
    assert [key for key, _ in kept] == [search_key(name) for name in ("髙橋", "山﨑㈱", "あおぞら")]
