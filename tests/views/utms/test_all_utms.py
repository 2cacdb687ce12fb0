"""UTM一覧 of the whole tenant: what it shows, finds, sorts and writes into its file."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from models import clock
from models.alerts import ingest as alert_ingest
from tests.support.alerts import lines
from tests.support.pages import Page

HEAD = [
    *("UTM ID", "UTM名", "会社ID", "会社名", "動作", "最終接続", "バージョン"),
    *("製造番号", "郵便番号", "都道府県", "設置場所", "アラート数"),
]
MOST_STATEMENTS = 8


@pytest.fixture
def fleet(operator, make):
    """Three UTMs of two customers, and one of another tenant."""
    now = clock.utc_now()
    first = make.customer(tenant=operator.tenant, name="株式会社あさひ")
    second = make.customer(tenant=operator.tenant, name="みどり工業")
    make.utm(name="他社", firmware="9.9", last_seen_at=now)
    return [
        make.utm(
            customer_row=first,
            name="本社",
            utm_id="000000000001",
            firmware="1.4.2",
            last_seen_at=now,
            address="東京都港区一番",
        ),
        make.utm(
            customer_row=second,
            name="支店",
            utm_id="000000000002",
            firmware="1.4.4",
            last_seen_at=now - timedelta(hours=1),
            address="京都府京都市二番",
        ),
        make.utm(customer_row=second, name="倉庫", utm_id="000000000003", address="大分県大分市三番"),
    ]


def listed(client, **query) -> Page:
    return Page(client.get("/utms/", query_string=query).text)


def names(client, **query) -> list[str]:
    return listed(client, **query).column("UTM名")


def file_of(client, **query) -> list[list[str]]:
    answer = client.get("/utms/", query_string={"csv": "1"} | query)
    return list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"))))


def raise_alerts(engine, utm, count, *, at=None) -> None:
    now = clock.utc_now()
    with Session(engine, info={"tenant_scope": utm.tenant_id}) as session:
        sender = alert_ingest.Sender(utm.tenant_id, utm.customer_id, utm.id)
        alert_ingest.store(session, sender, lines(count, at=at or now), now=now, retention_months=13)
        session.commit()


def test_the_side_menu_has_it_for_everybody_of_the_tenant(operator, make, signed_in):
    viewer = signed_in(make.member(operator.tenant, "Partner Viewer"), operator.tenant)

    for client in (operator, viewer):
        assert "UTM一覧" in [each.text for each in Page(client.get("/").text).root.all("a", href="/utms/")]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"state": "online"}, ["本社"]),
        ({"state": "offline"}, ["支店"]),
        ({"state": "unconnected"}, ["倉庫"]),
        ({"firmware": "1.4.4"}, ["支店"]),
        ({"prefecture": "京都府"}, ["支店"]),
        ({"prefecture": "東京都"}, ["本社"]),
        ({"name": "倉"}, ["倉庫"]),
        ({"utm_id": "00:00:00:00:00:02"}, ["支店"]),
        ({"customer": "ミドリ"}, []),
        ({"customer": "みどり"}, ["支店", "倉庫"]),
        ({"address": "大分市"}, ["倉庫"]),
        ({"customer": "みどり", "state": "offline"}, ["支店"]),
    ],
)
def test_each_condition_narrows_the_list_and_its_file(operator, fleet, query, found):
    page = listed(operator, **query)

    assert page.column("UTM名") == found
    assert len(page.main.classed("chip")) == len(query)
    assert [row[1] for row in file_of(operator, **query)[1:]] == found


def test_a_customer_is_found_by_its_id(operator, fleet):
    assert names(operator, customer_id=fleet[0].customer_id.lower()) == ["本社"]


def test_only_the_versions_of_the_tenant_can_be_chosen(operator, make, fleet):
    make.utm(customer_row=fleet[0].customer, firmware="0.1", removed_at=clock.utc_now())

    options = listed(operator).root.one(id="filter-firmware").all("option")

    assert [each.attributes["value"] for each in options] == ["", "1.4.2", "1.4.4"]


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("utm_id", ["本社", "支店", "倉庫"]),
        ("customer", ["本社", "支店", "倉庫"]),
        ("state", ["支店", "本社", "倉庫"]),
        ("firmware", ["本社", "支店", "倉庫"]),
        ("alert_count", ["倉庫", "本社", "支店"]),
    ],
)
def test_every_column_sorts_both_ways_with_unknown_values_last(operator, engine, fleet, sort, order):
    raise_alerts(engine, fleet[0], 1)
    raise_alerts(engine, fleet[1], 2)

    upward, downward = (names(operator, sort=sort, direction=each) for each in ("asc", "desc"))

    assert upward == order
    if sort in {"state", "firmware"}:
        assert downward == [order[1], order[0], "倉庫"]
    elif sort == "customer":
        assert downward == ["支店", "倉庫", "本社"]
    else:
        assert downward == order[::-1]


def test_alerts_of_31_days_are_counted_and_lead_to_the_list(operator, engine, fleet):
    now = clock.utc_now()
    raise_alerts(engine, fleet[0], 3)
    raise_alerts(engine, fleet[0], 2, at=now - timedelta(days=40))

    page = listed(operator)

    assert page.column("アラート数") == ["3", "0", "0"]
    assert f"/customers/{fleet[0].customer_id}/alerts/?utm={fleet[0].id}" in page.links
    assert [row[-1] for row in file_of(operator)[1:]] == ["3", "0", "0"]


def test_the_list_leads_to_the_utm_and_its_customer(operator, fleet):
    page = listed(operator)

    assert any(each.startswith(f"/customers/{fleet[0].customer_id}/utms/{fleet[0].id}") for each in page.links)
    assert f"/customers/{fleet[0].customer_id}" in page.links


def test_the_file_has_a_column_for_each_thing_and_no_formula(operator, make, fleet):
    make.utm(customer_row=fleet[0].customer, name="=1+1", utm_id="000000000004", address="+1", firmware="@x")

    rows = file_of(operator)

    assert rows[0] == HEAD
    assert rows[2][4:7] == ["オフライン", clock.screen_time(fleet[1].last_seen_at), "1.4.4"]
    assert rows[3][4:7] == ["未接続", "", ""]
    assert [row[9] for row in rows[1:]] == ["東京都", "京都府", "大分県", ""]
    assert (rows[4][1], rows[4][6], rows[4][10]) == ("'=1+1", "'@x", "'+1")
    assert "他社" not in str(rows)


def test_a_page_costs_as_many_statements_with_many_utms_as_with_few(operator, make, fleet, statements):
    listed(operator)
    costs = []
    for more in (0, 30):
        for _ in range(more):
            make.utm(tenant=operator.tenant)
        statements.clear()
        listed(operator, sort="alert_count", size="100", state="unconnected")
        costs.append(len(statements))

    assert costs[0] == costs[1] <= MOST_STATEMENTS, statements


@pytest.mark.parametrize("typed", ["髙崎", "高﨑", "高　崎", "高崎ﾋﾞﾙ 霞ヶ関", "Ｂ棟", "b 棟"])
def test_a_utm_is_found_by_any_variant_of_its_name(operator, make, fleet, typed):
    make.utm(customer_row=fleet[0].customer, name="高崎ビル 霞ケ関B棟")

    assert names(operator, name=typed) == ["高崎ビル 霞ケ関B棟"]


@pytest.mark.parametrize("typed", ["2:0:5e:10:0:1", "02_00_5E_10_00_01", "0200.5e10.0001", "5E_10"])
def test_a_utm_is_found_by_its_mac_address_in_any_notation(operator, make, fleet, typed):
    make.utm(customer_row=fleet[0].customer, name="別館", utm_id="02005e100001")

    assert names(operator, utm_id=typed) == ["別館"]
