"""§5.1: the dashboard tells of notification addresses that are missing, unconfirmed or do not take mail."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from models import clock
from models.mail import outbox
from models.mail.outbox import MailMessage
from models.notifications.address import AddressLink

TOLD = "通知先メールアドレスをご確認ください。"
DIALOG = "data-auto-open"


@pytest.fixture
def ask(operator):
    def change(*addresses: str) -> None:
        padded = [*addresses, "", ""][:3]
        data = {f"address{number}": value for number, value in enumerate(padded, start=1)}
        again = {f"again{number}": value for number, value in enumerate(padded, start=1)}
        assert operator.post("/notification-addresses/", data=data | again | {"version": "0"}).status_code == 302

    return change


def test_a_missing_first_address_is_told(operator):
    page = operator.get("/").text

    assert TOLD in page
    assert DIALOG in page
    assert "通知先メールアドレスが設定されていません。" in page
    assert "通知はどこにも届きません。" in page
    assert 'href="/notification-addresses/">設定を開く</a>' in page


def test_all_confirmed_is_told_nothing(operator, make):
    make.confirmed_address(operator.tenant)

    page = operator.get("/").text

    assert TOLD not in page
    assert 'id="address-notice"' not in page


def test_the_dialog_opens_once_in_a_session_and_the_notice_stays(operator, app, signed_in):
    first, second = operator.get("/").text, operator.get("/").text
    another = signed_in(operator.user, operator.tenant).get("/").text

    assert [DIALOG in page for page in (first, second, another)] == [True, False, True]
    assert [TOLD in page for page in (first, second, another)] == [True, True, True]


def test_an_unconfirmed_address_is_told_with_its_time(operator, make, ask):
    make.confirmed_address(operator.tenant)
    ask("tsuchi@example.jp", "two@example.jp")
    until = clock.screen_time(make.session.query(AddressLink).one().expires_at)

    page = operator.get("/").text

    assert f"two@example.jp の確認が完了していません。確認メールのURLの有効期限は {until} です。" in page
    assert "どこにも届きません" not in page


def test_an_address_that_was_not_confirmed_in_time_is_told(operator, make, ask):
    make.confirmed_address(operator.tenant)
    ask("new@example.jp")
    make.session.query(AddressLink).update({"expires_at": clock.utc_now() - timedelta(seconds=1)})
    make.session.commit()

    assert "new@example.jp は24時間以内に確認されませんでした。" in operator.get("/").text


def test_an_address_that_takes_no_mail_is_told_until_one_arrives(operator, make):
    make.confirmed_address(operator.tenant, "full@example.jp", slot=1)

    def send(state: str) -> None:
        values = {"TenantName": "-", "Url": "-"}
        now = clock.utc_now()
        outbox.write(
            make.session, "address_confirmation", "full@example.jp", values, now=now, tenant_id=operator.tenant.id
        )
        make.session.execute(update(MailMessage).where(MailMessage.state == "pending").values(state=state))
        make.session.commit()

    for state, told in (("sent", False), ("failed", True), ("sent", False)):
        send(state)
        assert ("full@example.jp への最新のメールを配信できませんでした。" in operator.get("/").text) == told


def test_a_viewer_is_told_whom_to_ask(make, signed_in):
    tenant = make.tenant()
    page = signed_in(make.member(tenant, "Partner Viewer"), tenant).get("/").text

    assert DIALOG in page
    assert "テナントのオペレーターに設定を依頼してください。" in page
    assert "設定を開く" not in page


def test_another_tenants_addresses_are_not_told(operator, make):
    make.confirmed_address(make.tenant(), "theirs@example.jp")

    assert "theirs@example.jp" not in operator.get("/").text
    assert TOLD in operator.get("/").text
