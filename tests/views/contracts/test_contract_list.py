"""The list of all contracts, and the figures of §10.1 and §5.1 (1) that lead to it."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime

import pytest
import time_machine

from tests.support.pages import Page


@pytest.fixture
def day() -> int:
    """The day of November 2026 on which one signs in and looks."""
    return 15


@pytest.fixture(autouse=True)
def noon(day):
    """Noon of the day in Tokyo."""
    with time_machine.travel(datetime(2026, 11, day, 3, 0, tzinfo=UTC), tick=False):
        yield


@pytest.fixture
def plan(make):
    """基本ライセンス at 3,300 yen wholesale, 4,000 from the middle of November on."""
    plan = make.rate_plan(product=make.product(name="見守りUTM"), name="基本ライセンス")
    for day, price in ((date(2026, 1, 1), 3300), (date(2026, 11, 10), 4000)):
        make.wholesale_price(rate_plan=plan, valid_from=day, unit_price=price)
    return plan


@pytest.fixture
def contracts(operator, make, plan):
    """Two contracts of the operator's tenant in force, one that ended last month, one to come, a void one and theirs."""

    def contract(start: date, end: date, quantity: int = 1, *, tenant=None, **values):
        customer = make.customer(tenant=tenant or operator.tenant, name=f"会社{make.number()}")
        made = make.contract(
            customer_row=customer, product=plan.product, start_on=start, end_on=end, memo1=str(quantity), **values
        )
        make.contract_line(contract=made, rate_plan=plan, quantity=quantity)
        return made

    return {
        "first": contract(date(2026, 4, 1), date(2027, 3, 31), 2),
        "second": contract(date(2026, 11, 10), date(2027, 11, 9), 3),
        "ended": contract(date(2025, 10, 11), date(2026, 10, 10), 5, status="expired", auto_renew=False),
        "to come": contract(date(2026, 12, 1), date(2027, 11, 30), 7),
        "void": contract(date(2026, 4, 1), date(2027, 3, 31), 11, status="void"),
        "theirs": contract(date(2026, 4, 1), date(2027, 3, 31), 13, tenant=make.tenant()),
    }


def listed(client, contracts, query: str) -> set[str]:
    """The contracts that a search leaves."""
    answer = client.get(f"/contracts/?{query}")
    assert answer.status_code == 200
    numbers = set(Page(answer.text).column("契約番号"))
    return {name for name, each in contracts.items() if each.id in numbers}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", {"first", "second", "ended", "to come", "void"}),
        ("id={first}", {"first"}),
        ("customer={second_name}", {"second"}),
        ("product={product}", {"first", "second", "ended", "to come", "void"}),
        ("product=999", {"first", "second", "ended", "to come", "void"}),  # nonsense is no condition
        ("plan={plan}", {"first", "second", "ended", "to come", "void"}),
        ("plan={other_plan}", set()),
        ("month=2026-11", {"first", "second"}),
        ("month=2026-10", {"first", "ended"}),
        ("month=2026-11&plan={other_plan}", set()),
        ("day=2026-11-09", {"first"}),
        ("day=2026-10-10&plan={plan}", {"first", "ended"}),
        ("income=2026-11", {"first", "second"}),
        ("income=2026-10", {"first", "ended"}),
        ("status=expired", {"ended"}),
        ("start_on_from=2026-11-10&start_on_to=2026-11-30", {"second"}),
        ("end_on_to=2026-12-31", {"ended"}),
    ],
)
def test_searching_narrows_by_every_condition(operator, make, contracts, plan, query, expected):
    other = make.rate_plan(product=plan.product, name="別プラン")
    asked = query.format(
        first=contracts["first"].id[-8:],
        second_name=contracts["second"].customer.name,
        product=plan.product_id,
        plan=plan.id,
        other_plan=other.id,
    )

    assert listed(operator, contracts, asked) == expected


