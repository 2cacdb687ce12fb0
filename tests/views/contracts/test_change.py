"""契約情報変更 (§7.7)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.support.days import TODAY
from tests.support.pages import Page, answered
from tests.views.contracts.test_application import SHIPPING

pytestmark = pytest.mark.usefixtures("on_today")


@pytest.fixture
def contract(make, shop):
    """A contract whose UTM is sent, with one line."""
    made = make.contract(
        customer_row=shop.customer,
        product=shop.product,
        ships_utm=True,
        memo1="めも",
        **SHIPPING | {"ship_phone": "0123456789"},
    )
    make.contract_line(contract=made, rate_plan=shop.plan, quantity=2)
    return made


@pytest.fixture
def page(operator, shop):
    return lambda contract: Page(operator.get(f"{shop.url}/{contract.id}/edit").text)


@pytest.fixture
def send(operator, shop):
    return lambda contract, data: operator.post(f"{shop.url}/{contract.id}/edit", data=data)


def test_memos_and_the_shipping_address_are_changed(make, page, send, shop, contract):
    sent = page(contract).main_form.sent(memo1="新しいめも", ship_company="送付先株式会社")

    question = Page(send(contract, sent).text)
    assert "契約情報を変更します。 よろしいでしょうか。" in question.main.text
    answer = send(contract, answered(sent))

    assert answer.location == f"{shop.url}/{contract.id}"
    make.session.expire_all()
    assert (contract.memo1, contract.ship_company, contract.version) == ("新しいめも", "送付先株式会社", 2)


def test_what_cannot_be_changed_is_shown(page, contract):
    shown = page(contract)

    labels = [each.text for each in shown.main.all("dt")]
    assert labels == ["契約番号", "契約開始日", "初期契約期間", "契約更新期間", "商品", "UTM ID", "ステータス"]
    assert not {"start_on", "product_id", "initial_months"} & shown.main_form.names


def test_lines_are_added_and_removed_from_today_on(make, operator, page, send, shop, contract):
    (old,) = contract.lines
    other = make.rate_plan(product=shop.product, name="追加プラン", price=500)
    added = Page(send(contract, page(contract).main_form.sent(add_line="1")).text)
    values = {"lines-0-rate_plan_id": other.id, "lines-0-quantity": "3", "removed": old.id}

    answer = send(contract, answered(added.main_form.sent(values)))

    assert answer.status_code == 302
    make.session.expire_all()
    assert [(line.rate_plan.name, line.quantity, line.starts_on, line.ends_on) for line in contract.lines] == [
        ("月額料金プラン", 2, old.starts_on, TODAY - timedelta(days=1)),
        ("追加プラン", 3, TODAY, None),
    ]


def test_at_least_one_line_stays(make, page, send, contract):
    sent = page(contract).main_form.sent(removed=contract.lines[0].id)

    assert send(contract, answered(sent)).status_code == 422
    answer = send(contract, sent)
    assert answer.status_code == 422, "The question is asked before the rule was."
    shown = Page(answer.text)
    assert "料金プランを1つ以上追加してください。" in shown.main.text
    assert shown.main_form.sent()["removed"] == str(contract.lines[0].id)
    make.session.expire_all()
    assert contract.lines[0].ends_on is None


def test_a_form_in_which_nothing_was_changed_is_refused(page, send, contract):
    answer = send(contract, answered(page(contract).main_form.sent()))

    assert answer.status_code == 422
    assert "1つ以上の項目を変更してください。" in Page(answer.text).main.text


@pytest.mark.parametrize(("field", "value"), [("memo1", "あ" * 501), ("memo2", "あ" * 256), ("ship_company", "")])
def test_limits_are_those_of_the_application(page, send, contract, field, value):
    answer = send(contract, page(contract).main_form.sent({field: value}))

    assert answer.status_code == 422
    assert Page(answer.text).error_of(field)


def test_the_shipping_address_is_locked_once_the_utm_is_on_its_way(make, page, send, contract):
    contract.tracking_number = "SLIP-1"
    make.save(contract)

    shown = page(contract)
    assert "UTMを発送済みのため、送付先は変更できません。" in shown.main.text
    assert not set(SHIPPING) & shown.main_form.names
    send(contract, answered(shown.main_form.sent(memo1="変更", ship_company="別の会社")))

    make.session.expire_all()
    assert (contract.memo1, contract.ship_company) == ("変更", SHIPPING["ship_company"])


def test_of_two_people_the_second_sees_what_the_first_saved(make, page, send, shop, contract):
    sent = page(contract).main_form.sent(memo1="私のめも")
    contract.memo1 = "別のめも"
    make.contract_line(contract=contract, rate_plan=shop.plan, quantity=7, starts_on=TODAY)
    make.save(contract)

    answer = send(contract, answered(sent))

    shown = Page(answer.text)
    assert answer.status_code == 409
    assert shown.differences == [
        ("メモ1", "別のめも", "私のめも"),
        ("契約情報", f"月額料金プラン 数量: 7 / {TODAY} から", "-"),
    ]
    assert send(contract, answered(shown.main_form.sent())).status_code == 302
    make.session.expire_all()
    assert contract.memo1 == "私のめも"


@pytest.mark.parametrize("ships_utm", [True, False])
def test_a_conflict_over_an_address_that_cannot_be_typed_any_more_shows_the_form(make, page, send, shop, ships_utm):
    contract = make.contract(customer_row=shop.customer, product=shop.product, ships_utm=ships_utm, **SHIPPING)
    make.contract_line(contract=contract, rate_plan=shop.plan)
    sent = answered(page(contract).main_form.sent(memo1="私のめも"))
    contract.memo2, contract.tracking_number = "別のめも", "SLIP-1"
    make.save(contract)

    answer = send(contract, sent)

    assert answer.status_code == 409
    assert not set(SHIPPING) & Page(answer.text).main_form.names


def test_a_contract_that_is_not_active_cannot_be_changed(make, operator, shop, page, send, contract):
    sent = answered(page(contract).main_form.sent(memo1="変更"))
    contract.status = "cancelled"
    make.save(contract)

    for answer in (operator.get(f"{shop.url}/{contract.id}/edit"), send(contract, sent)):
        assert answer.location == f"{shop.url}/{contract.id}"
    assert "変更ができるのは、有効な契約のみです。" in operator.get(f"{shop.url}/{contract.id}").text


def test_a_contract_without_shipping_has_no_address(make, page, shop):
    plain = make.contract(customer_row=shop.customer, product=make.product(includes_utm=False))

    assert not set(SHIPPING) & page(plain).main_form.names
