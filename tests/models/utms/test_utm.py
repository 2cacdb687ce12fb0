"""§7.8 to §7.11: who may register a UTM, what is unique of it, how it is seen, how it goes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from models.actor import SYSTEM
from models.alerts import counts
from models.alerts import search as alert_search
from models.alerts.search import AlertQuery
from models.audit import AuditEntry
from models.contracts.contract import ContractStatus
from models.errors import DomainError
from models.utms import device_token, utm
from models.utms.device_token import DeviceToken
from models.utms.utm import UNIQUE_ERRORS, Utm, UtmState
from tests.support.alerts import lines

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
TODAY = date(2026, 11, 22)
YESTERDAY, TOMORROW = TODAY - timedelta(days=1), TODAY + timedelta(days=1)
LAST_YEAR, NEXT_YEAR = date(2025, 11, 1), date(2027, 10, 31)
VALUES = {
    "utm_id": "a1b2c3d4e5f6",
    "name": "本社ゲートウェイ",
    "serial": "SERIAL-00000001",
    "postcode": "100-0001",
    "address": "東京都千代田区一丁目1番1号",
    "delivery_status": "受領済",
}


@pytest.fixture
def customer(make):
    return make.customer()


@pytest.fixture
def register(in_tenant) -> Callable[..., None]:
    """Register a UTM as the app does: in a session of the customer's tenant."""

    def do(customer, **values) -> None:
        with in_tenant(customer.tenant_id) as session:
            utm.register(session, customer, VALUES | values, today=TODAY, by=SYSTEM)
            session.commit()

    return do


@pytest.mark.parametrize(
    "contract",
    [
        {"start_on": LAST_YEAR, "end_on": NEXT_YEAR},
        {"start_on": TODAY, "end_on": NEXT_YEAR},
        {"start_on": LAST_YEAR, "end_on": TODAY},
        {"start_on": LAST_YEAR, "end_on": YESTERDAY},
        {"start_on": TOMORROW, "end_on": NEXT_YEAR},
        {"start_on": LAST_YEAR, "end_on": TOMORROW, "status": ContractStatus.CANCELLED},
        {"start_on": LAST_YEAR, "end_on": TODAY, "status": ContractStatus.CANCELLED},
    ],
    ids=[
        "in force",
        "first day",
        "last day",
        "not yet renewed",
        "to come",
        "cancelled, still running",
        "cancelled, last day",
    ],
)
def test_a_utm_can_be_registered_with_a_contract_that_counts(make, customer, register, contract):
    make.contract(customer_row=customer, **contract)

    register(customer)

    assert make.session.scalars(select(Utm.utm_id)).all() == ["a1b2c3d4e5f6"]


@pytest.mark.parametrize(
    "contract",
    [
        {"start_on": LAST_YEAR, "end_on": YESTERDAY, "auto_renew": False},
        {"start_on": LAST_YEAR, "end_on": YESTERDAY, "status": ContractStatus.EXPIRED},
        {"start_on": LAST_YEAR, "end_on": YESTERDAY, "status": ContractStatus.CANCELLED},
        {"start_on": LAST_YEAR, "end_on": NEXT_YEAR, "status": ContractStatus.VOID},
        {"start_on": TOMORROW, "end_on": NEXT_YEAR, "status": ContractStatus.VOID},
    ],
    ids=["over", "expired", "cancelled and over", "void", "void, to come"],
)
def test_a_utm_is_refused_with_a_contract_that_does_not_count(make, customer, register, contract):
    make.contract(customer_row=customer, **contract)

    with pytest.raises(DomainError, match="requires a current or future contract that includes a UTM"):
        register(customer)


def test_a_utm_is_refused_without_a_contract(customer, register):
    with pytest.raises(DomainError):
        register(customer)


def test_a_utm_is_refused_where_the_product_includes_none(make, customer, register):
    make.contract(customer_row=customer, product=make.product(includes_utm=False))

    with pytest.raises(DomainError):
        register(customer)


