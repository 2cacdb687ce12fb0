"""§7.13 to 7.15: the chart screens without a browser. Charts are drawn from the tables that these tests read."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import text
from sqlalchemy.orm import Session

from models import clock, scope
from models.alerts import comparison, threat_stat_ingest
from models.alerts import ingest as alert_ingest
from tests.support.alerts import NOW, line, lines
from tests.support.pages import Page
from views.reports import charts

NOVEMBER = clock.month_start(clock.tokyo_day(NOW))


@pytest.fixture(autouse=True)
def _today():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def utm(operator, make):
    return make.customer_with_utm(operator.tenant, name="本社")[1]


@pytest.fixture
def get(operator, utm):
    """Return a chart screen of the customer: ``get("utms", "unit=month")``."""

    def page(screen: str, query: str = "") -> Page:
        answer = operator.get(f"/customers/{utm.customer_id}/charts/{screen}?{query}")
        assert answer.status_code == 200
        return Page(answer.text)

    return page


@pytest.fixture
def arrive(engine):
    def store(utm, found):
        with Session(engine, info={"tenant_scope": utm.tenant_id}) as session:
            sender = alert_ingest.Sender(utm.tenant_id, utm.customer_id, utm.id)
            alert_ingest.store(session, sender, found, now=NOW, retention_months=13)
            session.commit()

    return store


@pytest.fixture
def count(engine, utm):
    """Let statistics of the UTM arrive: ``count(("2026-11-21T10", "url_filter", "SNS", 3))``."""

    def store(*stats):
        raw = [
            json.dumps({"hour": f"{hour}:00:00+09:00", "function": function, "category": category, "count": number})
            for hour, function, category, number in stats
        ]
        with Session(engine, info={"tenant_scope": utm.tenant_id}) as session:
            sender = alert_ingest.Sender(utm.tenant_id, utm.customer_id, utm.id)
            found = [(number, each.encode()) for number, each in enumerate(raw, 1)]
            threat_stat_ingest.store(session, sender, found, now=NOW, retention_months=13)
            session.commit()

    return store


def card(page: Page, function: str):
    return page.main.one("section", aria_labelledby=f"chart-{function}")


def numbers(page: Page, function: str) -> list[list[str]]:
    """The rows of a chart's table that are not all zero."""
    details = card(page, function).one("details", id=f"chart-{function}-numbers")
    rows = [[cell.text for cell in row.all("td")] for row in details.all("tr") if row.all("td")]
    return [row for row in rows if {*row[1:]} - {"0", "0.00"}]


def drawn(page: Page) -> list[str]:
    return [each.attributes["data-chart"] for each in page.main.classed("chart")]


def test_the_security_tab_leads_to_the_three_screens_and_a_viewer_opens_them(operator, make, signed_in, utm):
    viewer = signed_in(make.member(operator.tenant, "Partner Viewer"), operator.tenant)
    buttons = {
        each.text: each.attributes["href"]
        for each in Page(viewer.get(f"/customers/{utm.customer_id}/security").text).main.all("a")
    }

    for label, title in (
        ("UTM脅威レポートを確認する", "UTM脅威レポート"),
        ("参加企業平均と比べる", "参加企業平均と比べる"),
        ("自社UTM同士を比べる", "自社UTM同士を比べる"),
    ):
        page = Page(viewer.get(buttons[label]).text)
        assert page.title.startswith(title)
        assert page.main.one("h1").text.startswith(title)


def test_another_tenants_customer_has_no_charts(operator, make):
    theirs = make.customer(tenant=make.tenant())

    for screen in ("threats", "average", "utms"):
        assert operator.get(f"/customers/{theirs.id}/charts/{screen}").status_code == 404


