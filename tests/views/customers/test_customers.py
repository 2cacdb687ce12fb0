"""§7.1, §7.4.1, §7.4.5: the list, the details, the security tab."""

from __future__ import annotations

import re
from datetime import date, timedelta
from html import escape

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from models import clock
from models.alerts import ingest as alert_ingest
from tests.support.alerts import lines
from tests.support.pages import Page
from tests.views.customers.test_form import GOOD


def names(page: str) -> list[str]:
    return re.findall(r'data-label="会社名">([^<]+)<', page)


def test_the_columns_are_those_of_the_manual(operator, make):
    make.customer(tenant=operator.tenant)

    page = operator.get("/customers/").text

    heads = [re.sub(r"<[^>]+>|\s|[▲▼△▽]", "", cell) for cell in re.findall(r"<th .*?</th>", page, re.DOTALL)]
    assert heads[:5] == ["会社ID", "会社名", "残高", "最終請求日", "ステータス"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, ["ｱｵｿﾞﾗ商事㈱", "100%食品", "株式会社あおぞら"]),
        ({"id": "a00000001"}, ["株式会社あおぞら"]),
        ({"id": "０００２"}, ["100%食品"]),
        ({"name": "(株)"}, ["ｱｵｿﾞﾗ商事㈱", "株式会社あおぞら"]),
        ({"name": "アオゾラ"}, ["ｱｵｿﾞﾗ商事㈱"]),
        ({"name": "%"}, ["100%食品"]),
        ({"name": "_"}, []),
        ({"balance": "1000", "balance_is": "ge"}, ["100%食品"]),
        ({"balance": "1000", "balance_is": "le"}, ["ｱｵｿﾞﾗ商事㈱", "株式会社あおぞら"]),
        ({"balance": "5000", "balance_is": "eq"}, ["100%食品"]),
        ({"balance": "5000", "balance_is": "ne"}, ["ｱｵｿﾞﾗ商事㈱", "株式会社あおぞら"]),
        ({"balance": "￥５，０００"}, ["100%食品"]),
        ({"balance": "\\5,000円"}, ["100%食品"]),
        ({"balance": "-¥999,999,999,999", "balance_is": "le"}, []),
        ({"balance": "\u22121", "balance_is": "ge"}, ["ｱｵｿﾞﾗ商事㈱", "100%食品", "株式会社あおぞら"]),
        ({"last_invoiced_on": "2026-11-01"}, ["100%食品"]),
        ({"status": "active"}, ["100%食品"]),
        ({"status": "draft", "name": "商事"}, ["ｱｵｿﾞﾗ商事㈱"]),
    ],
)
def test_searching_narrows_by_every_condition(operator, make, query, found):
    make.customer(tenant=operator.tenant, name="株式会社あおぞら")
    make.customer(
        tenant=operator.tenant, name="100%食品", balance=5000, last_invoiced_on=date(2026, 11, 1), status="active"
    )
    make.customer(tenant=operator.tenant, name="ｱｵｿﾞﾗ商事㈱")

    assert names(operator.get("/customers/", query_string=query).text) == found


def test_a_large_balance_is_searched_for_as_it_was_typed(operator, make):
    make.customer(tenant=operator.tenant, name="大口", balance=1234567890)

    page = operator.get("/customers/", query_string={"balance": "¥1,234,567,890"}).text

    assert names(page) == ["大口"]
    assert "¥1,234,567,890 一致" in page
    assert 'value="¥1,234,567,890"' in page


@pytest.mark.parametrize("typed", ["1万", "13200.5", "1" * 13, "9" * 200, "-", "円", "<b>"])
def test_a_balance_that_is_none_is_told_and_not_searched_for(operator, make, typed):
    make.customer(tenant=operator.tenant, name="株式会社あおぞら")

    page = operator.get("/customers/", query_string={"balance": typed}).text

    assert names(page) == ["株式会社あおぞら"]
    assert f'name="balance" value="{escape(typed)}"' in re.sub(r"\s+", " ", page)
    assert "12桁以内の整数（円）で入力してください。" in re.search(r'id="filter-balance-error">(.*?)</div>', page)[1]
    assert re.search(r"<details[^>]*\sopen", page)
    assert 'class="chip' not in page


