"""The states of UTMs that pages ask for without being loaded again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from models import clock
from tests.support.pages import Page


@pytest.fixture
def utm(make, operator):
    _, utm = make.customer_with_utm(operator.tenant, name="本社")
    return utm


def teller(page: str):
    """The element that says what a page asks for."""
    found = [each for each in Page(page).root.all("p") if "data-refreshes" in each.attributes]
    return found[0].attributes if found else None


def asked(client, page: str):
    return client.get(teller(client.get(page).text)["data-refreshes"])


def connect(make, utm):
    utm.last_seen_at = clock.utc_now()
    make.save(utm)


def test_the_page_of_a_utm_waits_for_its_first_contact(operator, make, utm):
    page = f"/customers/{utm.customer_id}/utms/{utm.id}"
    first = Page(operator.get(page).text)
    assert "最初の接続を待っています。" in first.main.text
    assert (page, "再読み込み") in [
        (each.attributes["href"], each.text) for each in first.root.all("a") if "href" in each.attributes
    ]
    assert teller(operator.get(page).text)["data-every"] == "5"
    url = teller(operator.get(page).text)["data-refreshes"]
    assert "未接続" in operator.get(url).text

    connect(make, utm)

    shown = operator.get(url)
    part = Page(shown.text).root
    assert part.one(id=f"utm-state-{utm.id}").attributes["data-told"] == "本社: オンライン"
    assert "UTMが接続しました" in part.one(id="first-contact").text
    assert part.all("div")[0].attributes["data-every"] == "30"
    assert "<html" not in shown.text
    assert shown.headers["Cache-Control"] == "no-store"
    assert "最初の接続を待っています。" not in operator.get(page).text


def test_so_does_the_page_that_shows_the_token(operator, make):
    customer = make.customer(tenant=operator.tenant)
    make.contract(customer_row=customer)
    values = {"utm_id": "a0b1c2d3e4f5", "name": "支店", "serial": "SERIAL-000000001", "postcode": "100-0001"}
    added = operator.post(
        f"/customers/{customer.id}/utms/add", data=values | {"address": "東京都", "delivery_status": "受領済"}
    )

    shown, again = operator.get(added.location).text, operator.get(added.location).text

    assert "最初の接続を待っています。" in shown
    assert teller(shown)["data-every"] == "5"
    assert "waits=" in teller(shown)["data-refreshes"]
    assert "最初の接続を待っています。" not in again
    assert teller(again)["data-every"] == "30"


def test_the_security_tab_asks_for_the_states_and_the_status(operator, make, utm):
    page = f"/customers/{utm.customer_id}/security"
    before = Page(asked(operator, page).text).root
    assert "監視できていません" in before.one(id="security-status").attributes["data-told"]

    connect(make, utm)

    after = Page(asked(operator, page).text).root
    assert "検出された脅威はありません" in after.one(id="security-status").text
    assert "オンライン" in after.one(id=f"utm-state-{utm.id}").text


def test_what_is_asked_for_is_what_the_page_shows(operator, utm):
    page = f"/customers/{utm.customer_id}/security"
    shown, again = Page(operator.get(page).text).root, Page(asked(operator, page).text).root

    for part in (f"utm-state-{utm.id}", "security-status"):
        assert _markup(shown.one(id=part)) == _markup(again.one(id=part))


def test_the_list_of_all_utms_asks_for_those_of_its_page(operator, make, utm):
    make.utm(customer_row=make.customer(tenant=operator.tenant), last_seen_at=clock.utc_now() - timedelta(hours=1))

    found = asked(operator, "/utms/").text

    assert ["未接続" in found, "オフライン" in found, "security-status" in found] == [True, True, False]


def test_nobody_is_told_of_utms_of_another_tenant_or_that_were_removed(operator, make, utm, signed_in):
    theirs = make.utm(customer_row=make.customer(tenant=make.tenant()))
    viewer = signed_in(make.member(operator.tenant, "Partner Viewer"), operator.tenant)

    assert viewer.get("/utms/states", query_string={"utm": utm.id}).status_code == 200
    for nothing in ({"utm": theirs.id}, {"utm": "x"}, {}, {"utm": utm.id, "customer": theirs.customer_id}):
        assert operator.get("/utms/states", query_string=nothing).status_code == 404
    utm.removed_at = clock.utc_now()
    make.save(utm)
    assert operator.get("/utms/states", query_string={"utm": utm.id}).status_code == 404
    assert teller(operator.get(f"/customers/{utm.customer_id}/utms/{utm.id}").text) is None


def test_asking_costs_few_statements_for_any_number_of_utms(operator, make, utm, statements):
    page = f"/customers/{utm.customer_id}/security"
    counts = []
    for more in (0, 20):
        for _ in range(more):
            make.utm(customer_row=utm.customer)
        url = teller(operator.get(page).text)["data-refreshes"]
        statements.clear()
        assert operator.get(url).status_code == 200
        counts.append(len(statements))

    assert counts[0] == counts[1] <= 8


def _markup(element) -> str:
    attributes = "".join(f" {name}={value}" for name, value in element.attributes.items())
    inner = "".join(each if isinstance(each, str) else _markup(each) for each in element.children)
    return f"<{element.tag}{attributes}>{inner}</{element.tag}>"