def test_a_utm_is_refused_with_another_customers_contract(make, customer, register):
    make.contract(customer_row=make.customer(tenant_id=customer.tenant_id))

    with pytest.raises(DomainError):
        register(customer)


def test_one_contract_that_counts_is_enough(make, customer, register):
    make.contract(customer_row=customer, status=ContractStatus.VOID)
    make.contract(customer_row=customer, product=make.product(includes_utm=False))
    make.contract(customer_row=customer)

    register(customer)

    assert make.session.scalars(select(Utm.customer_id)).all() == [customer.id]


@pytest.mark.parametrize("whose", ["its own", "another tenant's"])
@pytest.mark.parametrize(
    ("second", "constraint"),
    [({"serial": "SERIAL-00000002"}, "uq_utm_utm_id_kept"), ({"utm_id": "ffffffffffff"}, "uq_utm_serial_kept")],
)
def test_utm_id_and_serial_number_are_unique_across_tenants(make, customer, register, whose, second, constraint):
    other = make.customer(tenant_id=customer.tenant_id) if whose == "its own" else make.customer()
    for each in (customer, other):
        make.contract(customer_row=each)
    register(customer)

    with pytest.raises(IntegrityError) as caught:
        register(other, **second)

    assert caught.value.orig.diag.constraint_name == constraint
    assert constraint in UNIQUE_ERRORS


def test_a_utm_id_comes_back_under_another_customer_without_the_old_alerts(make, arrive, in_tenant, ours, theirs):
    arrive(ours.utm, lines(3, at=NOW))
    gone = make.session.merge(ours.utm)
    utm.remove(make.session, gone, now=NOW, by=SYSTEM)
    make.session.commit()

    again = make.utm(customer_row=theirs.customer, utm_id=gone.utm_id, serial=gone.serial)

    query = AlertQuery(theirs.customer.id, NOW - timedelta(days=31), NOW + timedelta(days=1))
    with in_tenant(theirs.tenant_id) as session:
        assert alert_search.page(session, query).rows == []
        found = counts.counts_by_utm(session, first=LAST_YEAR, last=NEXT_YEAR, customer_id=theirs.customer.id)
    assert (again.utm_id, again.id in found) == (gone.utm_id, False)


@pytest.mark.parametrize(
    ("values", "constraint"),
    [
        ({"utm_id": "A1B2C3D4E5F6"}, "ck_utm_utm_id"),
        ({"utm_id": "a1b2c3d4e5f"}, "ck_utm_utm_id"),
        ({"utm_id": "a1b2c3d4e5fg"}, "ck_utm_utm_id"),
        ({"utm_id": "a1b2c3d4e5f\n"}, "ck_utm_utm_id"),
        ({"serial": "A" * 14}, "ck_utm_serial"),
        ({"serial": "a" * 15}, "ck_utm_serial"),
        ({"serial": "A" * 14 + "_"}, "ck_utm_serial"),
        ({"serial": "A" * 14 + " "}, "ck_utm_serial"),
        ({"serial": "Ａ" * 15}, "ck_utm_serial"),
        ({"mac_address": "a1:b2:c3:d4:e5:f7"}, "ck_utm_mac_address"),
        ({"mac_address": "a1-b2-c3-d4-e5-f6"}, "ck_utm_mac_address"),
        ({"mac_address": ""}, "ck_utm_mac_address"),
    ],
)
def test_the_database_refuses_a_form_that_is_none(make, customer, values, constraint):
    with pytest.raises(IntegrityError) as caught:
        make.utm(customer_row=customer, **{"utm_id": "a1b2c3d4e5f6"} | values)

    assert caught.value.orig.diag.constraint_name == constraint


@pytest.mark.parametrize(
    "values",
    [
        {"serial": "A" * 15},
        {"serial": "Z9-" * 10},
        {"mac_address": None},
        {"mac_address": "a1:b2:c3:d4:e5:f6"},
        {"mac_address": "A1:B2:C3:D4:E5:F6"},
    ],
)
def test_the_database_takes_every_right_form(make, customer, values):
    assert make.utm(customer_row=customer, **{"utm_id": "a1b2c3d4e5f6"} | values).id