def test_the_report_begins_with_yesterday_and_refuses_today(get, count):
    count(("2026-11-21T10", "url_filter", "SNS", 1_234_567), ("2026-11-22T10", "url_filter", "SNS", 9))

    first, today = get("threats"), get("threats", "unit=day&day=2026-11-22")

    assert first.main.one("input", name="day").attributes["value"] == "2026-11-21"
    assert numbers(first, "url_filter") == [["10:00", "1,234,567"]]
    assert "2026-11-21：合計1,234,567件" in card(first, "url_filter").text
    assert "データ：UTMの統計（最終受信 2026-11-22 15:00:00）" in first.main.text
    assert "表示できるのは2026-11-21までです。" in today.main.text
    assert today.main.one("input", name="day").attributes["value"] == "2026-11-22"
    assert numbers(today, "url_filter") == [["10:00", "1,234,567"]]
    assert "この期間の検知はありません。" in card(first, "app_guard").text
    assert drawn(first) == ["bar"]


def test_a_month_of_the_report_ends_with_yesterday(get, count):
    count(("2026-11-01T00", "app_guard", "P2P", 2), ("2026-11-22T00", "app_guard", "P2P", 3))

    page = get("threats", "unit=month&month=2026-11")

    assert numbers(page, "app_guard") == [["11-01", "2"]]
    assert "11-22" not in card(page, "app_guard").text


@pytest.mark.parametrize(("categories", "more"), [(10, 0), (11, 1)])
def test_ten_categories_are_shown_and_the_others_on_request(get, count, categories, more):
    count(*[("2026-11-21T10", "url_filter", f"<b>{number:02}", 5) for number in range(categories)])

    shown = card(get("threats"), "url_filter")

    ranks = [
        [cell.text for cell in row.all("td")]
        for table in shown.classed("chart-categories")
        for row in table.all("tr")
        if row.all("td")
    ]
    assert [len(table.all("tr")) - 1 for table in shown.classed("chart-categories")] == [10, more][: 1 + more]
    assert ranks == [[str(number + 1), f"<b>{number:02}", "5"] for number in range(categories)]
    assert ("すべて表示" in shown.text, "省略" in shown.text) == (bool(more), bool(more))


def test_of_very_many_categories_the_first_are_shown(get, count, monkeypatch):
    monkeypatch.setattr(charts, "MAX_CATEGORIES", 12)
    count(*[("2026-11-21T10", "url_filter", f"{number:02}", 5) for number in range(14)])

    shown = card(get("threats"), "url_filter")

    assert [len(table.all("tr")) - 1 for table in shown.classed("chart-categories")] == [10, 2]
    assert "14件のうち、上位12件を表示しています。" in shown.text


@pytest.fixture
def others(make, arrive):
    """Six companies of another tenant with a contract, of which the first has three alerts today."""
    tenant = make.tenant()
    utms = [make.utm(customer_row=make.customer(tenant=tenant)) for _ in range(6)]
    for each in utms:
        make.contract(customer_row=each.customer, start_on=NOVEMBER - timedelta(days=20))
    arrive(utms[0], [(n, line(n, at=NOW - timedelta(minutes=30))) for n in range(3)])
    return utms


@pytest.fixture
def determined(app, others):
    with app.app_context(), scope.all_tenants("a test compares companies") as session:
        comparison.determine_companies(session, NOVEMBER)
        session.commit()


@pytest.mark.usefixtures("determined")
def test_the_average_stands_beside_the_companys_own_numbers(get, arrive, utm):
    arrive(utm, lines(2, at=NOW - timedelta(minutes=30)))

    day, month, before = get("average"), get("average", "unit=month"), get("average", "unit=month&month=2026-10")

    assert numbers(day, "ips") == [["14:00", "2", "0.50"]]
    assert numbers(month, "ips") == [["11-22", "2", "0.50"]]
    assert drawn(day) == ["bar line"]
    assert "比較できるデータがありません。" not in day.main.text
    assert "データ：アラートから集計（2026-11-22 15:00:00 時点）" in day.main.text
    assert "比較できるデータがありません。 この月に比較する企業が決まっていません。" in before.main.text
    assert drawn(before) == []
    links = [page.main.one("a", class_="btn").attributes["href"] for page in (day, month)]
    assert [each.partition("?")[2] for each in links] == [
        "unit=day&first=2026-11-22&last=2026-11-22",
        "unit=month&first_month=2026-11&last_month=2026-11",
    ]


