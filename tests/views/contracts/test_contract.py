"""契約詳細 (§7.6), 解約取消 (§7.6.3) and what NEC's staff do with a contract."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from models import audit, clock
from models.actor import SYSTEM
from models.contracts.contract import Contract
from models.mail.outbox import MailMessage
from tests.support.days import TODAY
from tests.support.pages import Page, answered

pytestmark = pytest.mark.usefixtures("on_today")


@pytest.fixture
def staff(make, signed_in, operator):
    return signed_in(make.elevated("NEC Staff"), operator.tenant)


@pytest.fixture
def contract(make, shop):
    """A contract of two units in force."""
    made = make.contract(customer_row=shop.customer, product=shop.product, ships_utm=False, memo1="めも")
    make.contract_line(contract=made, rate_plan=shop.plan, quantity=2)
    return made


@pytest.fixture
def show(operator, shop):
    def page(contract, client=operator):
        answer = client.get(f"{shop.url}/{contract.id}")
        assert answer.status_code == 200
        return Page(answer.text)

    return page


def facts(page):
    labels, values = page.main.all("dt"), page.main.all("dd")
    return {label.text: value.text for label, value in zip(labels, values, strict=True)}


def buttons(page):
    (actions,) = page.main.classed("page-actions")
    return [each.text for each in actions.all() if each.tag in {"a", "button"}]


def test_details_show_every_field_and_the_lines_with_their_charges(make, shop, contract, show):
    removed = make.contract_line(
        contract=contract, rate_plan=shop.plan, quantity=5, unit_price=6000, ends_on=TODAY - timedelta(days=1)
    )

    page = show(contract)

    told = facts(page)
    assert told["契約番号"] == contract.id
    assert told["メモ1"] == "めも"
    assert told["契約開始日"] == contract.start_on.isoformat()
    assert told["契約終了日"] == contract.end_on.isoformat()
    assert (told["初期契約期間"], told["契約更新期間"]) == ("1年 0ヵ月", "1年 0ヵ月")
    assert (told["商品"], told["UTM送付"], told["UTM ID"]) == ("サイバーセキュリティ見守りサービス", "不要", "-")
    assert told["ステータス"] == "有効"
    assert "会社名" not in told
    assert page.column("課金名") == ["基本メニュー", "初月割引", "基本メニュー", "初月割引"]
    assert page.column("単価") == ["¥6,600", "100 % (最初の1ヵ月)", "¥6,000", "100 % (最初の1ヵ月)"]
    assert page.column("モデル")[:2] == ["定額課金", "ディスカウント-割引率"]
    titles = [each.text for each in page.main.all("h2")]
    assert "契約情報: 月額料金プラン" in titles
    assert "契約情報: 月額料金プラン(削除済)" in titles
    assert list(told)[-1] == "メモ1", "Memo 2 and 3 are shown below it."
    text = page.main.text
    assert "株式会社テストABC" in text
    assert f"数量: 2 / {contract.start_on} から" in text
    assert f"数量: 5 / 最終日: {removed.ends_on}" in text


def test_the_shipping_address_is_shown_only_when_the_utm_is_sent(make, shop, show):
    sent = make.contract(
        customer_row=shop.customer,
        product=shop.product,
        ships_utm=True,
        ship_company="送付先",
        ship_last_name="日電",
        ship_first_name="太郎",
        ship_postcode="2118666",
        tracking_number="SLIP-1",
    )

    told = facts(show(sent))

    assert (told["会社名"], told["氏名"], told["郵便番号"]) == ("送付先", "日電 太郎", "211-8666")
    assert told["伝票番号"] == "SLIP-1"


def test_a_product_without_a_utm_has_no_utm_fields(make, shop, show):
    plain = make.contract(customer_row=shop.customer, product=make.product(includes_utm=False))

    assert not {"UTM ID", "UTM送付"} & set(facts(show(plain)))


def test_the_utm_id_leads_to_the_utm_while_it_is_registered(make, shop, show):
    contract = make.contract(customer_row=shop.customer, product=shop.product, ships_utm=False, utm_id="a0b1c2d3e4f5")
    assert facts(show(contract))["UTM ID"] == "a0b1c2d3e4f5"
    assert not [each for each in show(contract).links if "/utms/" in each and each != "/utms/"]

    make.utm(utm_id="a0b1c2d3e4f5", removed_at=clock.utc_now())
    utm = make.utm(customer_row=shop.customer, utm_id="a0b1c2d3e4f5")
    assert f"/customers/{shop.customer.id}/utms/{utm.id}" in show(contract).links

    utm.removed_at = clock.utc_now()
    make.save(utm)
    assert not [each for each in show(contract).links if "/utms/" in each and each != "/utms/"]


@pytest.mark.parametrize(
    ("values", "status", "offered"),
    [
        ({}, "有効", ["変更", "解約"]),
        ({"start_on": TODAY + timedelta(days=1)}, "有効 （開始前）", ["変更", "解約"]),
        ({"status": "cancelled", "end_on": date(2099, 1, 31)}, "解約済 (2099-01-31)", ["解約取消"]),
        ({"status": "expired"}, "期限切れ", []),
        ({"status": "void"}, "取消済", []),
    ],
)
def test_each_status_and_what_can_be_done(make, operator, shop, show, values, status, offered):
    contract = make.contract(customer_row=shop.customer, product=shop.product, ships_utm=False, **values)

    page = show(contract)

    assert facts(page)["ステータス"] == status
    assert buttons(page) == offered
    assert Page(operator.get(f"/customers/{shop.customer.id}").text).column("ステータス") == [status]


def test_staff_void_stop_renewal_and_record_deliveries(make, staff, shop, contract, show):
    assert buttons(show(contract, staff)) == ["変更", "解約", "自動更新を停止", "契約の取消"]
    sent = make.contract(customer_row=shop.customer, product=shop.product, ships_utm=True)
    assert "配送情報" in buttons(show(sent, staff))

    form = show(contract, staff).form_to(f"{shop.url}/{contract.id}/stop-renewal")
    assert f"契約 {contract.id} の自動更新を停止します。" in staff.post(form.action, data=form.sent()).text
    staff.post(form.action, data=answered(form.sent()))
    assert facts(show(contract))["自動更新"] == "停止"
    assert "自動更新を停止" not in buttons(show(contract, staff))

    form = show(contract, staff).form_to(f"{shop.url}/{contract.id}/void")
    page = Page(staff.post(form.action, data=answered(form.sent()), follow_redirects=True).text)
    assert "契約を取り消しました。返金額: ¥0" in page.main.text
    assert facts(page)["ステータス"] == "取消済"
    assert buttons(page) == []


def test_only_staff_void_stop_renewal_and_record_deliveries(operator, shop, contract):
    for name in ("void", "stop-renewal", "delivery"):
        assert operator.post(f"{shop.url}/{contract.id}/{name}").status_code == 403


def test_a_delivery_is_recorded_and_mailed_and_locks_the_address(make, staff, shop):
    sent = make.contract(customer_row=shop.customer, product=shop.product, ships_utm=True)
    url = f"{shop.url}/{sent.id}/delivery"
    form = Page(staff.get(url).text).main_form

    assert staff.post(url, data=answered(form.sent(tracking_number="x" * 51))).status_code == 422
    unchanged = Page(staff.post(url, data=answered(form.sent())).text)
    assert "1つ以上の項目を変更してください。" in unchanged.main.text
    data = answered(form.sent(arrival_on="2026-12-01", tracking_number="1234-5678"))
    assert "配送情報を登録しました。" in staff.post(url, data=data, follow_redirects=True).text

    make.session.expire_all()
    assert (sent.arrival_on, sent.tracking_number) == (date(2026, 12, 1), "1234-5678")
    assert sorted(make.session.scalars(select(MailMessage.kind))) == ["utm_arrival", "utm_tracking"]
    again = staff.post(url, data=answered(form.sent(tracking_number="9")))
    assert again.status_code == 409
    assert ("伝票番号", "1234-5678", "9") in Page(again.text).differences


def test_a_cancellation_is_undone_after_its_question(make, operator, shop, show):
    make.confirmed_address(operator.tenant)
    contract = make.contract(customer_row=shop.customer, product=shop.product, status="cancelled", end_on=TODAY)
    form = show(contract).form_to(f"{shop.url}/{contract.id}/undo")

    question = Page(operator.post(form.action, data=form.sent()).text)
    assert question.root.one("h1").text == "解約取消確認"
    assert question.main.text.endswith("解約を取り消します。 よろしいでしょうか。 OK キャンセル")
    answer = operator.post(form.action, data=answered(form.sent()))

    assert answer.location == f"/customers/{shop.customer.id}"
    page = Page(operator.get(answer.location).text)
    assert "解約を取り消しました。" in page.main.text
    assert page.column("ステータス") == ["有効"]
    assert make.session.scalars(select(MailMessage.kind)).all() == ["contract_cancellation_undone"]


def test_undoing_warns_when_the_utm_was_removed(make, operator, shop, show):
    warning = "この契約のUTMは削除されています。"
    contract = make.contract(
        customer_row=shop.customer, product=shop.product, status="cancelled", end_on=TODAY, utm_id="a0b1c2d3e4f5"
    )
    make.utm(customer_row=shop.customer)
    utm = make.utm(customer_row=shop.customer, utm_id="a0b1c2d3e4f5")
    form = show(contract).form_to(f"{shop.url}/{contract.id}/undo")
    assert warning not in form.sent()["question"]

    utm.removed_at = clock.utc_now()
    make.save(utm)
    form = show(contract).form_to(f"{shop.url}/{contract.id}/undo")
    assert warning in form.sent()["question"]
    assert warning in operator.post(form.action, data=answered(form.sent()), follow_redirects=True).text


@pytest.mark.parametrize(
    ("product", "end_on", "reason"),
    [
        ({"includes_utm": False}, TODAY, "解約取消ができるのは、UTMを含む商品の契約のみです。"),
        ({}, TODAY.replace(day=1) - timedelta(days=1), "解約取消ができるのは、解約日の月の末日までです。"),
    ],
)
def test_a_cancellation_that_cannot_be_undone_says_why(make, operator, shop, show, product, end_on, reason):
    contract = make.contract(
        customer_row=shop.customer, product=make.product(**product), status="cancelled", end_on=end_on
    )

    page = show(contract)

    assert reason in page.main.text
    (button,) = (each for each in page.main.all("button") if each.text == "解約取消")
    assert button.attributes["aria-disabled"] == "true"
    assert page.root.one(id=button.attributes["aria-describedby"]).text == reason
    assert reason in operator.post(f"{shop.url}/{contract.id}/undo", follow_redirects=True).text
    make.session.expire_all()
    assert contract.status == "cancelled"


def test_the_history_says_what_was_done_in_words(make, operator, shop, show):
    sent = Page(operator.get(f"{shop.url}/add").text).main_form.sent(
        {
            "start_on": TODAY.isoformat(),
            "product_id": shop.product.id,
            "ships_utm": "0",
            "lines-0-rate_plan_id": shop.plan.id,
            "lines-0-quantity": "3",
        }
    )
    operator.post(f"{shop.url}/add", data=answered(sent))

    page = show(make.session.scalars(select(Contract)).one())

    opened_by = page.main.one("details", class_="card more-card").one("summary")
    assert opened_by.one("use").attributes["href"].endswith("#tabler-chevron-down")
    changes = {row["項目"]: row["変更後"] for row in page.rows if "項目" in row}
    assert changes["契約情報"] == "月額料金プラン × 3 (¥6,600)"
    assert changes["商品"] == "サイバーセキュリティ見守りサービス"
    assert (changes["初期契約期間"], changes["UTM送付"], changes["ステータス"]) == ("1年 0ヵ月", "不要", "有効")
    assert not [item for item in changes if item.isascii()]


def test_the_history_names_the_charge_and_the_rate_plan_of_usage(make, operator, shop, contract, show):
    plan = make.rate_plan(product=contract.product, name="通信プラン")
    charge = make.charge(rate_plan=plan, name="通信量", model="usage", unit_price=10)
    line = make.contract_line(contract=contract, rate_plan=plan)
    month = clock.months_before(TODAY, 1)
    after = {"line_id": line.id, "charge_id": charge.id, "month": month.isoformat(), "quantity": "5"}
    audit.record(make.session, "usage.recorded", contract, by=SYSTEM, after=after)
    make.session.commit()

    changes = [(row["項目"], row["変更後"]) for row in show(contract).rows if "項目" in row]

    assert changes == [("課金名", "通信量"), ("料金プラン", "通信プラン"), ("月", f"{month:%Y-%m}"), ("数量", "5")]


def test_a_contract_of_another_customer_or_tenant_is_not_found(make, operator, shop, contract):
    other = make.contract(customer_row=make.customer(tenant=operator.tenant))
    theirs = make.contract()
    for path in ("", "/edit", "/cancel"):
        assert operator.get(f"{shop.url}/{other.id}{path}").status_code == 404
        assert operator.get(f"{shop.url}/{theirs.id}{path}").status_code == 404
        assert operator.get(f"/customers/{theirs.customer_id}/contracts/{theirs.id}{path}").status_code == 404
