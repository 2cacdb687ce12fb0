"""全テナントのUTM, for NEC's staff."""

from __future__ import annotations

import csv
import io

import pytest

from models import clock
from tests.support.pages import Page, answered

MOST_STATEMENTS = 10


@pytest.fixture
def tenants(make):
    return [make.tenant(name=name) for name in ("東販売", "西販売")]


@pytest.fixture
def utms(make, tenants):
    return [
        make.utm(tenant=tenant, utm_id=f"00000000000{number}", name=f"UTM{number}", firmware=f"1.{number}")
        for number, tenant in enumerate(tenants, start=1)
    ]


@pytest.fixture
def staff(make, signed_in, tenants):
    return signed_in(make.elevated("NEC Staff"), tenants[0])


def listed(client, **query) -> Page:
    return Page(client.get("/staff/utms/", query_string=query).text)


def test_the_utms_of_every_tenant_are_there(staff, make, utms):
    make.utm(name="外した", removed_at=clock.utc_now())

    page = listed(staff)

    assert page.column("UTM名") == ["UTM1", "UTM2"]
    assert page.column("テナント") == [
        f"{utms[0].tenant_id} 東販売",
        f"{utms[1].tenant_id} 西販売",
    ]
    options = page.root.one(id="filter-firmware").all("option")
    assert [each.attributes["value"] for each in options] == ["", "1.1", "1.2"]


def test_a_tenant_and_a_version_narrow_the_list(staff, utms):
    assert listed(staff, tenant_id=utms[1].tenant_id.lower()).column("UTM名") == ["UTM2"]
    assert listed(staff, firmware="1.1").column("UTM名") == ["UTM1"]
    assert listed(staff, sort="tenant", direction="desc").column("UTM名") == ["UTM2", "UTM1"]


def test_a_button_opens_the_customer_in_its_tenant(staff, utms):
    forms = [each for each in listed(staff).sendings if each.action == "/tenants/open"]
    form = next(each for each in forms if each.sent().get("customer_id") == utms[1].customer_id)

    answer = staff.post(form.action, data={**answered(form.sent()), "reason": "調査"})

    assert answer.location == f"/customers/{utms[1].customer_id}"
    assert staff.get(answer.location).status_code == 200


def test_the_file_says_whose_each_utm_is(staff, utms):
    rows = list(csv.DictReader(io.StringIO(staff.get("/staff/utms/?csv=1").data.decode("utf-8-sig"))))

    assert [(row["テナントID"], row["テナント名"], row["UTM名"]) for row in rows] == [
        (utms[0].tenant_id, "東販売", "UTM1"),
        (utms[1].tenant_id, "西販売", "UTM2"),
    ]


@pytest.mark.parametrize("role", ["Partner Operator", "Partner Viewer"])
def test_partners_neither_see_it_nor_its_menu_entry(make, signed_in, tenants, utms, role):
    client = signed_in(make.member(tenants[0], role), tenants[0])

    assert client.get("/staff/utms/").status_code == 403
    assert client.get("/staff/utms/?csv=1").status_code == 403
    assert "/staff/utms/" not in Page(client.get("/").text).links


def test_a_page_costs_as_many_statements_with_many_utms_as_with_few(staff, make, utms, statements):
    listed(staff)
    costs = []
    for more in (0, 20):
        for _ in range(more):
            make.utm()
        statements.clear()
        listed(staff, size="100")
        costs.append(len(statements))

    assert costs[0] == costs[1] <= MOST_STATEMENTS, statements