def test_the_figures_of_the_month_lead_to_the_contracts_behind_them(operator, contracts):
    page = Page(operator.get("/contract-status/").text)

    row = [
        page.column(name) for name in ("商品名", "課金体系", "単価(円)", "現在契約数", "請求予定数", "請求予定金額(円)")
    ]
    # The price of the first day of the month.
    assert row == [["見守りUTM"], ["基本ライセンス (月額)"], ["¥3,300"], ["5"], ["5"], ["¥16,500"]]
    links = {
        link.text: link.attributes["href"] for link in page.main.all("a") if "/contracts/" in link.attributes["href"]
    }
    assert listed(operator, contracts, links["¥16,500"].partition("?")[2]) == {"first", "second"}
    assert listed(operator, contracts, links["5"].partition("?")[2]) == {"first", "second"}


def test_an_earlier_month_is_shown_as_it_ended(operator, contracts):
    page = Page(operator.get("/contract-status/?month=2026-10").text)

    assert (page.column("現在契約数"), page.column("請求予定数")) == (["2"], ["7"])
    assert "¥23,100" in page.main.text


@pytest.mark.parametrize("day", [1])
def test_on_the_1st_there_is_nothing_of_the_running_month(operator, contracts):
    page = Page(operator.get("/contract-status/").text)

    assert "月初1日のため、当月の請求予定はまだ表示できません。" in page.main.text
    assert "¥" not in page.main.text
    assert "¥23,100" in operator.get("/contract-status/?month=2026-10").text


@pytest.mark.parametrize("month", ["2026-12", "1999-01", "x", "2026-11-15", "", "２０２６-11"])
def test_a_month_that_cannot_be_chosen_is_the_running_one(operator, contracts, month):
    assert "¥16,500" in operator.get(f"/contract-status/?month={month}").text


def test_a_viewer_looks_and_takes_the_list_home(make, signed_in, operator, contracts):
    viewer = signed_in(make.member(operator.tenant, "Partner Viewer"), operator.tenant)
    assert "¥16,500" in viewer.get("/contract-status/").text
    answer = viewer.get("/contracts/?csv=1&month=2026-11&sort=id&direction=asc")

    rows = list(csv.reader(io.StringIO(answer.get_data(as_text=True).lstrip("\ufeff"))))
    first, second = contracts["first"], contracts["second"]
    assert rows[1:] == [
        [first.id, first.customer.name, "見守りUTM", "2026-04-01", "2027-03-31", "有効"],
        [second.id, second.customer.name, "見守りUTM", "2026-11-10", "2027-11-09", "有効"],
    ]


def test_a_contract_to_come_says_so(operator, contracts):
    assert Page(operator.get("/contracts/?status=active&day=2026-12-01").text).column("ステータス") == [
        "有効 (開始前)",
        "有効",
        "有効",
    ]


def test_the_dashboard_compares_the_income_of_three_months(operator, contracts):
    page = Page(operator.get("/").text)

    # 5 x 6,600 yen, of which 3 began in November; 7 x 6,600 in October, of which 5 ended; the same in September.
    assert page.main.text.count("¥33,000") == 2
    assert page.main.text.count("¥46,200") == 2
    assert "前月比 -29%" in page.main.text
    assert "2026-11-15 12:00:00 時点" in page.main.text
    links = [link.attributes["href"] for link in page.main.all("a") if "income=" in link.attributes["href"]]
    found = [listed(operator, contracts, link.partition("?")[2]) for link in links]
    # The number of this month, and a bar for each month.
    assert found == [{"first", "second"}, {"first", "ended"}, {"first", "ended"}, {"first", "second"}]


def test_who_may_not_list_contracts_sees_no_income(make, signed_in, operator, contracts):
    make.role("係", "Home can_index")
    page = signed_in(make.member(operator.tenant, "係"), operator.tenant).get("/")

    assert page.status_code == 200
    assert "収益" not in page.text


def test_the_pages_take_few_statements_whatever_they_show(operator, contracts, statements):
    for url in ("/contracts/?month=2026-11", "/contract-status/"):
        operator.get(url)
        del statements[:]
        operator.get(url)
        assert len(statements) <= 10, statements
