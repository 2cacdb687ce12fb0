"""§7.8, §7.11: registering a UTM, codes as people write them; its details and its token."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, text

from models.utms.utm import Utm
from tests.support.pages import Page

GOOD = {
    "utm_id": "a1b2c3d4e5f6",
    "name": "本社ゲートウェイ",
    "serial": "SERIALNUMBER111",
    "postcode": "733-0001",
    "address": "広島県広島市西区大芝一丁目1番1号",
    "delivery_status": "受領済",
}
UTM_ID = "0～9とA～Fの12文字"
SERIAL = "半角の英大文字、数字、ハイフンで15文字以上30文字以下"
POSTCODE = "半角数字7文字、またはハイフンを含む8文字"
EMAILS = [f"{group}_email{number}" for group in ("customer", "desk", "report") for number in (1, 2, 3)]

TAKEN = [
    ("utm_id", "000000000000"),
    ("utm_id", "ａ１ｂ２ｃ３ｄ４ｅ５ｆ６"),
    *(("utm_id", typed) for typed in ("0:1b:2:c3:4:d5", "AA_BB_CC_DD_EE_FF")),
    *(("utm_id", typed) for typed in ("A1B2C3D4E5F6", "a1:b2:c3:d4:e5:f6", "A1-B2-C3-D4-E5-F6", "a1b2.c3d4.e5f6")),
    ("serial", "a" * 15),
    ("serial", "ａ９ー" * 5),
    ("serial", "A" * 15),
    ("serial", "A-9" * 10),
    ("serial", "A9ー\u2212" * 5),
    ("postcode", "７３３ー０００１"),
    ("postcode", "7330001"),
]
REFUSED = [
    ("utm_id", "a1b2c3d4e5f", UTM_ID),
    ("utm_id", "a1b2c3d4e5f60", UTM_ID),
    ("utm_id", "a1:b2:c3:d4:", UTM_ID),
    ("utm_id", "g1b2c3d4e5f6", UTM_ID),
    ("serial", "A" * 14, SERIAL),
    ("serial", "A" * 31, SERIAL),
    ("serial", "A" * 14 + "_", SERIAL),
    ("postcode", "733000", POSTCODE),
    ("postcode", "733-00012", POSTCODE),
    ("postcode", "73-30001", POSTCODE),
    *((name, "no address", "メールアドレスの形式が正しくありません。") for name in EMAILS),
]


@pytest.fixture
def customer(make, operator):
    customer = make.customer(tenant=operator.tenant)
    make.contract(customer_row=customer)
    return customer


def utms_of(make, customer):
    make.session.rollback()
    return make.session.scalars(select(Utm).where(Utm.customer_id == customer.id)).all()


def register(client, customer, **values):
    return client.post(f"/customers/{customer.id}/utms/add", data=GOOD | values)


def told_beside(page: str, field: str) -> str:
    found = re.search(rf'id="{field}-error">(.*?)</div>\s*</div>', page, re.DOTALL)
    return found[1] if found else ""


@pytest.mark.parametrize(("field", "value"), TAKEN)
def test_a_code_is_taken_as_people_write_it(operator, customer, field, value):
    answer = register(operator, customer, **{field: value})

    assert answer.status_code == 302, told_beside(answer.text, field)


@pytest.mark.parametrize(("field", "value", "message"), REFUSED)
def test_a_code_that_is_none_is_told_beside_its_field(operator, customer, make, field, value, message):
    answer = register(operator, customer, **{field: value})

    assert answer.status_code == 422
    assert message in told_beside(answer.text, field)
    assert make.session.scalar(text("SELECT count(*) FROM utm")) == 0


def test_registering_shows_the_token_once_and_leaves_a_row_in_the_log(operator, customer, make):
    answer = register(operator, customer, customer_email1="a@example.com")
    first = operator.get(answer.location).text
    second = operator.get(answer.location).text

    assert answer.location == f"/customers/{customer.id}/security"
    assert "UTM情報を登録しました。" in first
    token = re.search(r'value="(utm_[\w-]+)"', first)[1]
    assert token not in second
    assert token not in str(make.session.execute(text("SELECT * FROM device_token")).all())
    actor, address, after = make.session.execute(
        text("SELECT actor, address, after FROM audit_entry WHERE action = 'utm.registered'")
    ).one()
    assert (actor, address) == (operator.user.email, "127.0.0.1")
    assert (after["utm_id"], after["customer_email1"]) == ("a1b2c3d4e5f6", "a@example.com")


def test_what_is_taken_is_told_whoever_has_it(operator, customer, make):
    make.customer_with_utm(make.tenant(), utm_id="a1b2c3d4e5f6", serial="SERIALNUMBER999")

    by_id = register(operator, customer)
    by_serial = register(operator, customer, utm_id="b1b2c3d4e5f6", serial="SERIALNUMBER999")

    assert "このUTM IDは既に登録されています。" in told_beside(by_id.text, "utm_id")
    assert "この製造番号は既に登録されています。" in told_beside(by_serial.text, "serial")


def test_the_form_shows_the_company_id(operator, customer):
    page = Page(operator.get(f"/customers/{customer.id}/utms/add").text)

    assert [each.text for each in page.main.all("dd")] == [customer.id]


def test_a_utm_id_can_come_back_after_its_removal(operator, customer, make):
    make.customer_with_utm(
        make.tenant(), utm_id="a1b2c3d4e5f6", serial="SERIALNUMBER111", removed_at=datetime(2026, 11, 1, tzinfo=UTC)
    )

    assert register(operator, customer).status_code == 302


def test_what_is_taken_is_told_before_the_question(operator, customer, make):
    make.utm(tenant=make.tenant(), utm_id="a1b2c3d4e5f6")
    url = f"/customers/{customer.id}/utms/add"
    form = Page(operator.get(url).text).main_form

    taken = operator.post(url, data=form.sent(GOOD))
    free = operator.post(url, data=form.sent(GOOD | {"utm_id": "a1b2c3d4e5f7"}))

    assert taken.status_code == 422
    assert "このUTM IDは既に登録されています。" in told_beside(taken.text, "utm_id")
    assert free.status_code == 200
    assert "よろしいでしょうか。" in Page(free.text).main.text
    # What was tried is gone.
    assert operator.get(f"/customers/{customer.id}/security").text.count("dev_") == 0
    assert len(utms_of(make, customer)) == 0


def test_fields_the_form_does_not_have_are_not_taken(operator, customer, make):
    register(
        operator, customer, tenant_id="T9999999", mac_address="AA:AA:AA:AA:AA:AA", last_seen_at="2026-01-01", id="99"
    )

    row = make.session.execute(text("SELECT tenant_id, mac_address, last_seen_at FROM utm")).one()
    assert tuple(row) == (operator.tenant.id, None, None)


@pytest.mark.parametrize(
    ("contract", "allowed"),
    [
        ({}, True),
        ({"status": "cancelled"}, True),
        ({"status": "void"}, False),
        ({"ends": 0}, True),
        ({"ends": -1}, True),
        ({"ends": -1, "status": "expired"}, False),
        ({"starts": 5, "ends": 300}, True),
        ({"without_utm": True}, False),
    ],
    ids=[
        "in force",
        "cancelled but running",
        "void",
        "last day",
        "renewed tonight",
        "expired",
        "to come",
        "no UTM in it",
    ],
)
def test_registering_needs_a_contract_with_a_utm(operator, make, contract, allowed):
    from models import clock

    today = clock.tokyo_day(clock.utc_now())
    customer = make.customer(tenant=operator.tenant)
    make.contract(
        customer_row=customer,
        status=contract.get("status", "active"),
        start_on=today + timedelta(days=contract.get("starts", -30)),
        end_on=today + timedelta(days=contract.get("ends", 300)),
        product=make.product(includes_utm=not contract.get("without_utm")),
    )

    answer = register(operator, customer)

    assert (make.session.scalar(text("SELECT count(*) FROM utm")) == 1) is allowed
    told = "UTM登録には、UTMを含む有効な契約" in operator.get(answer.location).text
    assert told is not allowed


def test_details_show_every_field(operator, customer, make):
    utm = make.utm(
        customer_row=customer,
        utm_id="a1b2c3d4e5f6",
        mac_address="A1:B2:C3:D4:E5:F6",
        last_seen_at=datetime(2026, 11, 22, 3, 0, 5, tzinfo=UTC),
        firmware="1.4.4",
        ip_address="192.168.10.123",
        **{name: f"{name}@example.com" for name in EMAILS},
    )

    page = operator.get(f"/customers/{customer.id}/utms/{utm.id}").text

    for shown in (
        customer.id,
        "a1b2c3d4e5f6",
        utm.name,
        "オフライン",
        "入力済み",
        "2026-11-22 12:00:05",
        "1.4.4",
        "192.168.10.123",
        utm.serial,
        utm.postcode,
        utm.address,
        utm.delivery_status,
        *(f"{name}@example.com" for name in EMAILS),
    ):
        assert shown in page, shown


def test_a_utm_never_seen_shows_no_version_address_or_time(operator, customer, make):
    utm = make.utm(customer_row=customer)

    page = operator.get(f"/customers/{customer.id}/utms/{utm.id}").text

    assert "未接続" in page
    assert not [label for label in ("最終接続", "バージョン", "IPアドレス") if label in page]


def test_a_new_token_ends_the_old_one_at_once(app, operator, customer):
    first = re.search(r'value="(utm_[\w-]+)"', operator.get(register(operator, customer).location).text)[1]
    page = operator.post(f"/customers/{customer.id}/utms/1/token", follow_redirects=True).text
    second = re.search(r'value="(utm_[\w-]+)"', page)[1]

    calls = [
        app.test_client().post("/api/device/v1/heartbeat", json={}, headers={"Authorization": f"Bearer {token}"})
        for token in (first, second)
    ]

    assert [call.status_code for call in calls] == [401, 200]


def linked(page: str) -> dict[str, str]:
    """Where the links of a page lead, by their text."""
    return {each.text: each.attributes["href"] for each in Page(page).main.all("a")}


def test_details_lead_to_the_customer_and_to_the_alerts(operator, customer, make):
    utm = make.utm(customer_row=customer)

    links = linked(operator.get(f"/customers/{customer.id}/utms/{utm.id}").text)

    assert links[customer.id] == f"/customers/{customer.id}"
    assert links["アラートを確認"] == f"/customers/{customer.id}/alerts/?utm={utm.id}"


def test_the_number_of_alerts_opens_those_of_its_utm(operator, customer, make):
    utm = make.utm(customer_row=customer)

    links = linked(operator.get(f"/customers/{customer.id}/security").text)

    assert links["0"] == f"/customers/{customer.id}/alerts/?utm={utm.id}"


def test_the_list_of_all_utms_leads_to_each_and_to_its_customer(operator, customer, make):
    utm = make.utm(customer_row=customer, last_seen_at=datetime(2026, 11, 1, tzinfo=UTC))
    make.utm(customer_row=customer, removed_at=datetime(2026, 11, 1, tzinfo=UTC))
    make.utm()

    page = operator.get("/utms/").text

    assert Page(page).column("UTM ID") == [utm.utm_id]
    assert linked(page)[utm.utm_id] == f"/customers/{customer.id}/utms/{utm.id}"
    assert linked(page)[customer.name] == f"/customers/{customer.id}"
    assert (
        f"{utm.utm_id},{utm.name},{customer.id},{customer.name},オフライン,2026-11-01 09:00:00"
        in operator.get("/utms/?csv=1").text
    )
