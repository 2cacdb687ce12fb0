"""§4.2: choosing the tenant."""

from __future__ import annotations

import re

import pytest


@pytest.fixture
def two(make, signed_in):
    first, second, foreign = make.tenant(name="いろは"), make.tenant(name="あさひ"), make.tenant(name="よその会社")
    member = make.member(first, "Partner Operator")
    make.join(member, second, "Partner Viewer")
    client = signed_in(member)
    client.tenants = (first, second, foreign)
    return client


def ids(page: str) -> list[str]:
    return re.findall(r'name="tenant_id"\s+value="(T\d{7})"', page)


@pytest.mark.parametrize(
    ("query", "order"),
    [
        ("", [0, 1]),
        ("?sort=id&direction=desc", [1, 0]),
        ("?sort=name&direction=asc", [1, 0]),
        ("?sort=name&direction=desc", [0, 1]),
        ("?sort=password", [0, 1]),
    ],
)
def test_ones_own_tenants_are_listed_in_the_chosen_order(two, query, order):
    assert ids(two.get(f"/tenants/{query}").text) == [two.tenants[index].id for index in order]


def test_the_sorted_column_says_which_way(two):
    assert 'aria-sort="descending"' in two.get("/tenants/?sort=name&direction=desc").text


def test_without_a_tenant_every_page_leads_to_the_choice(two):
    assert two.get("/customers/").location == "/tenants/"


def test_choosing_enters_the_tenant_with_the_role_held_there(two):
    first, second, _ = two.tenants

    two.post("/tenants/select", data={"tenant_id": second.id})
    page = two.get("/").text

    assert second.id in page
    assert "あさひ" in page
    assert two.get("/customers/add").status_code == 403
    two.post("/tenants/select", data={"tenant_id": first.id})
    assert two.get("/customers/add").status_code == 200


@pytest.mark.parametrize("wanted", ["foreign", "T9999999", "", "'"])
def test_a_tenant_of_others_cannot_be_entered(two, wanted):
    wanted = two.tenants[2].id if wanted == "foreign" else wanted

    assert two.post("/tenants/select", data={"tenant_id": wanted}).status_code == 404


def test_nec_staff_may_enter_every_tenant(make, signed_in):
    tenants = [make.tenant() for _ in range(3)]
    staff = signed_in(make.elevated("NEC Staff"))

    assert ids(staff.get("/tenants/").text) == [tenant.id for tenant in tenants]


def test_a_user_with_one_tenant_is_offered_no_switch(operator):
    assert 'href="/tenants/"' not in operator.get("/").text
