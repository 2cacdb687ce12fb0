"""§7.4.5: a customer's UTMs are searched, sorted, counted and paged like every list."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from models import clock
from models.alerts import ingest as alert_ingest
from tests.support.alerts import lines
from tests.support.pages import Page
from tests.views.utms.test_utms import register


@pytest.fixture
def customer(make, operator):
    customer = make.customer(tenant=operator.tenant)
    make.contract(customer_row=customer)
    return customer


def security(client, customer, **query) -> Page:
    return Page(client.get(f"/customers/{customer.id}/security", query_string=query).text)


def names(client, customer, **query) -> list[str]:
    return security(client, customer, **query).column("UTM名")


def test_a_page_has_25_utms_and_says_how_many_there_are(operator, make, customer):
    for number in range(61):
        make.utm(customer_row=customer, name=f"UTM{number:02}")

    first, last = security(operator, customer), security(operator, customer, page="3")

    assert first.column("UTM名") == [f"UTM{number:02}" for number in range(25)]
    assert last.column("UTM名") == [f"UTM{number:02}" for number in range(50, 61)]
    assert "UTM一覧 61件" in [each.text for each in first.main.classed("card-header")]
    assert names(operator, customer, size="100") == [f"UTM{number:02}" for number in range(61)]


@pytest.mark.parametrize(
    "query",
    [
        {"name": "支店"},
        {"utm_id": "A1:B2:C3:D4:E5:F6"},
        {"utm_id": "Ａ１Ｂ２．Ｃ３"},
        {"serial": "abcー"},
        {"address": "大芝"},
        {"state": "online"},
        {"mac_address": "y"},
        {"state": "online", "name": "支店", "mac_address": "y"},
    ],
)
def test_searching_narrows_by_every_condition(operator, make, customer, query):
    make.utm(customer_row=customer, name="本社", last_seen_at=clock.utc_now() - timedelta(days=1))
    make.utm(customer_row=customer, name="倉庫")
    make.utm(
        customer_row=customer,
        name="支店",
        utm_id="a1b2c3d4e5f6",
        mac_address="A1:B2:C3:D4:E5:F6",
        serial="ABC-00000000123",
        address="広島市西区大芝",
        last_seen_at=clock.utc_now(),
    )

    page = security(operator, customer, **query)

    assert page.column("UTM名") == ["支店"]
    assert len(page.main.classed("chip")) == len(query)


@pytest.mark.parametrize(("state", "found"), [("online", "一"), ("offline", "二"), ("unconnected", "三")])
def test_the_condition_on_the_state_agrees_with_what_is_shown(operator, make, customer, state, found):
    now = clock.utc_now()
    make.utm(customer_row=customer, name="一", last_seen_at=now - timedelta(minutes=9))
    make.utm(customer_row=customer, name="二", last_seen_at=now - timedelta(minutes=11))
    make.utm(customer_row=customer, name="三")

    assert names(operator, customer, state=state) == [found]


def raise_alerts(engine, utm, count):
    now = clock.utc_now()
    with Session(engine, info={"tenant_scope": utm.tenant_id}) as session:
        sender = alert_ingest.Sender(utm.tenant_id, utm.customer_id, utm.id)
        alert_ingest.store(session, sender, lines(count, at=now), now=now, retention_months=13)
        session.commit()


@pytest.mark.parametrize("sort", ["utm_id", "name", "address", "state", "mac_address", "alert_count"])
def test_every_column_sorts_both_ways(operator, make, engine, customer, sort):
    now = clock.utc_now()
    for number in (2, 1, 3):
        utm_id = f"00000000000{number}"
        utm = make.utm(
            customer_row=customer,
            name=f"UTM{number}",
            utm_id=utm_id,
            address=f"{number}番",
            last_seen_at=now - timedelta(days=4 - number),
            mac_address=":".join(re.findall("..", utm_id)),
        )
        if number > 1:
            raise_alerts(engine, utm, number)

    upward, downward = (names(operator, customer, sort=sort, direction=each) for each in ("asc", "desc"))

    assert (upward, downward) == (["UTM1", "UTM2", "UTM3"], ["UTM3", "UTM2", "UTM1"])


def test_a_search_without_a_match_says_so_and_leads_back_to_all(operator, make, customer):
    make.utm(customer_row=customer)

    page = security(operator, customer, name="ない")

    assert "条件に一致するUTMはありません。" in page.main.text
    assert f"/customers/{customer.id}/security" in page.links


def test_without_utms_there_is_nothing_to_search(operator, customer):
    page = security(operator, customer)

    assert page.main.all("form", role="search") == []
    assert "UTMはまだ登録されていません。" in page.main.text


def test_the_token_of_a_new_utm_is_shown_whatever_page_it_is_on(operator, make, customer):
    for number in range(30):
        make.utm(customer_row=customer, name=f"UTM{number:02}")

    answer = register(operator, customer, name="最後のUTM")
    page = Page(operator.get(answer.location).text)

    assert "最後のUTM" not in page.column("UTM名")
    assert page.root.one(id="new-token").attributes["value"].startswith("utm_")


def test_the_token_of_a_utm_is_not_shown_at_another_customer(operator, make, customer):
    other = make.customer(tenant=operator.tenant)
    answer = register(operator, customer)

    assert "utm_" not in operator.get(f"/customers/{other.id}/security").text
    assert Page(operator.get(answer.location).text).root.one(id="new-token")


def test_from_a_utm_one_is_back_on_the_list_as_it_was(operator, make, customer):
    make.utm(customer_row=customer, name="支店")
    listed = security(operator, customer, name="支店", sort="utm_id")

    (details,) = {each for each in listed.links if re.search(r"/utms/\d+(\?|$)", each)}
    crumbs = Page(operator.get(details).text).links

    assert any(re.fullmatch(rf"/customers/{customer.id}/security\?name=.*&sort=utm_id", each) for each in crumbs)


def test_a_page_costs_as_many_statements_with_many_utms_as_with_few(operator, make, customer, statements):
    make.utm(customer_row=customer)
    security(operator, customer)
    costs = []
    for more in (0, 30):
        for _ in range(more):
            make.utm(customer_row=customer)
        statements.clear()
        security(operator, customer, sort="alert_count", size="100")
        costs.append(len(statements))

    assert costs[0] == costs[1] <= 10, statements


@pytest.mark.parametrize("typed", ["髙崎", "高﨑", "高　崎", "ｂ棟"])
def test_a_utm_is_found_by_any_variant_of_its_name(operator, make, customer, typed):
    make.utm(customer_row=customer, name="高崎 B棟")
    make.utm(customer_row=customer, name="高松 A棟")

    assert names(operator, customer, name=typed) == ["高崎 B棟"]


@pytest.mark.parametrize("typed", ["2:0:5e:10:0:1", "02_00_5E_10_00_01", "5E_10"])
def test_a_utm_is_found_by_its_mac_address_in_any_notation(operator, make, customer, typed):
    make.utm(customer_row=customer, name="別館", utm_id="02005e100001")
    make.utm(customer_row=customer, name="本館")

    assert names(operator, customer, utm_id=typed) == ["別館"]