@pytest.mark.parametrize("sort", ["id", "name", "balance", "last_invoiced_on", "status"])
def test_every_column_sorts_both_ways(operator, make, sort):
    for number in (2, 1, 3):
        make.customer(
            tenant=operator.tenant,
            name=f"会社{number}",
            balance=number,
            last_invoiced_on=date(2026, 1, number),
            status=["active", "cancelled", "draft"][number - 1],
        )
    order = ["会社2", "会社1", "会社3"] if sort == "id" else ["会社1", "会社2", "会社3"]

    upward = names(operator.get(f"/customers/?sort={sort}&direction=asc").text)
    downward = names(operator.get(f"/customers/?sort={sort}&direction=desc").text)

    assert (upward, downward) == (order, order[::-1])


@pytest.mark.parametrize(("direction", "order"), [("asc", "早遅無無"), ("desc", "遅早無無")])
def test_customers_without_an_invoice_come_last_both_ways(operator, make, direction, order):
    for name, day in (("無", None), ("遅", date(2026, 2, 1)), ("無", None), ("早", date(2026, 1, 1))):
        make.customer(tenant=operator.tenant, name=name, last_invoiced_on=day)

    page = operator.get(f"/customers/?sort=last_invoiced_on&direction={direction}").text

    assert "".join(names(page)) == order


@pytest.mark.parametrize("direction", ["asc", "desc"])
@pytest.mark.parametrize("sort", ["name", "last_invoiced_on", "status"])
def test_customers_with_the_same_value_are_sorted_by_id(operator, make, engine, sort, direction):
    """Else a customer could be on two pages, or on none."""
    ids = sorted(make.customer(tenant=operator.tenant, name="同名").id for _ in range(30))
    # A changed row is stored elsewhere, so that the order on disk is another one.
    with engine.begin() as connection:
        connection.execute(text("UPDATE customer SET memo1 = 'x' WHERE id = ANY(:ids)"), {"ids": ids[5:15]})

    pages = [operator.get(f"/customers/?sort={sort}&direction={direction}&page={number}").text for number in (1, 2)]

    assert [each for page in pages for each in re.findall(r">(A\d{8})<", page)] == (
        ids if direction == "asc" else ids[::-1]
    )


@pytest.mark.parametrize(
    ("page", "count"), [("1", 25), ("2", 1), ("0", 25), ("-1", 25), ("abc", 25), ("999", 1), ("9" * 30, 25)]
)
def test_pages_hold_25_and_a_bad_page_is_the_first(operator, make, page, count):
    for _ in range(26):
        make.customer(tenant=operator.tenant)

    answer = operator.get(f"/customers/?page={page}")

    assert len(names(answer.text)) == count
    assert "26件" in answer.text


@pytest.fixture
def many(operator, make):
    """1,258 customers."""
    first = make.customer(tenant=operator.tenant)
    columns = (
        "tenant_id, name, search_name, contact_last_name, contact_first_name, contact_email, contact_phone, postcode,"
        " prefecture, address"
    )
    make.session.execute(
        text(
            f"INSERT INTO customer ({columns}) SELECT {columns} FROM customer, generate_series(1, 1257) WHERE id = :id"
        ),
        {"id": first.id},
    )
    make.session.commit()


def pager(page: str) -> list[str]:
    """What can be clicked below a list."""
    return re.findall(r'<a class="page-link"[^>]*>([^<]+)</a>', page)


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize(
    ("page", "shown", "clickable"),
    [
        (1, 25, ["1", "2", "41", "次へ"]),
        (40, 25, ["«", "前へ", "1", "39", "40", "41", "次へ"]),
        (41, 25, ["«", "前へ", "1", "40", "41", "42", "次へ"]),
        (50, 25, ["«", "前へ", "1", "49", "50", "51", "次へ"]),
        (51, 8, ["«", "前へ", "1", "50", "51"]),
        (52, 8, ["«", "前へ", "1", "50", "51"]),
        (100000, 8, ["«", "前へ", "1", "50", "51"]),
    ],
)
def test_more_than_a_thousand_are_said_to_be_so_and_paged_to_their_end(operator, page, shown, clickable):
    answer = operator.get(f"/customers/?page={page}").text

    assert "1,000件以上" in answer
    assert len(names(answer)) == shown
    assert pager(answer) == clickable


