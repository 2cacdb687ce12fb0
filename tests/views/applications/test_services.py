"""サービス利用申請一覧 (§8.2.2): search, order, choice of a row, and who sees what."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.support.pages import Page

URL = "/service-applications/"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.fixture
def listed(operator):
    """The column 申請番号 of the list with some conditions."""
    return lambda **query: Page(operator.get(URL, query_string=query).text).column("申請番号")


@pytest.fixture
def five(operator, make):
    """An application in each state; the ID by state."""
    states = ("unconfirmed", "pending", "held", "denied", "approved")
    return {state: make.service_application(tenant=operator.tenant, state=state).id for state in states}


def test_by_default_what_waits_for_a_decision_is_listed(operator, listed, five):
    page = Page(operator.get(URL).text)

    assert sorted(page.column("申請番号")) == sorted([five["pending"], five["held"]])
    status = page.root.one("select", id="filter-status")
    assert [each.text for each in status.all("option")] == [
        "未承認+保留",
        "未承認",
        "保留",
        "否認",
        "承認済み",
        "すべて",
    ]
    assert [each.text for each in status.all("option") if "selected" in each.attributes] == ["未承認+保留"]


@pytest.mark.parametrize("state", ["pending", "held", "denied", "approved"])
def test_one_status_is_listed(listed, five, state):
    assert listed(status=state) == [five[state]]


def test_an_unconfirmed_application_is_nowhere(operator, listed, five):
    assert set(listed(status="all")) == set(five.values()) - {five["unconfirmed"]}
    assert operator.get(URL + five["unconfirmed"]).status_code == 404
    assert five["unconfirmed"] not in operator.get(URL + "download").text
    assert operator.post(URL + "approve", data={"chosen": f"{five['unconfirmed']}:1"}).status_code == 404


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"unit": "month", "month": "2026-10"}, ["AAP-OCTOBER1", "AAP-OCTOBER2"]),
        ({"unit": "day", "day": "2026-10-01"}, ["AAP-OCTOBER1"]),
        ({"unit": "year", "year": "2025"}, ["AAP-LASTYEAR"]),
        ({"unit": "year", "year": ""}, ["AAP-LASTYEAR", "AAP-OCTOBER1", "AAP-OCTOBER2"]),
        ({"unit": "month", "month": "2026-13"}, ["AAP-LASTYEAR", "AAP-OCTOBER1", "AAP-OCTOBER2"]),
    ],
)
def test_the_period_is_a_year_a_month_or_a_day_in_japan(operator, make, listed, query, found):
    for key, time in (
        ("AAP-OCTOBER1", "2026-10-01T00:00:00+09:00"),
        ("AAP-OCTOBER2", "2026-10-31T23:59:59+09:00"),
        ("AAP-LASTYEAR", "2025-12-31T23:59:59+09:00"),
    ):
        make.service_application(tenant=operator.tenant, id=key, applied_at=at(time))

    assert sorted(listed(**query)) == found


def test_an_invalid_period_is_said_beside_it(operator):
    page = Page(operator.get(URL, query_string={"unit": "day", "day": "2026-02-30"}).text)

    assert "この条件は検索から除きました。" in page.error_of("day")
    assert page.root.one(id="day").attributes["value"] == "2026-02-30"


@pytest.mark.parametrize("typed", ["ａｂｃ 工業", "ABC工業(株)"])
def test_a_part_of_the_company_name_is_enough_in_any_notation(operator, make, listed, typed):
    row = make.service_application(tenant=operator.tenant, company="ABC工業株式会社")
    make.service_application(tenant=operator.tenant)

    assert listed(company=typed) == [row.id]


def test_a_part_of_the_number_is_enough(operator, make, listed):
    make.service_application(tenant=operator.tenant, id="AAP-3KJXLH50")
    make.service_application(tenant=operator.tenant)

    assert listed(id="kjx") == ["AAP-3KJXLH50"]


def test_the_newest_is_first_and_columns_are_sorted(operator, make, listed):
    times = {"AAP-00000A": "2026-10-02", "AAP-00000B": "2026-10-03", "AAP-00000C": "2026-10-01"}
    for key, day in times.items():
        make.service_application(
            tenant=operator.tenant, id=f"{key}00", applied_at=at(f"{day}T00:00:00+09:00"), company=f"会社{key[-1]}"
        )
    short = lambda keys: "".join(key[-3] for key in keys)  # noqa: E731

    assert short(listed()) == "BAC"
    assert short(listed(sort="applied_at", direction="asc")) == "CAB"
    assert short(listed(sort="company", direction="desc")) == "CBA"
    assert short(listed(sort="id", direction="asc")) == "ABC"
    assert len(listed(sort="state")) == 3


@pytest.mark.parametrize(("direction", "order"), [("asc", 1), ("desc", -1)])
def test_companies_are_sorted_without_their_legal_form(operator, make, direction, order):
    names = ["株式会社あさひ", "いろは㈱", "合同会社", "うみ", "(同)えだ", "医療法人社団おか"]
    for name in names:
        make.service_application(tenant=operator.tenant, company=name)

    page = Page(operator.get(URL, query_string={"sort": "company", "direction": direction}).text)

    expected = ["株式会社あさひ", "いろは㈱", "うみ", "(同)えだ", "医療法人社団おか", "合同会社"]
    assert page.column("会社名") == expected[::order]


def test_open_rows_can_be_chosen_and_a_held_one_not_to_be_held(operator, five):
    page = Page(operator.get(URL, query_string={"status": "all"}).text)

    chosen = page.root.all("input", name="chosen")
    choices = {each.attributes["value"]: each.attributes["data-actions"] for each in chosen}
    assert choices == {f"{five['pending']}:1": "approve deny hold", f"{five['held']}:1": "approve deny"}


def test_the_menu_offers_what_the_manual_says(operator, five):
    page = Page(operator.get(URL).text)

    (panel,) = (each for each in page.main.classed("menu-panel"))
    assert [each.text for each in panel.all() if each.tag in {"a", "button"}] == [
        "承認",
        "否認",
        "保留",
        "申込み招待URLを表示",
    ]


def test_a_viewer_reads_and_decides_nothing(viewer, five):
    page = Page(viewer.get(URL).text)

    assert len(page.rows) == 2
    assert page.root.all("input", name="chosen") == []
    assert "承認" not in [each.text for each in page.root.all("button")]
    assert viewer.get(URL + five["pending"]).status_code == 200
    assert viewer.get(URL + "download").status_code == 200
    for name in ("approve", "deny", "hold"):
        assert viewer.post(URL + name, data={"chosen": f"{five['pending']}:1"}).status_code == 403
        assert viewer.post(f"{URL}{five['pending']}/{name}").status_code == 403
    assert viewer.post(URL + "invitation/renew").status_code == 403


def test_an_application_of_another_tenant_is_not_found(operator, make):
    theirs = make.service_application()

    assert theirs.id not in operator.get(URL, query_string={"status": "all"}).text
    assert operator.get(URL + theirs.id).status_code == 404
    for name in ("approve", "deny", "hold"):
        assert operator.post(URL + name, data={"chosen": f"{theirs.id}:1"}).status_code == 404
        assert operator.post(f"{URL}{theirs.id}/{name}").status_code == 404


def test_the_side_menu_has_it_after_the_customers(operator):
    page = Page(operator.get(URL).text)

    labels = [each.text for each in page.root.all("a")]
    assert labels.index("顧客管理") < labels.index("申込管理")
    tabs = page.main.all("nav", aria_label="サービス利用申請一覧")
    assert [each.text for each in tabs[0].all("a")] == ["サービス利用申請", "UTM追加申請"]