def test_without_five_other_companies_only_the_own_numbers_are_shown(make, others, get, arrive, utm, app):
    make.session.execute(
        text("UPDATE contract SET status = 'void' WHERE customer_id IN (:one, :other)"),
        {"one": others[4].customer_id, "other": others[5].customer_id},
    )
    make.session.commit()
    with app.app_context(), scope.all_tenants("a test compares companies") as session:
        comparison.determine_companies(session, NOVEMBER)
        session.commit()
    arrive(utm, lines(2, at=NOW - timedelta(minutes=30)))

    page = get("average")

    assert "この月に比較できるほかの企業が5社未満のため、平均を表示できません。" in page.main.text
    assert numbers(page, "ips") == [["14:00", "2"]]


def test_each_utm_has_a_series_and_removed_ones_say_so(get, make, arrive, utm):
    branch = make.utm(customer_row=utm.customer, name="本社", utm_id="0a0b0c000001")
    gone = make.utm(customer_row=utm.customer, name="<b>旧店舗", removed_at=NOW)
    arrive(branch, lines(2, at=NOW - timedelta(minutes=30)))
    arrive(gone, lines(1, at=NOW - timedelta(minutes=30)))

    page = get("utms", "unit=day&day=2026-11-22")

    names = [each.text for each in card(page, "ips").all("th")]
    assert names == ["時刻", "本社 (0a0b0c000001)", "<b>旧店舗（削除済み）", f"本社 ({utm.utm_id})"]
    assert numbers(page, "ips") == [["14:00", "2", "1", "0"]]
    assert page.column("UTM名") == ["本社", "<b>旧店舗 削除済み", "本社"]
    assert page.column("合計") == ["2", "1", "0"]


def test_of_many_utms_the_ten_with_the_most_alerts_are_drawn_or_those_chosen(get, make, arrive, utm):
    more = [make.utm(customer_row=utm.customer, name=f"支店{number:02}") for number in range(12)]
    arrive(more[7], lines(3, at=NOW))
    arrive(utm, lines(1, at=NOW))

    page = get("utms")
    chosen = get("utms", f"utm={more[11].id}&utm={utm.id}&utm=nonsense&unit=month&month=2026-11")
    too_many = get("utms", "&".join(f"utm={each.id}" for each in more))

    series = [[each.text for each in card(each, "ips").all("th")[1:]] for each in (page, chosen, too_many)]
    assert series == [
        ["支店07", "本社", *(f"支店{number:02}" for number in (0, 1, 2, 3, 4, 5, 6, 8))],
        ["本社", "支店11"],
        ["支店07", *(f"支店{number:02}" for number in (0, 1, 2, 3, 4, 5, 6, 8, 9))],
    ]
    assert len(page.column("UTM名")) == 13
    ticked = [box for box in chosen.main.all("input", name="utm", form="drawn") if "checked" in box.attributes]
    assert [box.attributes["value"] for box in ticked] == [str(utm.id), str(more[11].id)]
    assert "選ばれたUTMが10台を超えています。" in too_many.main.text
    assert "選ばれたUTMが10台を超えています。" not in chosen.main.text


def test_a_customer_without_utms_has_nothing_to_compare(operator, make):
    customer = make.customer(tenant=operator.tenant)

    page = operator.get(f"/customers/{customer.id}/charts/utms").text

    assert "この顧客にはUTMがありません。" in page


def test_a_chart_screen_takes_few_statements(operator, utm, statements):
    taken = []
    for screen in ("threats", "average", "utms"):
        operator.get(f"/customers/{utm.customer_id}/charts/{screen}")
        statements.clear()
        operator.get(f"/customers/{utm.customer_id}/charts/{screen}")
        taken.append(len(statements))

    assert taken == [3, 4, 5]