def test_an_empty_list_and_an_empty_search_say_what_to_do(operator):
    assert "顧客はまだ登録されていません。" in operator.get("/customers/").text
    assert "条件に一致する顧客はありません。" in operator.get("/customers/?name=none").text


def test_what_people_typed_is_never_markup(operator, make):
    customer = make.customer(tenant=operator.tenant, name="<script>alert(1)</script>", memo1='"><img src=x>')

    for path in ("/customers/", f"/customers/{customer.id}", f"/customers/{customer.id}/security"):
        page = operator.get(path).text
        assert "<script>alert" not in page
        assert "<img" not in page


def test_details_show_every_field_and_the_contracts(operator, make):
    today = clock.tokyo_day(clock.utc_now())
    customer = make.customer(
        tenant=operator.tenant,
        memo1="一つめ",
        memo2="二つめ",
        memo3="三つめ",
        contact_department="管理部",
        contact_title="部長",
    )
    make.contract(customer_row=customer, start_on=today + timedelta(days=1), end_on=today + timedelta(days=365))

    page = operator.get(f"/customers/{customer.id}").text

    for shown in (
        customer.id,
        customer.name,
        "ドラフト",
        "一つめ",
        "二つめ",
        "三つめ",
        "青空 花子",
        "管理部",
        "部長",
        "hanako@example.com",
        "0312345678",
        "郵便番号",
        "100-0001",
        "東京都",
        "千代田区一丁目1番1号",
        "A-S00000001",
        "（開始前）",
    ):
        assert shown in Page(page).main.text, shown


def test_memos_two_and_three_are_not_offered_when_both_are_empty(operator, make):
    customer = make.customer(tenant=operator.tenant, memo1="一つめ")

    assert "さらに表示" not in operator.get(f"/customers/{customer.id}").text


def raise_alerts(engine, utm, count, *, level="high", days_ago=0):
    now = clock.utc_now()
    sender = alert_ingest.Sender(utm.tenant_id, utm.customer_id, utm.id)
    with Session(engine, info={"tenant_scope": utm.tenant_id}) as session:
        found = lines(count, at=now - timedelta(days=days_ago), alert_severity=level)
        alert_ingest.store(session, sender, found, now=now, retention_months=13)
        session.commit()


@pytest.mark.parametrize(("count", "badge"), [(1, ">1<"), (99, ">99<"), (100, ">99+<"), (150, ">99+<")])
def test_important_alerts_are_counted_up_to_99(operator, make, engine, count, badge):
    customer, utm = make.customer_with_utm(operator.tenant)
    raise_alerts(engine, utm, count)

    page = operator.get(f"/customers/{customer.id}/security").text

    assert "ご利用の環境で問題がみつかりました" in page
    assert badge in page


def test_without_important_alerts_problems_cannot_be_opened(operator, make, engine):
    customer, utm = make.customer_with_utm(operator.tenant, last_seen_at=clock.utc_now())
    raise_alerts(engine, utm, 7, level="low")
    raise_alerts(engine, utm, 3, days_ago=31)

    page = operator.get(f"/customers/{customer.id}/security").text

    assert "検出された脅威はありません" in page
    assert "/alerts/important" not in page
    (unusable,) = [each for each in Page(page).main.all("button") if each.text == "問題を確認"]
    assert unusable.attributes["aria-describedby"] == Page(page).root.one(id="status-words").attributes["id"]
    assert Page(page).column("アラート数") == ["7"]


