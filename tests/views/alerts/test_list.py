"""§7.17: what the list of alerts says of each alert, of their number and of the search."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy.orm import Session

from models.alerts import ingest as alert_ingest
from tests.support.alerts import NOW, lines, store_named
from tests.support.pages import Page

pytestmark = pytest.mark.usefixtures("today")
HIDDEN = {"src-ip": None, "dst-ip": None}


@pytest.fixture
def utm(operator, make):
    return make.customer_with_utm(operator.tenant, name="本社")[1]


@pytest.fixture
def address(utm):
    return f"/customers/{utm.customer_id}/alerts/"


@pytest.fixture
def arrive(engine, utm):
    return partial(store_named, engine, utm)


@pytest.fixture
def many(engine, utm):
    """Store a number of alerts."""

    def store(count, **values):
        found = lines(count, at=NOW - timedelta(hours=1), **values)
        with Session(engine, info={"tenant_scope": utm.tenant_id}) as session:
            sender = alert_ingest.Sender(utm.tenant_id, utm.customer_id, utm.id)
            for body in (found[:9_000], found[9_000:]):  # it has up to 10,000 lines
                alert_ingest.store(session, sender, body, now=NOW, retention_months=13)
            session.commit()

    return store


@pytest.mark.parametrize(("stored", "told"), [(1_001, "1,001件"), (10_000, "10,000件"), (10_001, "10,000件以上")])
def test_up_to_ten_thousand_are_counted(operator, address, many, stored, told):
    many(stored)

    (head,) = Page(operator.get(address).text).main.classed("card-header")

    assert head.all("span")[0].text == told


def test_a_page_takes_few_statements_however_it_is_searched(operator, address, many, statements):
    many(60, msg="Port scan")
    row = Page(operator.get(address).text).main.classed("has-toggle")[0].attributes["id"]
    opened = f"?open={row.removeprefix('alert-')}"
    taken = []

    for query in ("", "?action=pass", "?threat=scan", opened, "?sort=level"):
        statements.clear()
        operator.get(address + query)
        taken.append(len(statements))

    assert taken == [3, 3, 3, 4, 4]


def test_a_row_has_what_was_found_below_its_function(operator, address, arrive):
    arrive(
        all={"msg": "<script>alert(1)</script>"},
        source={"dst-ip": None},
        found={"type": "url_filter", "url": "http://a.example/", **HIDDEN},
        none=HIDDEN,
    )

    page = operator.get(address).text

    assert Page(page).column("セキュリティ機能") == [
        "IPS <script>alert(1)</script> 192.168.10.24 → 203.0.113.8",
        "IPS 192.168.10.24 → -",
        "URLフィルタリング http://a.example/",
        "IPS",
    ]
    assert "<script>alert" not in page


def test_details_name_the_alert_and_lead_to_its_utm(operator, make, signed_in, utm, address, arrive):
    arrive(one={})
    utm_url = f"/customers/{utm.customer_id}/utms/{utm.id}"
    role = make.role("アラート係", "Alerts can_list")
    watcher = signed_in(make.member(operator.tenant, role.name), operator.tenant)

    pages = [Page(client.get(f"{address}?open=1").text) for client in (operator, watcher)]

    details, seen_by_watcher = (page.root.one(id="alert-1-detail") for page in pages)
    link, inquiry = details.all("a")
    assert [each.text for each in details.all("dd")[:2]] == ["one", "本社"]
    assert (link.text, link.attributes["href"], operator.get(utm_url).status_code) == ("本社", utm_url, 200)
    assert (inquiry.text, operator.get(inquiry.attributes["href"]).status_code) == ("問合せを作成", 200)
    assert seen_by_watcher.all("dd")[1].text == "本社"
    assert seen_by_watcher.all("a") == []


def test_the_window_and_the_heading_name_the_customer(operator, make, utm, address):
    customer = utm.customer
    screens = ["", "/security", "/alerts/", "/alerts/important"]
    paths = [f"/customers/{customer.id}{each}" for each in screens]

    pages = [Page(operator.get(path).text) for path in paths]

    assert len({page.title for page in pages}) == len(pages)
    assert pages[2].title.startswith(f"アラート一覧 - セキュリティサービス - {customer.name} - ")
    assert [page.root.one("h1").text for page in pages[1:4]] == [
        customer.name,
        f"アラート一覧 {customer.name}",
        f"問題を確認 {customer.name}",
    ]


@pytest.mark.parametrize(
    ("query", "folded", "clears"),
    [
        ("", False, False),
        ("?sort=level", False, False),
        ("?unit=day&first=2026-11-01", True, True),
        ("?function=ips", True, True),
        ("?unit=day&first=nonsense", False, True),
        ("?source=nonsense", False, False),
        ("?function=ips&filters=1", False, True),
    ],
)
def test_a_search_that_was_made_is_folded_and_can_be_cleared(operator, address, query, folded, clears):
    page = Page(operator.get(address + query).text)

    (fold,) = page.root.classed("search-fold")
    clear = [each.attributes["href"] for each in page.root.all("a") if each.text == "検索条件をクリア"]
    assert ("open" not in fold.attributes) == folded
    assert clear == [address] * clears


def test_another_order_keeps_the_search_and_begins_at_the_first_page(operator, address, arrive):
    arrive(one={})

    page = Page(operator.get(f"{address}?function=ips&sort=level&open=1&filters=1").text)

    (form,) = (each for each in page.forms if "order-form" in each.element.attributes.get("class", ""))
    assert form.sent().to_dict() == {"function": "ips", "sort": "level", "direction": "asc"}
    assert form.sent(sort="action", direction="desc").to_dict() == {
        "function": "ips",
        "sort": "action",
        "direction": "desc",
    }
