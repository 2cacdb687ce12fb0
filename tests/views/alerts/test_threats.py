"""脅威別: the alerts grouped by what was detected."""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from sqlalchemy.orm import Session

from models import clock
from models.alerts import ingest as alert_ingest
from models.alerts import threats
from models.alerts.search import AlertQuery
from tests.support.alerts import line
from tests.support.pages import Page

NOW = datetime(2026, 11, 22, 15, 0, tzinfo=clock.TOKYO)


@pytest.fixture(autouse=True)
def _today():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def utm(operator, make):
    return make.customer_with_utm(operator.tenant, utm_id="a1b2c3d4e5f6", name="本社")[1]


@pytest.fixture
def arrive(engine):
    def store(utm, *found):
        sender = alert_ingest.Sender(utm.tenant_id, utm.customer_id, utm.id)
        with Session(engine, info={"tenant_scope": utm.tenant_id}) as session:
            numbered = enumerate(found, 1)
            receipt = alert_ingest.store(session, sender, numbered, now=NOW, retention_months=13)
            session.commit()
        assert receipt.stored == len(found), receipt

    return store


def scan(number: int, **values) -> bytes:
    return line(number, at=NOW - timedelta(minutes=number), **{"msg": "SCAN of <ports>", "sid": "1"} | values)


def shown(client, utm, **query) -> Page:
    answer = client.get(f"/customers/{utm.customer_id}/alerts/threats", query_string=query)
    assert answer.status_code == 200
    return Page(answer.text)


def cells(page: Page) -> list[list[str]]:
    """The texts of each row: detection with its function, alerts, High, first, last, sources, UTMs."""
    return [list(row.values()) for row in page.rows if row]


def test_alerts_of_one_detection_are_one_row(operator, make, utm, arrive):
    second = make.utm(customer_row=utm.customer, name="支社")
    arrive(
        utm,
        *(
            scan(n, **{"src-ip": f"198.51.100.{n % 3}", "alert_severity": "high" if n == 2 else "low"})
            for n in range(6)
        ),
    )
    arrive(second, scan(10), scan(11, type="url_filter", msg="", url="https://Video.example/watch?v=1"))
    arrive(
        utm, scan(20, type="url_filter", msg="", url="https://video.example/other"), scan(21, type="web_guard", msg="")
    )

    assert cells(shown(operator, utm)) == [
        ["SCAN of <ports> IPS", "7", "1", "2026-11-22 14:50:00", "2026-11-22 15:00:00", "4", "2"],
        ["video.example URLフィルタリング", "2", "0", "2026-11-22 14:40:00", "2026-11-22 14:49:00", "1", "2"],
        ["- Webガード", "1", "0", "2026-11-22 14:39:00", "2026-11-22 14:39:00", "1", "1"],
    ]


def test_a_row_opens_to_its_latest_alerts_and_leads_to_all_of_them(operator, utm, arrive):
    arrive(utm, *(scan(n) for n in range(12)), scan(30, msg="OTHER"))
    page = shown(operator, utm, action="pass")
    url = next(each for each in page.links if "open=" in each)

    opened = Page(operator.get(f"/customers/{utm.customer_id}/alerts/threats{url}").text)

    assert len(opened.root.one("ul", class_="latest-alerts").all("li")) == threats.SHOWN_ALERTS
    link = next(each for each in opened.links if "detection=" in each)
    assert parse_qs(urlsplit(link).query).items() >= {"action": ["pass"], "function": ["ips"]}.items()
    listed = operator.get(link).text
    assert listed.count('data-label="アラートID"') == 12
    assert "scan of &lt;ports&gt;" in listed, "The condition can be seen and removed."


def test_the_conditions_and_the_period_of_the_search_apply(operator, utm, arrive):
    arrive(utm, scan(1), scan(2, msg="OTHER", act="block"), scan(60 * 24 * 3, msg="EARLIER"))

    assert [row[0] for row in cells(shown(operator, utm, action="block"))] == ["OTHER IPS"]
    assert [row[0] for row in cells(shown(operator, utm, unit="day", first="2026-11-19", last="2026-11-19"))] == [
        "EARLIER IPS"
    ]


def test_detections_are_sorted_and_turned_over_page_by_page(operator, utm, arrive):
    arrive(utm, *(scan(n, msg=f"T{n:03}") for n in range(threats.PAGE_SIZE + 5)))

    first = [row[0] for row in cells(shown(operator, utm, sort="name", direction="desc"))]
    second = [row[0] for row in cells(shown(operator, utm, sort="name", direction="desc", page="2"))]

    assert first + second == sorted(first + second, reverse=True)
    assert (len(first), len(second)) == (threats.PAGE_SIZE, 5)


def test_nothing_of_another_tenant_is_shown(operator, make, arrive):
    _, theirs = make.customer_with_utm(make.tenant())
    arrive(theirs, scan(1))

    assert operator.get(f"/customers/{theirs.customer_id}/alerts/threats").status_code == 404


def test_groups_are_those_of_a_slow_count(in_tenant, utm, arrive):
    pick = random.Random(749)
    raw = []
    groups = defaultdict(list)
    for number in range(300):
        kind, name = pick.choice([("ips", "A"), ("ips", "B"), ("antivirus", "A")])
        source = f"198.51.100.{pick.randrange(9)}"
        raw.append(scan(number, type=kind, msg=name, **{"src-ip": source}))
        groups[kind, name.lower()].append(source)
    arrive(utm, *raw)

    with in_tenant(utm.tenant_id) as session:
        query = AlertQuery(utm.customer_id, NOW - timedelta(days=2), NOW + timedelta(days=1))
        found = threats.page(session, query).rows

    assert {(row.function, row.detection): (row.count, row.sources) for row in found} == {
        key: (len(sources), len(set(sources))) for key, sources in groups.items()
    }
