"""§7.9, §7.10: what of a UTM can be changed, and by whom first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from models.actor import SYSTEM
from models.audit import AuditEntry
from models.errors import NOTHING_CHANGED, Conflict, DomainError, Gone
from models.utms import device_token, rules, utm
from models.utms.device_token import DeviceToken
from models.utms.utm import Utm

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
MAC = "A1:B2:C3:D4:E5:F6"


@pytest.fixture
def row(make):
    return make.utm(utm_id="a1b2c3d4e5f6", name="本社")


@pytest.fixture
def session(in_tenant, row):
    with in_tenant(row.tenant_id) as session:
        yield session


def change(session, row, version=1, **values) -> Utm:
    found = session.get(Utm, row.id)
    rules.change(session, found, values, version=version, by=SYSTEM)
    session.flush()
    return found


def test_a_change_counts_the_version_and_is_noted(session, row):
    changed = change(session, row, name="支店", customer_email1="a@example.com")

    assert (changed.name, changed.version) == ("支店", 2)
    (entry,) = session.scalars(select(AuditEntry).where(AuditEntry.action == "utm.changed")).all()
    assert entry.before == {"name": "本社", "customer_email1": ""}
    assert entry.after == {"name": "支店", "customer_email1": "a@example.com"}


def test_who_saw_an_older_version_is_refused(session, row):
    change(session, row, name="支店")

    with pytest.raises(Conflict):
        change(session, row, name="別", version=1)


def test_a_heartbeat_is_no_change_that_anybody_has_to_see(session, row):
    found = session.get(Utm, row.id)
    utm.record_heartbeat(found, now=NOW, firmware="2", ip_address=None, mac=None)
    session.flush()

    assert change(session, row, name="支店", version=1).version == 2


def test_saving_what_is_stored_is_refused(session, row):
    with pytest.raises(DomainError, match=NOTHING_CHANGED):
        change(session, row, name="本社", mac_address=None)


@pytest.mark.parametrize("entered", [MAC, MAC.lower()])
def test_the_mac_address_is_entered_once(session, row, entered):
    assert change(session, row, mac_address=entered).mac_address == entered

    for later in ("A1:B2:C3:D4:E5:F7", None):
        with pytest.raises(DomainError) as refused:
            change(session, row, version=2, mac_address=later, name="支店")
        assert (refused.value.message, refused.value.field) == (rules.MAC_IS_SET, "mac_address")
    assert change(session, row, version=2, mac_address=entered, name="支店").name == "支店"


@pytest.mark.parametrize("entered", ["A1:B2:C3:D4:E5:F7", "", "nonsense"])
def test_a_mac_address_that_is_not_the_utm_id_is_refused(session, row, entered):
    with pytest.raises(DomainError) as refused:
        change(session, row, mac_address=entered)

    assert (refused.value.message, refused.value.field) == (rules.OTHER_MAC, "mac_address")


@pytest.mark.parametrize("values", [{"utm_id": "ffffffffffff"}, {"serial": "OTHER-0000000001"}])
def test_what_is_printed_on_a_utm_stays(session, row, values):
    with pytest.raises(DomainError, match=rules.FIXED):
        change(session, row, name="支店", **values)


def test_a_removed_utm_is_neither_changed_nor_removed_again_nor_given_a_token(session, row):
    found = session.get(Utm, row.id)
    rules.delete(session, found, now=NOW, by=SYSTEM)
    session.flush()

    with pytest.raises(Gone):
        change(session, row, name="支店")
    with pytest.raises(Gone):
        rules.delete(session, found, now=NOW + timedelta(days=1), by=SYSTEM)
    with pytest.raises(Gone):
        device_token.issue(session, found, now=NOW, by=SYSTEM)


def test_removing_ends_the_token_and_is_noted(session, row):
    found = session.get(Utm, row.id)
    device_token.issue(session, found, now=NOW - timedelta(days=1), by=SYSTEM)

    rules.delete(session, found, now=NOW, by=SYSTEM)
    session.flush()

    assert found.removed_at == NOW
    assert session.scalars(select(DeviceToken.revoked_at)).all() == [NOW]
    assert session.scalars(select(AuditEntry.action).order_by(AuditEntry.id.desc())).first() == "utm.removed"
