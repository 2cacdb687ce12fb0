"""The exchange of a UTM: what the new one takes over, and what becomes of the old one."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from models import clock
from models.actor import SYSTEM
from models.audit import AuditEntry
from models.contracts.contract import Contract
from models.errors import DomainError, Gone
from models.utms import device_token, exchange, utm
from models.utms.utm import Utm
from tests.support import concurrency

NEW = {"utm_id": "a0b1c2ffff01", "serial": "SERIAL-NEW-0000001", "mac_address": None, "delivery_status": "発送準備中"}
EMAILS = {
    f"{group}_email{number}": f"{group}{number}@example.com"
    for group in ("customer", "desk", "report")
    for number in (1, 2, 3)
}


@pytest.fixture
def old(make):
    customer, row = make.customer_with_utm(
        make.tenant(), name="本社", postcode="530-0001", address="大阪府大阪市", **EMAILS
    )
    make.contract(customer_row=customer, utm_id=row.utm_id)
    return row


def exchanged(session, old, **values) -> Utm:
    return exchange.exchange(session, session.get(Utm, old.id), NEW | values, now=clock.utc_now(), by=SYSTEM)


def test_the_new_one_takes_the_place_of_the_old_one(in_tenant, old):
    with in_tenant(old.tenant_id) as session:
        device_token.issue(session, session.get(Utm, old.id), now=clock.utc_now(), by=SYSTEM)
        new = exchanged(session, old)
        session.flush()
        before = session.get(Utm, old.id)

        assert [getattr(new, name) for name in ("name", "postcode", "address", *EMAILS)] == [
            "本社",
            "530-0001",
            "大阪府大阪市",
            *EMAILS.values(),
        ]
        assert (new.utm_id, new.delivery_status, new.customer_id) == (NEW["utm_id"], "発送準備中", old.customer_id)
        assert (new.replaces, before.replaced_by) == (before, new)
        assert before.removed_at is not None
        assert [token.revoked_at is not None for token in before.tokens] == [True]
        assert session.scalars(select(Contract.utm_id).where(Contract.utm_id.is_not(None))).all() == [NEW["utm_id"]]
        entries = session.execute(select(AuditEntry.action, AuditEntry.subject_id).order_by(AuditEntry.id)).all()
        assert [(action, key) for action, key in entries if action != "utm.token_issued"] == [
            ("utm.registered", str(new.id)),
            ("contract.changed", entries[2].subject_id),
            ("utm.exchanged", str(old.id)),
            ("utm.removed", str(old.id)),
        ]


def test_the_ones_before_it_are_found_in_their_order(in_tenant, old, make):
    make.utm(customer_row=make.customer(tenant=make.tenant()))
    with in_tenant(old.tenant_id) as session:
        second = exchanged(session, old)
        third = exchanged(session, second, utm_id="a0b1c2ffff02", serial="SERIAL-NEW-0000002")
        session.flush()

        assert [row.id for row in exchange.chain(session, third)] == [second.id, old.id]
        assert exchange.chain(session, session.get(Utm, old.id)) == []


def test_one_without_a_contract_is_not_exchanged(in_tenant, make):
    row = make.utm()
    with in_tenant(row.tenant_id) as session, pytest.raises(DomainError, match="contract"):
        exchanged(session, row)


def test_a_removed_one_is_not_exchanged(in_tenant, old):
    with in_tenant(old.tenant_id) as session:
        exchanged(session, old)
        with pytest.raises(Gone):
            exchanged(session, old, utm_id="a0b1c2ffff02", serial="SERIAL-NEW-0000002")


def test_two_at_once_exchange_it_once(engine, old):
    def act(session, number):
        try:
            exchanged(session, old, utm_id=f"a0b1c2ffff{number:02x}", serial=f"SERIAL-NEW-{number:07d}")
        except Gone as error:
            raise DomainError("gone") from error

    assert concurrency.outcomes(engine, old.tenant_id, act) == {"done": 1, "gone": concurrency.MANY - 1}


def test_removing_one_unlinks_its_contract_and_no_other(in_tenant, make, old):
    other, _ = make.customer_with_utm(make.tenant())
    contract = make.contract(customer_row=other, utm_id=old.utm_id)
    with in_tenant(old.tenant_id) as session:
        utm.remove(session, session.get(Utm, old.id), now=datetime(2026, 11, 1, tzinfo=UTC), by=SYSTEM)
        session.flush()
        assert session.scalars(select(Contract.utm_id).where(Contract.utm_id.is_not(None))).all() == []
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "contract.changed")).one()
        assert (entry.before, entry.after) == ({"utm_id": old.utm_id}, {"utm_id": None})
    make.session.refresh(contract)
    assert contract.utm_id == old.utm_id