@pytest.mark.parametrize(
    ("seen", "state"),
    [
        (None, UtmState.UNCONNECTED),
        (timedelta(0), UtmState.ONLINE),
        (timedelta(minutes=10), UtmState.ONLINE),
        (timedelta(minutes=10, microseconds=1), UtmState.OFFLINE),
        (timedelta(days=400), UtmState.OFFLINE),
        (timedelta(seconds=-5), UtmState.ONLINE),
    ],
)
def test_a_utm_is_online_for_ten_minutes_after_its_last_call(seen, state):
    row = Utm(last_seen_at=None if seen is None else NOW - seen)

    assert row.state(now=NOW, online_for=timedelta(minutes=10)) is state


def test_a_heartbeat_notes_what_the_utm_says_of_itself():
    row = Utm(mac_address="a1:b2:c3:d4:e5:f6")

    utm.record_heartbeat(row, now=NOW, firmware="2.1", ip_address="203.0.113.9", mac="00:00:00:00:00:01")

    assert (row.last_seen_at, row.firmware, row.ip_address) == (NOW, "2.1", "203.0.113.9")
    assert (row.mac_address, row.reported_mac) == ("a1:b2:c3:d4:e5:f6", "00:00:00:00:00:01")


def test_a_heartbeat_that_says_nothing_keeps_what_was_said():
    row = Utm(firmware="2.1", ip_address="203.0.113.9", reported_mac="a1:b2:c3:d4:e5:f6")

    utm.record_heartbeat(row, now=NOW, firmware=None, ip_address=None, mac=None)

    assert (row.last_seen_at, row.firmware, row.ip_address) == (NOW, "2.1", "203.0.113.9")
    assert row.reported_mac == "a1:b2:c3:d4:e5:f6"


@pytest.fixture
def removed(make, in_tenant, ours) -> Utm:
    """Our UTM, with a token, removed in a session of its tenant."""
    device_token.issue(make.session, ours.utm, now=NOW - timedelta(days=1), by=SYSTEM)
    make.session.commit()
    with in_tenant(ours.tenant_id) as session:
        row = session.get(Utm, ours.utm.id)
        utm.remove(session, row, now=NOW, by=SYSTEM)
        session.commit()
    make.session.expire_all()
    return ours.utm


def test_removing_ends_the_token(make, removed):
    assert removed.removed_at == NOW
    assert make.session.scalars(select(DeviceToken.revoked_at)).all() == [NOW]


def test_removing_again_changes_nothing(make, removed):
    utm.remove(make.session, removed, now=NOW + timedelta(days=1), by=SYSTEM)

    assert removed.removed_at == NOW
    assert entries(make, "utm.removed") == [({"removed_at": None}, {"removed_at": "2026-11-22T03:00:00+00:00"})]


def test_removing_is_told_to_the_audit_log(make, removed):
    assert entries(make, "utm.removed") == [({"removed_at": None}, {"removed_at": "2026-11-22T03:00:00+00:00"})]


def test_registering_is_told_to_the_audit_log(make, customer, register):
    make.contract(customer_row=customer)

    register(customer, mac_address=None)

    identity = {"tenant_id": customer.tenant_id, "customer_id": customer.id}
    assert entries(make, "utm.registered") == [(None, VALUES | identity)]


def entries(make, action) -> list[tuple]:
    """What the audit log says was before and after."""
    rows = make.session.execute(select(AuditEntry.before, AuditEntry.after).where(AuditEntry.action == action))
    return [tuple(row) for row in rows]


@pytest.mark.parametrize(
    ("address", "prefecture"),
    [
        ("東京都千代田区一丁目", "東京都"),
        ("京都府京都市", "京都府"),
        ("神奈川県横浜市", "神奈川県"),
        ("千代田区東京都", None),
        ("東京", None),
    ],
)
def test_the_prefecture_is_the_one_that_the_address_starts_with(make, customer, address, prefecture):
    assert make.utm(customer_row=customer, address=address).prefecture == prefecture
