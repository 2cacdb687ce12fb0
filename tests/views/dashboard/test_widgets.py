"""§5.1: the widgets, where their figures lead, and how each user arranges them."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import delete

from app.web.registers import register
from jobs import dashboard as jobs
from models import clock
from models.dashboard import figures
from models.dashboard.figures import DashboardFigures
from tests.support.pages import Page
from tests.views.dashboard.test_dashboard import holder
from views.dashboard import widgets


@pytest.fixture
def morning(app, operator, make):
    """A tenant with something for every widget, shown by ``morning()`` after the jobs have run."""
    tenant = operator.tenant
    now = clock.utc_now()

    def fill(rows: int) -> None:
        for _ in range(rows):
            customer = make.customer(tenant=tenant, status="active")
            contract = make.contract(customer_row=customer, start_on=clock.tokyo_day(now) - timedelta(days=100))
            make.contract_line(contract=contract)
            make.utm(customer_row=customer, last_seen_at=now)
            make.utm(customer_row=customer, last_seen_at=now - timedelta(hours=1))
            make.utm(customer_row=customer)
            make.portal_user(customer_row=customer)
            make.portal_user(customer_row=customer, sign_up_until=now)
            make.portal_user(customer_row=customer, signed_up_at=now)
            make.portal_user(customer_row=customer, signed_up_at=now, first_sign_in_at=now)
            make.service_application(tenant=tenant, state="pending", applied_at=now - timedelta(days=3, hours=1))
            make.service_application(tenant=tenant, state="held")
            make.utm_application(customer_row=customer)
            make.customer(tenant=tenant)
            make.announcement()
        make.session.commit()
        with app.app_context():
            jobs.refresh()
            jobs.refresh_daily()

    return fill


def shown(client, query: str = "") -> Page:
    return Page(client.get(f"/{query}").text)


def titles(client) -> list[str]:
    cards = shown(client).main.classed("card")
    return [each.all("h2")[0].text for each in cards]


TITLES = [
    *("お知らせ", "当月収益予想", "顧客数", "申込み未承認", "申込み承認保留", "未ログイン", "初回パスワード設定状況"),
    *("UTMの稼働状況", "契約とUTM数の不一致", "重要アラートのある顧客", "承認待ちの申込み"),
    *("未ログインユーザ", "未契約顧客"),
]


def test_every_figure_leads_to_the_list_that_it_counts(operator, make, morning):
    morning(2)
    make.customer_with_utm(make.tenant())
    links = [
        (int(re.sub(r"\D", "", re.sub(r".*?(?=\d)", "", link.text, count=1))), link.attributes["href"])
        for part in ("figure", "month-bars")
        for element in shown(operator).main.classed(part)
        for link in element.all("a")
        if "¥" not in link.text
    ]

    # Of contracts without a UTM, there are none.
    assert sorted(number for number, _ in links) == [0, *[2] * 11, 4, 4, 6, 6]
    for number, url in links:
        if number:
            assert len(Page(operator.get(url).text).rows) == number, url
    assert titles(operator) == TITLES


def test_users_who_never_signed_in_are_filtered_and_paged(operator, morning):
    morning(3)

    def statuses(query: str) -> list[str]:
        (card,) = [each for each in shown(operator, query).main.classed("card") if "未ログインユーザ" in each.text]
        return [each.text for each in card.all("td", data_label="ステータス")]

    assert len(statuses("")) == 5
    assert len(statuses("?users_page=2")) == 4
    assert len(statuses("?users_page=99")) == 4
    assert statuses("?users=open") == ["サインアップ期間内"] * 3
    assert statuses("?users=expired") == ["サインアップ期間切れ"] * 3
    assert statuses("?users=done") == ["サインアップ完了"] * 3
    assert len(statuses("?users=x&users_page=-1")) == 5


def test_customers_without_a_contract_are_those_of_the_night(operator, make, morning):
    morning(6)
    make.customer(tenant=operator.tenant, name="昨夜の後")
    page = shown(operator, "?customers_page=2")
    (card,) = [each for each in page.main.classed("card") if each.all("h2")[0].text == "未契約顧客"]

    assert len(card.all("td", data_label="会社ID")) == 1
    assert " 更新" in card.text
    assert "昨夜の後" not in card.text
    (turn,) = [each for each in card.all("a") if each.text == "前へ"]
    assert turn.attributes["href"] == "?customers_page=1"


def test_nothing_is_compared_with_a_month_without_income(operator, make):
    make.contract_line(contract=make.contract(tenant=operator.tenant, start_on=clock.tokyo_day(clock.utc_now())))

    assert shown(operator).main.text.count("前月比 —") == 2


def test_a_decision_is_seen_at_once(operator, make, morning):
    morning(1)
    application = make.service_application(tenant=operator.tenant, state="pending")
    assert "サービス 1 件" in shown(operator).main.text

    answer = operator.post(
        "/service-applications/hold", data={"chosen": f"{application.id}:{application.version}"}, follow_redirects=True
    )

    assert answer.status_code == 200
    (held,) = [each for each in shown(operator).main.classed("card") if each.all("h2")[0].text == "申込み承認保留"]
    assert held.classed("figure")[0].text.endswith("2 件")


@pytest.mark.parametrize("size", [1, 12])
def test_the_page_takes_15_statements_or_fewer(operator, make, morning, statements, size):
    morning(size)
    operator.get("/")
    for query in ("", "?users_page=2&customers_page=99"):
        del statements[:]
        operator.get(f"/{query}")
        assert len(statements) <= 12, statements

    # With everything calculated again.
    make.session.execute(delete(DashboardFigures))
    make.session.commit()
    del statements[:]
    operator.get("/")
    assert len(statements) <= 15, statements


def test_each_user_orders_and_hides_the_widgets(operator, make, signed_in, morning):
    morning(1)
    arrangement = Page(operator.get("/dashboard-settings/").text)
    names = [each.attributes["value"] for each in arrangement.main.all("input", name="visible")]
    assert [each.text for each in arrangement.main.all("li")] == [*TITLES, "NECスタッフの入室"]

    def send(**more: object) -> str:
        visible = [name for name in names if name != "held"]
        return operator.post("/dashboard-settings/", data={"visible": visible, **more}).location

    assert send(move="up:income") == "/dashboard-settings/#widget-income"
    assert send(move="up:income") == "/dashboard-settings/#widget-income"
    assert send(move="down:uncontracted") == "/dashboard-settings/#widget-uncontracted"
    assert send() == "/"
    without = [title for title in TITLES if title != "申込み承認保留"]
    assert titles(operator) == ["当月収益予想", "お知らせ", *without[2:]]
    assert titles(signed_in(make.member(operator.tenant, "Partner Viewer"), operator.tenant)) == TITLES

    assert send(move="up:nothing", visible="x") == "/"
    assert titles(operator) == []
    assert send(reset="1") == "/dashboard-settings/"
    assert titles(operator) == TITLES


def test_an_arrangement_keeps_the_places_of_what_the_user_does_not_see_here(operator, make, signed_in, morning):
    morning(1)
    operator.post("/dashboard-settings/", data={"visible": ["customers", "utms"], "move": "up:utms"})
    client = holder(make, signed_in, operator.tenant, "Home can_index", "Customers can_list", "Utms can_list")
    assert titles(client) == ["顧客数", "UTMの稼働状況", "未契約顧客"]

    client.post("/dashboard-settings/", data={"visible": ["utms", "customers"], "move": "up:utms"})
    assert titles(client) == ["UTMの稼働状況", "顧客数"]


NEW_WIDGET = """
from models.applications.application import ApplicationState
from models.applications.waiting import service_applications
from models.dashboard.figures import Source
from views.base import url_if
from views.widget import Figure, Numbers, Widget

