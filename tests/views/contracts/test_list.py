"""The contracts on a customer's page (§7.4.1 (1))."""

from __future__ import annotations

from datetime import date

import pytest

from tests.support.pages import Page


@pytest.fixture
def contracts(make, shop):
    """Contracts of each status, of two products."""
    of = {"customer_row": shop.customer, "product": shop.product}
    return [
        make.contract(**of, start_on=date(2026, 1, 1), end_on=date(2099, 12, 31)),
        make.contract(**of, start_on=date(2026, 2, 1), end_on=date(2026, 6, 30), status="cancelled"),
        make.contract(
            customer_row=shop.customer,
            product=make.product(name="あんしん商品"),
            start_on=date(2026, 3, 1),
            end_on=date(2026, 6, 30),
            status="expired",
        ),
    ]


@pytest.fixture
def listed(operator, shop):
    """The numbers of the contracts listed with some page arguments."""

    def numbers(**arguments):
        page = Page(operator.get(f"/customers/{shop.customer.id}", query_string=arguments).text)
        return page.column("契約番号")

    return numbers


def test_contracts_are_found_by_each_field(contracts, listed):
    first, second, third = (each.id for each in contracts)

    assert listed() == [third, second, first]
    assert listed(id=second) == [second]
    assert listed(id=second[-3:]) == [second]
    assert listed(id="ａ-ｓ") == [third, second, first]
    assert listed(start_on="2026-01-01") == [first]
    assert listed(end_on="2026-06-30") == [third, second]
    assert listed(status="active") == [first]
    assert listed(status="cancelled") == [second]
    assert listed(status="expired", end_on="2026-06-30") == [third]
    assert listed(status="nonsense", start_on="nonsense") == [third, second, first]


def test_a_search_that_finds_nothing_says_so_and_keeps_its_fields(operator, shop, contracts):
    page = Page(operator.get(f"/customers/{shop.customer.id}?id=A-S99999999").text)

    assert "条件に一致する契約はありません。" in page.main.text
    assert page.root.one(id="filter-id").attributes["value"] == "A-S99999999"


def test_the_status_offers_those_of_the_manual(operator, shop, contracts):
    page = Page(operator.get(f"/customers/{shop.customer.id}").text)

    options = [each.text for each in page.root.one(id="filter-status").all("option")]
    assert options == ["すべて", "有効", "解約済", "期限切れ"]


def test_staff_who_void_contracts_also_find_void_ones(make, signed_in, operator, shop, contracts):
    void = make.contract(customer_row=shop.customer, product=shop.product, status="void")
    staff = signed_in(make.elevated("NEC Staff"), operator.tenant)

    page = Page(staff.get(f"/customers/{shop.customer.id}", query_string={"status": "void"}).text)

    assert page.column("契約番号") == [void.id]
    assert "取消済" in [each.text for each in page.main.all("option")]


def test_contracts_are_sorted_by_each_column(contracts, listed):
    first, second, third = (each.id for each in contracts)

    assert listed(sort="id") == [first, second, third]
    assert listed(sort="id", direction="desc") == [third, second, first]
    assert listed(sort="product") == [third, first, second]
    assert listed(sort="start_on", direction="asc") == [first, second, third]
    assert listed(sort="end_on") == [second, third, first]
    assert listed(sort="status") == [first, second, third]
    assert listed(sort="nonsense") == [third, second, first]


def test_a_number_leads_to_its_contract_and_many_are_on_pages(operator, make, shop, contracts, listed):
    page = Page(operator.get(f"/customers/{shop.customer.id}").text)
    assert f"{shop.url}/{contracts[0].id}" in page.links
    for _ in range(25):
        make.contract(customer_row=shop.customer, product=shop.product, start_on=date(2025, 1, 1))

    assert len(listed()) == 25
    assert len(listed(page=2)) == 3
    assert len(listed(page=99)) == 3


def test_a_customer_without_a_contract_has_a_hint_and_no_search(operator, shop):
    page = Page(operator.get(f"/customers/{shop.customer.id}").text)

    assert "契約はまだありません。" in page.main.text
    assert not page.root.all(id="filter-id")
    assert f"{shop.url}/add" in page.links