def test_the_three_states_are_told_apart(operator, make):
    customer = make.customer(tenant=operator.tenant)
    now = clock.utc_now()
    make.utm(customer_row=customer, name="一", last_seen_at=now - timedelta(minutes=9))
    make.utm(customer_row=customer, name="二", last_seen_at=now - timedelta(minutes=11))
    make.utm(customer_row=customer, name="三")

    page = operator.get(f"/customers/{customer.id}/security").text

    states = re.findall(r'class="status status-(\w+)">.*?</svg>([^<]+)<', page)
    # In the order of the names 一 三 二.
    assert states == [("green", "オンライン"), ("secondary", "未接続"), ("red", "オフライン")]
    assert page.count("最終接続:") == 2


def test_a_removed_utm_is_not_listed(operator, make):
    customer, _ = make.customer_with_utm(operator.tenant, name="外したUTM", removed_at=clock.utc_now())

    assert "外したUTM" not in operator.get(f"/customers/{customer.id}/security").text


def test_without_a_contract_registering_is_off_with_the_reason(operator, make):
    customer = make.customer(tenant=operator.tenant)

    page = operator.get(f"/customers/{customer.id}/security").text

    assert "/utms/add" not in page
    assert "UTM登録には、UTMを含む有効な契約" in page


@pytest.mark.parametrize("typed", ["青\u200b空", "\ufeff青空\u202e", " 青空　", "株式会社青空", "㊑青空"])
def test_what_came_along_with_a_copied_name_does_not_matter(operator, make, typed):
    make.customer(tenant=operator.tenant, name="㈱青空")

    assert names(operator.get("/customers/", query_string={"name": typed}).text) == ["㈱青空"]


@pytest.mark.parametrize(
    ("name", "at_the_limit", "past_it", "limit"),
    [("name", "あ" * 40, "あ" * 41, 40), ("id", "A00000001", "A000000001", 9)],
)
def test_a_text_past_its_limit_is_told_and_not_searched_for(operator, make, name, at_the_limit, past_it, limit):
    make.customer(tenant=operator.tenant, name="株式会社青空")

    found, told = (operator.get("/customers/", query_string={name: text}).text for text in (at_the_limit, past_it))

    assert f"{name}-error" not in found
    assert f'id="filter-{name}-error">{limit}文字以下で入力してください。この条件は検索から除きました。' in told
    assert names(told) == ["株式会社青空"]
    assert f'value="{past_it}"' in told
    assert 'class="chip' not in told


def test_deleting_leads_back_to_the_list_as_it_was_searched(operator, make):
    customer = make.customer(tenant=operator.tenant)
    searched = "/customers/?status=draft&sort=name&direction=asc&page=2"

    answer = operator.post(f"/customers/{customer.id}/delete", headers={"Referer": f"http://localhost{searched}"})

    assert answer.location == searched


@pytest.mark.parametrize(
    "referrer", [None, "http://elsewhere.example/customers/", "http://localhost/customers/A00000001", "nonsense"]
)
def test_deleting_from_elsewhere_leads_to_the_list(operator, make, referrer):
    customer = make.customer(tenant=operator.tenant)

    answer = operator.post(f"/customers/{customer.id}/delete", headers={"Referer": referrer} if referrer else {})

    assert answer.location == "/customers/"


def test_who_may_not_look_at_a_customer_is_not_led_there(make, signed_in):
    make.role("係", "Customers can_list", "Customers can_add", "Customers can_edit")
    tenant = make.tenant()
    customer = make.customer(tenant=tenant)
    client = signed_in(make.member(tenant, "係"), tenant)

    page = client.get("/customers/").text
    made = client.post("/customers/add", data=GOOD)

    assert customer.id in page
    assert f'href="/customers/{customer.id}"' not in page
    assert made.location == "/customers/"


def test_the_reason_why_no_utm_is_registered_is_given_once(operator, make):
    customer = make.customer(tenant=operator.tenant)

    page = Page(operator.get(f"/customers/{customer.id}/security").text)

    button = next(each for each in page.main.all("button", aria_disabled="true") if each.text == "作成")
    reason = page.root.one(id=button.attributes["aria-describedby"]).text
    assert reason.startswith("UTM登録には、UTMを含む有効な契約")
    assert page.main.text.count(reason) == 1
    assert "title" not in button.attributes
