"""What a text finds of a tenant, in whatever notation it was typed."""

from __future__ import annotations

import pytest

from models import clock
from models.search import search
from models.search.search import Kind

MAC = "a1b2c3d4e5f6"


@pytest.fixture
def tenant(make):
    return make.tenant()


@pytest.fixture
def find(in_tenant, tenant):
    def found(text, *, kinds=tuple(Kind), **options):
        with in_tenant(tenant.id) as session:
            return search.find(session, text, kinds=kinds, **options)

    return found


@pytest.fixture
def customer(make, tenant):
    make.customer(tenant=tenant, name="ひばり", contact_last_name="山田", contact_phone="0699999999")
    return make.customer(
        tenant=tenant,
        name="髙橋サーバー㈱",
        contact_last_name="渡邊",
        contact_first_name="花子",
        contact_phone="0312345678",
    )


@pytest.mark.parametrize(
    "typed",
    [
        *("高橋サーバ", "（株）", "ｻｰﾊﾞｰ", "株式会社", " 高橋　"),
        *("渡辺", "渡邉　花子", "辺花"),
        *("(03)1234-5678", "+81-3-1234-5678", "０３ー１２３４ー５６７８", "1234-56"),
        *(
            "03/1234/5678",
            "03_1234_5678",
            "TEL 03・1234・5678",
            "tel:0312345678",
            "03-1234-5678 内線 12",
            "81312345678",
        ),
        *("A00000002", "ａ０００００００２"),
    ],
)
def test_a_customer_is_found_by_name_contact_person_phone_number_and_id(find, customer, typed):
    found = find(typed)

    assert {kind: [row.id for row in each.rows] for kind, each in found.items()} == {Kind.CUSTOMERS: [customer.id]}


@pytest.mark.parametrize(
    "typed", ["A-S00000001", "a-s00000001", "Ａ－Ｓ００００００01", "AS00000001", "S00000001", "00000001"]
)
def test_a_contract_is_found_by_its_number(find, make, customer, typed):
    contract = make.contract(customer_row=customer)

    rows = find(typed, kinds=[Kind.CONTRACTS])[Kind.CONTRACTS].rows

    assert [(row.id, row.customer_id, row.customer_name) for row in rows] == [
        (contract.id, customer.id, "髙橋サーバー㈱")
    ]


@pytest.mark.parametrize(
    "typed",
    [
        *(MAC, MAC.upper(), "A1:B2:C3:D4:E5:F6", "a1-b2-c3-d4-e5-f6", "A1B2.C3D4.E5F6", "A1 B2 C3 D4 E5 F6"),
        *("Ａ１：Ｂ２：Ｃ３：Ｄ４：Ｅ５：Ｆ６", "A1‐B2‐C3‐D4‐E5‐F6", "c3:d4:", "e5f6"),
        *("ABC-00000000123", "abcー00000000123", "ＡＢＣ－0000", "00000123"),
        "0:1b:2:c3:4:d5",
    ],
)
def test_a_utm_is_found_by_its_id_mac_address_and_serial_number(find, make, customer, typed):
    make.utm(customer_row=customer, utm_id="0f0f0f0f0f0f", serial="XYZ-99999999999")
    utm = make.utm(customer_row=customer, utm_id=MAC, serial="ABC-00000000123", reported_mac="00:1b:02:c3:04:d5")

    rows = find(typed, kinds=[Kind.UTMS])[Kind.UTMS].rows

    assert [row.id for row in rows] == [utm.id]


@pytest.mark.parametrize(
    "typed", ["%", "_", "\\", "100%", "'; DROP TABLE customer --", "a1b", "S", "A-S", "·", "\u200b"]
)
def test_what_is_no_part_of_anything_finds_nothing(find, make, customer, typed):
    make.contract(customer_row=customer)
    make.utm(customer_row=customer, utm_id=MAC)

    assert find(typed) == {}


def test_what_is_another_tenants_deleted_or_removed_is_not_found(find, make, tenant):
    elsewhere = make.customer(contact_phone="0355556666")
    gone = make.customer(tenant=tenant, contact_phone="0355556666", deleted_at=clock.utc_now())
    for each in (elsewhere, gone):
        make.contract(customer_row=each)
        make.utm(customer_row=each, serial=f"COMMON-{each.id}")
    make.utm(customer_row=make.customer(tenant=tenant), serial="COMMON-REMOVED1", removed_at=clock.utc_now())

    assert [find(typed) for typed in ("0355556666", "A-S0000", "COMMON")] == [{}, {}, {}]


def test_twenty_of_a_kind_are_shown_and_all_are_counted(find, make, tenant):
    for number in range(22):
        make.customer(tenant=tenant, name=f"森{number:02}")

    found = find("森")[Kind.CUSTOMERS]

    assert ([row.name for row in found.rows], found.count) == ([f"森{number:02}" for number in range(20)], 22)


def test_kinds_that_a_text_cannot_be_cost_no_statement(find, customer, statements):
    find("渡辺")
    of_a_name = [each for each in statements if "set_config" not in each]
    statements.clear()
    find("12345678")

    assert (len(of_a_name), len([each for each in statements if "set_config" not in each])) == (1, 3)
