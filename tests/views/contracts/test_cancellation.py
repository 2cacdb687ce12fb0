"""契約解約 (§7.6.1)."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from models import clock
from models.contracts.billing import month_end
from models.mail.outbox import MailMessage
from tests.support.days import TODAY
from tests.support.pages import Page, answered

pytestmark = pytest.mark.usefixtures("on_today")

START = date(TODAY.year, TODAY.month, 1)
TERM_END = month_end(date(TODAY.year + 1, TODAY.month, 1) - timedelta(days=1))


@pytest.fixture
def contract(make, shop):
    """A contract from the first of this month for a year."""
    made = make.contract(
        customer_row=shop.customer, product=shop.product, start_on=START, end_on=TERM_END, ships_utm=False
    )
    make.contract_line(contract=made, rate_plan=shop.plan, quantity=2)
    return made


@pytest.fixture
def form(operator, shop):
    """The form that cancels a contract."""
    return lambda contract: Page(operator.get(f"{shop.url}/{contract.id}/cancel").text).main_form


@pytest.fixture
def send(operator, shop):
    return lambda contract, data: operator.post(f"{shop.url}/{contract.id}/cancel", data=data)


def facts_of(page):
    details = page.main.all("dl")[-1]
    return dict(zip([each.text for each in details.all("dt")], [each.text for each in details.all("dd")], strict=True))


def test_the_form_suggests_the_months_end_and_asks_for_the_fee(form, contract):
    sent = form(contract).sent()

    assert sent["last_day"] == month_end(TODAY).isoformat()
    assert "charge_fee" not in sent
    assert "回収キット" in form(contract).element.text


@pytest.mark.parametrize("page", ["edit", "cancel"])
def test_the_pages_of_a_contract_name_its_customer(operator, shop, contract, page):
    assert "株式会社テストABC" in Page(operator.get(f"{shop.url}/{contract.id}/{page}").text).main.text


def test_a_contract_is_cancelled_after_the_preview(make, operator, shop, form, send, contract):
    make.confirmed_address(operator.tenant)
    last_day = month_end(TODAY)
    sent = form(contract).sent(charge_fee="1")

    question = Page(send(contract, sent).text)
    assert "契約を解約します。 よろしいでしょうか。" in question.main.text
    name = f"契約解約 - {contract.id} - 株式会社テストABC - 顧客管理"
    assert name in question.main.text
    assert question.root.one("title").text == f"契約解約確認 - {name} | パートナー向けサービスポータル"
    after = clock.next_month(TODAY)
    assert facts_of(question) == {
        "サービス最終日": last_day.isoformat(),
        "解約金": "¥145,200(11ヵ月分)",
        "解約取消ができる期限": last_day.isoformat(),
        "顧客の削除が可能になる日": after.replace(day=5).isoformat(),
    }
    make.session.expire_all()
    assert contract.status == "active"
    answer = send(contract, answered(sent))

    assert answer.location == f"/customers/{shop.customer.id}"
    page = Page(operator.get(answer.location).text)
    assert "契約を解約しました。" in page.main.text
    assert page.column("ステータス") == [f"解約済 ({last_day})"]
    make.session.expire_all()
    assert (contract.status, contract.end_on, contract.cancellation_fee) == ("cancelled", last_day, 145200)
    assert make.session.scalars(select(MailMessage.kind)).all() == ["contract_cancelled"]


def test_without_a_fee_the_preview_says_none(form, send, contract):
    assert facts_of(Page(send(contract, form(contract).sent(charge_fee="0")).text))["解約金"] == "なし"


@pytest.mark.parametrize(
    ("values", "field", "error"),
    [
        ({"charge_fee": None}, "charge_fee", "必須項目です。"),
        ({"charge_fee": "2"}, "charge_fee", ""),
        ({"charge_fee": "0", "last_day": ""}, "last_day", "必須項目です。"),
        ({"charge_fee": "0", "last_day": "nonsense"}, "last_day", ""),
        ({"charge_fee": "0", "last_day": "9999-12-31"}, "last_day", "2100"),
        ({"charge_fee": "0", "last_day": str(TODAY - timedelta(days=1))}, "last_day", "当日以降の日付"),
    ],
)
def test_what_is_wrong_is_told_beside_its_field(make, form, send, contract, values, field, error):
    answer = send(contract, form(contract).sent(values))

    assert answer.status_code == 422
    told = Page(answer.text).error_of(field)
    assert told
    assert error in told


def test_a_contract_with_another_cycle_has_no_fee_and_says_why(make, form, send, shop, contract):
    make.contract_line(contract=contract, rate_plan=make.rate_plan(product=shop.product, cycle="yearly"))
    shown = form(contract)
    assert "charge_fee" not in shown.names
    assert "課金周期が月単位の契約のみです。" in shown.element.text

    assert send(contract, answered(shown.sent(charge_fee="1"))).status_code == 302
    make.session.expire_all()
    assert (contract.status, contract.cancellation_fee) == ("cancelled", None)


def test_a_day_after_the_end_of_a_contract_that_is_not_renewed_is_refused_before_the_question(
    make, form, send, contract
):
    contract.auto_renew = False
    make.save(contract)

    answer = send(contract, form(contract).sent(charge_fee="0", last_day=str(TERM_END + timedelta(days=1))))

    assert answer.status_code == 422
    assert f"{TERM_END}に終了します。" in Page(answer.text).error_of("last_day")


def test_the_second_of_two_people_is_told(make, operator, shop, form, send, contract):
    sent = answered(form(contract).sent(charge_fee="0"))
    contract.memo1 = "別の担当者"
    make.save(contract)

    answer = send(contract, sent)
    assert answer.status_code == 409
    assert "他の担当者がこの契約を変更しました。" in answer.text
    assert send(contract, answered(Page(answer.text).main_form.sent())).status_code == 302

    late = operator.post(f"{shop.url}/{contract.id}/cancel", data=sent, follow_redirects=True)
    assert "解約ができるのは、有効な契約のみです。" in late.text
    assert Page(late.text).title.startswith("契約詳細")
