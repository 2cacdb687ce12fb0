"""届かない宛先, for NEC's staff, and what the dashboard says of a notification address that refuses mail."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from models import clock
from models.notifications.address import AddressLink
from tests.support.pages import Page

REFUSED = {
    "state": "sent",
    "sent_at": datetime(2026, 11, 20, 3, 0, tzinfo=UTC),
    "returned_at": datetime(2026, 11, 20, 3, 1, tzinfo=UTC),
    "return_status": "5.1.1",
    "return_reason": "550 unknown",
}
FIRST, LAST = (datetime(2026, 11, day, 3, 0, tzinfo=UTC) for day in (20, 25))


@pytest.fixture
def staff(make, signed_in):
    return signed_in(make.elevated("NEC Staff"))


def rows(client):
    return Page(client.get("/staff/mail/undeliverable/").text).rows


def test_an_address_is_listed_with_how_often_it_refused_and_since_when(staff, make):
    for at in (FIRST, LAST):
        make.mail(recipient="gone@example.com", created_at=at, **REFUSED)
    make.mail(recipient="full@example.com", **REFUSED | {"return_status": "4.2.2"})
    make.mail(recipient="late@example.com", state="failed", last_error="Connection refused")
    make.mail(recipient="refused@example.com", state="failed", last_error="550 no such user", created_at=FIRST)

    found = rows(staff)

    assert [(row["宛先"], row["拒否回数"], row["いつから"], row["理由（メールサーバの応答）"]) for row in found] == [
        ("refused@example.com", "1", "2026-11-20 12:00:00", "550 no such user"),
        ("gone@example.com", "2", "2026-11-20 12:00:00", "550 unknown"),
    ]


def test_an_address_that_has_taken_a_mail_since_is_not_listed_after_an_hour(staff, make):
    now = clock.utc_now()
    for address, sent_at in (("old@example.com", now - timedelta(hours=2)), ("new@example.com", now)):
        make.mail(recipient=address, **REFUSED)
        make.mail(recipient=address, state="sent", sent_at=sent_at)

    assert [row["宛先"] for row in rows(staff)] == ["new@example.com"]


def test_whose_address_it_is_is_said(staff, make):
    tenant = make.tenant(name="東販売")
    address = "Gone@example.com"
    make.mail(recipient=address, **REFUSED)
    make.confirmed_address(tenant=tenant, address="gone@example.com")
    customer = make.customer(tenant=tenant, name="青空工業", contact_email="gone@example.com")
    make.utm(customer_row=customer, name="本社", desk_email2="gone@example.com")
    make.portal_user(customer_row=customer, email="gone@example.com")
    make.user(email="gone@example.com", last_name="山田", first_name="太郎")
    make.utm(name="他社")

    (row,) = rows(staff)

    where = f"({tenant.id} 東販売)"
    assert row["使われ方"] == (
        f"顧客の担当者 青空工業 {where} 通知先メールアドレス {where} ポータルユーザ 青空 "
        f"{row['使われ方'].split('青空 ')[1].split(' ')[0]} {where} ユーザ 山田 太郎 UTMの宛先 本社 {where}"
    )


def test_the_log_shows_that_a_mail_was_returned_and_leads_to_the_addresses(staff, make):
    mail = make.mail(recipient="gone@example.com", **REFUSED)

    log = Page(staff.get("/staff/mail/").text)
    page = Page(staff.get(f"/staff/mail/{mail.id}").text)

    assert "/staff/mail/undeliverable/" in log.links
    assert "2026-11-20 12:01:00 (5.1.1)" in log.main.text
    assert "550 unknown" in page.main.text


def test_the_dashboard_tells_the_tenant_of_a_notification_address_that_refuses_mail(operator, make):
    told = "gone@example.com への最新のメールを配信できませんでした。"
    make.confirmed_address(tenant=operator.tenant, address="gone@example.com")
    make.mail(tenant_id=operator.tenant.id, recipient="gone@example.com", **REFUSED)
    make.mail(tenant_id=operator.tenant.id, recipient="gone@example.com", state="sent", sent_at=clock.utc_now())

    assert told in Page(operator.get("/").text).main.text

    an_hour_ago = clock.utc_now() - timedelta(hours=1)
    make.mail(tenant_id=operator.tenant.id, recipient="gone@example.com", state="sent", sent_at=an_hour_ago)

    assert told not in Page(operator.get("/").text).main.text


def test_an_address_that_waits_for_its_confirmation_is_told_alike(operator, make):
    tenant_id, now = operator.tenant.id, clock.utc_now()
    make.confirmed_address(tenant=operator.tenant, address="works@example.com")
    link = {"token_hash": "0" * 64, "requested_at": now, "expires_at": now + timedelta(hours=24)}
    make.save(AddressLink(tenant_id=tenant_id, slot=1, address="new@example.com", **link))
    make.mail(tenant_id=tenant_id, recipient="new@example.com", **REFUSED)
    make.mail(tenant_id=tenant_id, recipient="works@example.com", state="sent", sent_at=now - timedelta(hours=2))

    text = Page(operator.get("/").text).main.text

    assert "new@example.com への最新のメールを配信できませんでした。" in text
    assert "works@example.com への" not in text


def test_partners_have_no_access(make, signed_in):
    tenant = make.tenant()
    client = signed_in(make.member(tenant, "Partner Operator"), tenant)

    assert client.get("/staff/mail/undeliverable/").status_code == 403