RIGHT = ("can_list", "ServiceApplications")

def draw(shown):
    url = url_if(*RIGHT, "ServiceApplicationView.list", status="denied")
    return Numbers("ban", "gray", [Figure(shown.stored.values.get("number"), "件", url)], shown.stored.computed_at)

WIDGET = Widget(
    "denied", "否認した申込み", RIGHT, 55, draw,
    source=Source("denied", lambda today: {"number": service_applications(ApplicationState.DENIED)}),
)
"""


def test_a_new_widget_is_one_file(app, operator, make, signed_in, monkeypatch, tmp_path):
    (tmp_path / "denied.py").write_text(NEW_WIDGET, encoding="utf-8")
    monkeypatch.setattr(widgets, "__path__", [*widgets.__path__, str(tmp_path)])
    everything = tuple(sorted(widgets.declared(), key=lambda widget: widget.order))
    monkeypatch.setitem(app.extensions, "widgets", everything)
    monkeypatch.setattr(figures, "_sources", {each.source.widget: each.source for each in everything if each.source})
    make.customer(tenant=operator.tenant)
    make.service_application(tenant=operator.tenant, state="denied")
    with app.app_context():
        jobs.refresh()

    assert titles(operator) == [*TITLES[1:5], "否認した申込み", *TITLES[5:]]
    (card,) = [each for each in shown(operator).main.classed("card") if "否認した申込み" in each.text]
    assert card.all("a")[0].attributes["href"] == "/service-applications/?status=denied"
    assert card.all("a")[0].text.endswith("1 件")
    assert "否認した申込み" in operator.get("/dashboard-settings/").text
    assert "否認した申込み" not in holder(make, signed_in, operator.tenant, "Home can_index").get("/").text
    assert len(register().widgets) == len(everything) - 1
