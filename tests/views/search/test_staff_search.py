"""全テナント検索, for NEC's staff."""

from __future__ import annotations

import pytest

from models import clock
from tests.support.pages import Page, answered


@pytest.fixture
def two(make):
    """The same company in two tenants, each with a contract and a UTM."""
    found = []
    for number, name in enumerate(("東販売", "西販売"), start=1):
        customer = make.customer(tenant=make.tenant(name=name), name="青空工業㈱", contact_phone=f"031234567{number}")
        contract = make.contract(customer_row=customer)
        utm = make.utm(customer_row=customer, utm_id=f"a1b2c3d4e5f{number}", name=f"本社{number}号機")
        found.append((customer, contract, utm))
    return found


@pytest.fixture
def staff(make, signed_in, two):
    return signed_in(make.elevated("NEC Staff"))


def found(client, text) -> Page:
    return Page(client.get("/staff/search/", query_string={"text": text}).text)


def test_rows_of_all_tenants_are_found_and_the_tenant_is_named(staff, two, make):
    make.customer(name="青空商店", deleted_at=clock.utc_now())

    page = found(staff, "青空")

    assert page.column("会社ID") == [customer.id for customer, _, _ in two]
    assert page.column("テナント") == [f"{two[0][0].tenant_id} 東販売", f"{two[1][0].tenant_id} 西販売"]


@pytest.mark.parametrize(
    ("text", "column", "expected"),
    [
        ("0312345672", "電話番号", ["0312345672"]),
        ("A00000002", "会社ID", ["A00000002"]),
        ("S00000001", "契約番号", ["A-S00000001"]),
        ("A1:B2:C3:D4:E5:F2", "UTM ID", ["a1b2c3d4e5f2"]),
        ("本社2", "UTM名", ["本社2号機"]),
        ("本 社２", "UTM名", ["本社2号機"]),
        ("%", "UTM名", []),
    ],
)
def test_what_it_finds_by_phone_number_id_and_name(staff, text, column, expected):
    assert found(staff, text).column(column) == expected


def test_a_button_opens_each_row_in_its_tenant(staff, two):
    customer, contract, utm = two[1]
    pages = [found(staff, text) for text in (customer.id, contract.id, utm.utm_id)]

    opened = []
    for page in pages:
        form = next(each for each in page.forms if each.element.attributes.get("id", "").startswith("found-"))
        answer = staff.post("/tenants/open", data={**answered(form.sent()), "reason": "調査"})
        opened.append(answer.location)
        assert staff.get(answer.location).status_code == 200

    root = f"/customers/{customer.id}"
    assert opened == [root, f"{root}/contracts/{contract.id}", f"{root}/utms/{utm.id}"]


def test_nothing_found_and_a_text_that_is_too_long_are_told(staff):
    assert "見つかりませんでした。" in found(staff, "見当たらない").main.text
    assert "100文字以下で入力してください。" in found(staff, "あ" * 101).main.text


@pytest.mark.parametrize("role", ["Partner Operator", "Partner Viewer"])
def test_partners_have_no_access(make, signed_in, two, role):
    tenant = make.tenant()
    client = signed_in(make.member(tenant, role), tenant)

    assert client.get("/staff/search/?text=青空").status_code == 403
    assert "/staff/search/" not in Page(client.get("/").text).links
