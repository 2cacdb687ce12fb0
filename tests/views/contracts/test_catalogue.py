from __future__ import annotations

from datetime import date, timedelta

import pytest

from models import clock
from models.contracts.catalogue import Charge
from tests.support.pages import Page, answered


@pytest.fixture
def staff(make, signed_in):
    """NEC staff who have not chosen a tenant."""
    return signed_in(make.elevated("NEC Staff"))


@pytest.fixture
def plan(make):
    return make.rate_plan()


@pytest.fixture
def used(make, plan):
    """A rate plan that a contract of some tenant uses."""
    make.contract_line(contract=make.contract(product=plan.product), rate_plan=plan)
    return plan


def page_of(plan):
    return f"/staff/products/{plan.product_id}/plans/{plan.id}"


def send(client, url, **values):
    form = Page(client.get(url).text).main_form
    return client.post(url, data=answered(form.sent(values)))


def test_a_product_gets_a_plan_with_charges_and_prices_step_by_step(staff, make):
    product = send(staff, "/staff/products/add", name="見守りUTM", includes_utm="y").location
    plans = next(link for link in Page(staff.get(product).text).links if link.endswith("/plans/add"))
    plan = send(staff, plans, name="月額", cycle="monthly", counts_utms="y").location
    links = Page(staff.get(plan).text).links
    charges, prices = (next(link for link in links if link.endswith(f"/{each}/add")) for each in ("charges", "prices"))
    send(staff, charges, name="基本", model="flat", unit_price="6600", description="毎月")
    send(staff, charges, name="初月割引", model="discount", unit_price="50", discount_months="1")
    answer = send(staff, prices, valid_from="2026-12-01", unit_price="4000")

    page = Page(staff.get(answer.location).text)
    assert [[*row.values()] for row in page.rows if "変更者" not in row] == [
        ["基本", "毎月", "定期請求", "定額課金", "¥6,600", "-"],
        ["初月割引", "-", "定期請求", "ディスカウント-割引率", "50 %", "1"],
        ["2026-12-01", "¥4,000"],
    ]


def test_the_charges_of_a_one_off_plan_are_one_time(staff, make):
    plan = make.rate_plan(cycle="once")

    assert Page(staff.get(page_of(plan)).text).column("タイプ")[0] == "一回限り"


def test_for_a_plan_in_use_the_page_says_why_its_charges_stay(staff, used):
    page = Page(staff.get(page_of(used)).text)
    charge = used.charges[0]

    refused = [each for each in page.root.all("button", aria_disabled="true") if each.text == "課金を追加"]
    assert len(refused) == 1
    assert "契約で使用されています" in page.main.text
    form = Page(staff.get(f"/staff/plans/{used.id}/charges/{charge.id}/edit").text).main_form
    assert form.visible_names == ["name", "description"]
    answer = staff.post(f"/staff/plans/{used.id}/charges/{charge.id}/delete", follow_redirects=True)
    assert "契約で使用されています" in Page(answer.text).main.text
    answer = staff.get(f"/staff/plans/{used.id}/charges/add", follow_redirects=True)
    assert "契約で使用されています" in Page(answer.text).main.text


def test_a_price_sent_for_a_plan_that_came_into_use_meanwhile_is_refused(staff, make, plan):
    url = f"/staff/plans/{plan.id}/charges/{plan.charges[0].id}/edit"
    sent = answered(Page(staff.get(url).text).main_form.sent(name="改称", unit_price="1"))
    make.contract_line(contract=make.contract(product=plan.product), rate_plan=plan)

    answer = staff.post(url, data=sent)

    assert answer.status_code == 422
    assert "契約で使用されています" in Page(answer.text).main.text
    make.session.rollback()
    kept = make.session.get(Charge, plan.charges[0].id)
    assert (kept.unit_price, kept.name) == (6600, plan.charges[0].name)


@pytest.mark.parametrize(
    ("values", "field", "message"),
    [
        ({"name": "二つ目", "model": "flat", "unit_price": "1"}, "model", "定額課金は1つの料金プランに1つまで"),
        ({"name": "割引", "model": "discount", "unit_price": "101"}, "unit_price", "1から100まで"),
        ({"name": "従量", "model": "usage", "unit_price": "1", "discount_months": "2"}, "discount_months", "割引だけ"),
        ({"name": "負", "model": "usage", "unit_price": "-1"}, "unit_price", "0"),
    ],
)
def test_what_a_charge_cannot_be_is_told_beside_its_field(staff, plan, values, field, message):
    answer = send(staff, f"/staff/plans/{plan.id}/charges/add", **values)

    assert answer.status_code == 422
    assert message in Page(answer.text).error_of(field)


def test_a_retired_product_is_found_by_its_state_and_sold_again(staff, make):
    make.product(name="販売中の商品")
    product = make.product(name="古い商品")

    page = Page(staff.get(f"/staff/products/{product.id}").text)
    assert "販売終了" in [each.text for each in page.main.all("button")]
    staff.post(f"/staff/products/{product.id}/retire")
    found = Page(staff.get("/staff/products/?state=retired").text)
    staff.post(f"/staff/products/{product.id}/reactivate")

    assert found.column("商品名") == ["古い商品"]
    assert Page(staff.get("/staff/products/?state=retired").text).rows == []


def test_a_price_in_force_has_no_button_and_two_people_do_not_overwrite_each_other(staff, make, plan):
    today = clock.tokyo_day(clock.utc_now())
    make.wholesale_price(rate_plan=plan, valid_from=date(2026, 1, 1))
    price = make.wholesale_price(rate_plan=plan, valid_from=today + timedelta(days=40))
    url = f"/staff/plans/{plan.id}/prices/{price.id}/edit"
    form = Page(staff.get(url).text).main_form

    edits = [link for link in Page(staff.get(page_of(plan)).text).links if link.endswith("/edit") and "prices" in link]
    answers = [staff.post(url, data=answered(form.sent(unit_price=yen))).status_code for yen in ("1", "2")]

    assert [link.partition("?")[0] for link in edits] == [url]
    assert answers == [302, 409]


@pytest.mark.parametrize("role", ["Partner Operator", "Partner Viewer"])
def test_partners_do_not_see_the_catalogue(make, signed_in, plan, role):
    tenant = make.tenant()
    client = signed_in(make.member(tenant, role), tenant)

    answers = [client.get(url).status_code for url in ("/staff/products/", page_of(plan))]

    assert answers == [403, 403]


@pytest.mark.parametrize("typed", ["見守り utm", "見守りＵＴＭ"])
def test_a_product_is_found_by_any_variant_of_its_name(staff, make, typed):
    make.product(name="見守りUTM")
    make.product(name="見守り")

    found = Page(staff.get("/staff/products/", query_string={"name": typed}).text)

    assert found.column("商品名") == ["見守りUTM"]
