"""契約申込 (§7.5)."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from models import clock
from models.contracts.catalogue import Charge, Product
from models.contracts.contract import Contract
from models.mail.outbox import MailMessage
from tests.support.days import TODAY
from tests.support.pages import Page, answered

pytestmark = pytest.mark.usefixtures("on_today")

SHIPPING = {
    "ship_company": "株式会社テストABC",
    "ship_last_name": "日電",
    "ship_first_name": "太郎",
    "ship_department": "総務部",
    "ship_postcode": "211-8666",
    "ship_prefecture": "神奈川県",
    "ship_address": "川崎市中原区下沼部1753",
    "ship_phone": "0123-456-789",
}


def typed(shop, **more):
    """What is typed for a contract whose UTM is not sent."""
    return {
        "start_on": TODAY.isoformat(),
        "product_id": str(shop.product.id),
        "ships_utm": "0",
        "lines-0-rate_plan_id": str(shop.plan.id),
        "lines-0-quantity": "2",
        "lines-0-unit_price": "",
        **more,
    }


@pytest.fixture
def send(operator, shop):
    """Open the form and send it with some values; ``ok`` answers its question as well."""

    def send(values, *, ok=True):
        sent = Page(operator.get(f"{shop.url}/add").text).main_form.sent(values)
        return operator.post(f"{shop.url}/add", data=answered(sent) if ok else sent)

    return send


def test_the_21st_line_is_refused_with_a_message(operator, shop):
    lines = {f"lines-{number}-quantity": "1" for number in range(20)}

    page = Page(operator.post(f"{shop.url}/add", data=lines | {"add_line": "1"}).text)

    assert len([each for each in page.main.all("fieldset") if "link-entry" in each.attributes.get("class", "")]) == 20
    assert "料金プランは20個以下です。" in page.main.text


@pytest.fixture
def made(make):
    def newest():
        make.session.expire_all()
        return make.session.scalars(select(Contract).order_by(Contract.id.desc()).limit(1)).first()

    return newest


def test_a_contract_is_applied_for_and_shown(operator, make, shop, send, made):
    make.confirmed_address(operator.tenant)
    values = {"memo1": "めも", "initial_years": "2", "initial_months": "1", "utm_id": "A0:B1:C2:00:00:0F"}

    answer = send(typed(shop, **values))

    contract = made()
    assert answer.status_code == 302
    assert answer.location == f"{shop.url}/{contract.id}"
    assert (contract.initial_months, contract.renewal_months, contract.memo1) == (25, 12, "めも")
    assert (contract.ships_utm, contract.utm_id, contract.ship_company) == (False, "a0b1c200000f", "")
    (line,) = contract.lines
    assert (line.rate_plan_id, line.quantity, line.unit_price) == (shop.plan.id, 2, 6600)
    assert make.session.scalars(select(MailMessage.kind)).all() == ["contract_made"]
    page = operator.get(answer.location).text
    assert "契約を申込みました。" in page
    assert Page(operator.get(f"/customers/{shop.customer.id}").text).column("契約番号") == [contract.id]


def test_the_shipping_address_is_kept_only_when_the_utm_is_sent(make, shop, send, made):
    send(typed(shop, ships_utm="1", utm_id="a0b1c2000001", **SHIPPING))
    sent = made()
    assert (sent.ships_utm, sent.utm_id, sent.ship_phone) == (True, None, "0123456789")
    assert (sent.ship_postcode, sent.ship_name) == ("211-8666", "日電 太郎")

    send(typed(shop, **SHIPPING))
    assert (made().ships_utm, made().ship_company) == (False, "")

    other = make.product(includes_utm=False)
    plan = make.rate_plan(product=other)
    send(typed(shop, product_id=str(other.id), ships_utm="1", utm_id="nonsense", **{"lines-0-rate_plan_id": plan.id}))
    assert (made().product_id, made().ships_utm, made().utm_id) == (other.id, None, None)


@pytest.mark.parametrize(
    ("values", "field", "error"),
    [
        ({"start_on": (TODAY - timedelta(days=1)).isoformat()}, "start_on", "当日以降の日付を入力してください。"),
        ({"start_on": ""}, "start_on", "必須項目です。"),
        ({"start_on": "9999-12-31"}, "start_on", "2000"),
        ({"initial_years": "0", "initial_months": "0"}, "initial_months", "1ヵ月以上の期間を入力してください。"),
        ({"renewal_years": "0"}, "renewal_months", "1ヵ月以上の期間を入力してください。"),
        ({"initial_years": "99"}, "initial_years", ""),
        ({"product_id": ""}, "product_id", "必須項目です。"),
        ({"product_id": "999999"}, "product_id", ""),
        ({"ships_utm": None}, "ships_utm", "いずれかを選択してください。"),
        ({"utm_id": "nonsense"}, "utm_id", "12文字"),
        ({"memo1": "あ" * 501}, "memo1", "500文字以下"),
        ({"memo2": "あ" * 256}, "memo2", "255文字以下"),
        ({"memo3": "あ" * 256}, "memo3", "255文字以下"),
        ({"lines-0-quantity": "0"}, "lines-0-quantity", "1から9,999"),
        ({"lines-0-quantity": "1.5"}, "lines-0-quantity", "1から9,999"),
        ({"lines-0-quantity": "10000"}, "lines-0-quantity", "1から9,999"),
        ({"lines-0-rate_plan_id": ""}, "lines-0-rate_plan_id", "必須項目です。"),
        ({"lines-0-rate_plan_id": "999999"}, "lines-0-rate_plan_id", ""),
        ({"lines-0-unit_price": "-1"}, "lines-0-unit_price", "円"),
        *(
            (SHIPPING | {"ships_utm": "1", name: ""}, name, "必須項目です。")
            for name in SHIPPING
            if name != "ship_department"
        ),
        *(
            (SHIPPING | {"ships_utm": "1", name: "あ" * (most + 1)}, name, f"{most}文字以下")
            for name, most in {
                "ship_company": 40,
                "ship_last_name": 100,
                "ship_first_name": 100,
                "ship_department": 40,
                "ship_address": 100,
            }.items()
        ),
        (SHIPPING | {"ships_utm": "1", "ship_phone": "1" * 16}, "ship_phone", "15桁以下"),
        (SHIPPING | {"ships_utm": "1", "ship_postcode": "1234"}, "ship_postcode", "半角数字7文字"),
    ],
)
def test_what_is_wrong_is_told_beside_its_field_before_the_question(shop, send, made, values, field, error):
    answer = send(typed(shop, **values), ok=False)

    page = Page(answer.text)
    assert answer.status_code == 422
    told = page.error_of(field)
    assert told
    assert error in told
    assert f"#{field}" in page.links
    assert made() is None


def test_the_question_shows_each_months_bill_and_the_terms(shop, send, made):
    start = date(TODAY.year + 1, 5, 10)
    answer = send(typed(shop, start_on=start.isoformat()), ok=False)

    page = Page(answer.text)
    assert answer.status_code == 200
    assert "契約を申込みます。 よろしいでしょうか。" in page.main.text
    (details,) = page.main.all("dl")
    facts = dict(zip([each.text for each in details.all("dt")], [each.text for each in details.all("dd")], strict=True))
    assert facts["初期契約期間の終了日"] == f"{start.year + 1}-05-09"
    assert facts["次回の更新日"] == f"{start.year + 1}-05-10"
    assert facts[f"{start.year}-05 の請求額"] == "¥0"
    assert facts[f"{start.year}-06 の請求額"] == "¥13,200"
    assert facts[f"{start.year + 1}-04 の請求額"] == "¥13,200"
    assert len(facts) == 14
    assert made() is None


def test_cancel_in_the_question_leads_back_to_what_was_typed(operator, shop, send, made):
    question = Page(send(typed(shop, memo1="めも"), ok=False).text)
    (form,) = (each for each in question.forms if "data-question-answered" in each.element.attributes)

    back = Page(operator.post(f"{shop.url}/add", data=form.sent(back_to_form="1")).text).main_form.sent()

    assert (back["memo1"], back["lines-0-quantity"], back["lines-0-unit_price"]) == ("めも", "2", "6600")
    assert operator.post(f"{shop.url}/add", data=form.sent()).status_code == 302
    assert made().memo1 == "めも"


def test_a_form_sent_twice_makes_one_contract(operator, make, shop):
    sent = answered(Page(operator.get(f"{shop.url}/add").text).main_form.sent(typed(shop)))

    first, second = (operator.post(f"{shop.url}/add", data=sent) for _ in range(2))

    assert first.location == second.location
    assert len(make.session.scalars(select(Contract)).all()) == 1


def test_lines_are_added_removed_and_priced_without_javascript(operator, make, shop):
    editable = make.rate_plan(product=shop.product, name="特別プラン", price=9000, price_editable=True)
    retired = make.rate_plan(product=shop.product, name="旧プラン", retired_at=clock.utc_now())
    foreign = make.rate_plan(name="他商品のプラン")
    form = Page(operator.get(f"{shop.url}/add").text).main_form
    assert [each.text for each in form.element.one(id="lines-0-rate_plan_id").all("option")] == [
        "先に商品を選択してください"
    ]

    page = Page(operator.post(f"{shop.url}/add", data=form.sent(product_id=shop.product.id, update="1")).text)
    options = [each.text for each in page.root.one(id="lines-0-rate_plan_id").all("option")]
    assert options == ["選択してください", "月額料金プラン", "特別プラン"]
    assert retired.name not in options
    assert foreign.name not in options

    sent = page.main_form.sent({"lines-0-rate_plan_id": shop.plan.id, "add_line": "1"})
    page = Page(operator.post(f"{shop.url}/add", data=sent).text)
    price = page.root.one(id="lines-0-unit_price")
    assert (price.attributes["value"], "readonly" in price.attributes) == ("6600", True)
    assert page.rows == [
        {
            "課金名": "基本メニュー",
            "説明": "基本メニューです",
            "タイプ": "定期請求(月額)",
            "モデル": "定額課金",
            "単価": "¥6,600",
        },
        {
            "課金名": "初月割引",
            "説明": "",
            "タイプ": "定期請求(月額)",
            "モデル": "ディスカウント-割引率",
            "単価": "100 % (最初の1ヵ月)",
        }
        | {"説明": "-"},
    ]

    sent = page.main_form.sent({"lines-1-rate_plan_id": editable.id, "remove_line": "0"})
    page = Page(operator.post(f"{shop.url}/add", data=sent).text)
    assert not page.root.all(id="lines-0-rate_plan_id")
    price = page.root.one(id="lines-1-unit_price")
    assert (price.attributes["value"], "readonly" in price.attributes) == ("9000", False)

    values = {"start_on": TODAY.isoformat(), "ships_utm": "0", "lines-1-unit_price": "8,500"}
    answer = operator.post(f"{shop.url}/add", data=answered(page.main_form.sent(values)))
    make.session.expire_all()
    (contract,) = make.session.scalars(select(Contract)).all()
    assert answer.status_code == 302
    assert [(line.rate_plan_id, line.unit_price) for line in contract.lines] == [(editable.id, 8500)]


def test_the_price_of_another_plan_is_replaced_and_told(operator, make, shop):
    other = make.rate_plan(product=shop.product, name="年額プラン", price=70000)
    sent = typed(shop, **{"lines-0-unit_price": "6600", "lines-0-priced_by": str(shop.plan.id)})
    sent["lines-0-rate_plan_id"] = str(other.id)

    page = Page(operator.post(f"{shop.url}/add", data=sent).text)

    assert "別の料金プランの単価" in page.error_of("lines-0-unit_price")
    assert page.root.one(id="lines-0-unit_price").attributes["value"] == "70000"


def test_a_price_or_product_that_changed_since_the_form_was_shown_is_refused(operator, make, shop, made):
    form = Page(operator.get(f"{shop.url}/add").text).main_form
    sent = form.sent(typed(shop, **{"lines-0-unit_price": "6600", "lines-0-priced_by": str(shop.plan.id)}))
    make.session.get(Charge, shop.plan.charges[0].id).unit_price = 7000
    make.session.commit()

    refused = Page(operator.post(f"{shop.url}/add", data=sent).text)
    assert "この料金プランの単価は固定です。" in refused.main.text

    make.session.get(Product, shop.product.id).retired_at = clock.utc_now()
    make.session.commit()
    assert Page(operator.post(f"{shop.url}/add", data=answered(sent)).text).error_of("product_id")
    assert made() is None


def test_a_contract_has_at_most_20_lines_and_at_least_one(shop, send, made):
    many = {
        f"lines-{number}-{name}": value
        for number in range(21)
        for name, value in (("rate_plan_id", str(shop.plan.id)), ("quantity", "1"), ("unit_price", "6600"))
    }
    assert "料金プランは20個以下です。" in Page(send(typed(shop, **many)).text).main.text
    none = {name: None for name in typed(shop) if name.startswith("lines")} | {"lines-0-priced_by": None}
    assert "料金プランを1つ以上追加してください。" in Page(send(typed(shop, **none)).text).main.text
    assert made() is None


def test_the_address_is_filled_in_from_the_postcode(operator, shop):
    sent = typed(shop, ships_utm="1", ship_postcode="2118666", find_address="1")

    filled = Page(operator.post(f"{shop.url}/add", data=sent).text).main_form.sent()

    assert filled["ship_prefecture"] == "神奈川県"
    assert filled["ship_address"].startswith("川崎市中原区")


def test_a_viewer_has_no_button_and_no_form(make, signed_in, operator, shop):
    viewer = signed_in(make.member(operator.tenant, "Partner Viewer"), operator.tenant)

    assert f"{shop.url}/add" in Page(operator.get(f"/customers/{shop.customer.id}").text).links
    assert f"{shop.url}/add" not in Page(viewer.get(f"/customers/{shop.customer.id}").text).links
    assert viewer.get(f"{shop.url}/add").status_code == 403


def test_anybody_elses_customer_is_not_found(make, operator):
    theirs = make.customer()
    assert operator.get(f"/customers/{theirs.id}/contracts/add").status_code == 404
