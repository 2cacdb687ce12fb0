"""Rows that are inserted with one statement."""

from __future__ import annotations

from sqlalchemy import inspect, select

from models.actor import SYSTEM
from models.audit import AuditEntry
from models.customers import rules
from models.customers.customer import Customer


def values(name: str) -> dict[str, str]:
    return {
        "name": name,
        "contact_last_name": "青空",
        "contact_first_name": '"花子"\\',
        "contact_email": "hanako@example.jp",
        "contact_phone": "0312345678",
        "postcode": "100-0001",
        "prefecture": "東京都",
        "address": "千代田区1-1",
    }


def test_rows_inserted_together_have_what_the_database_stored_in_their_order(make, in_tenant):
    tenant = make.tenant()
    names = [f"株式会社{number}" for number in (3, 1, 2)]
    with in_tenant(tenant.id) as session:
        made = rules.create_all(session, map(values, names), by=SYSTEM)
        assert all(inspect(row).persistent for row in made)
        found = [(row.name, row.id, row.tenant_id, row.status, row.version, row.contact_first_name) for row in made]
        made[0].memo1 = "neu"
        session.commit()

    stored = make.session.scalars(select(Customer).where(Customer.tenant_id == tenant.id).order_by(Customer.id)).all()
    assert [row.name for row in stored] == names
    assert [(row.name, row.id, row.tenant_id, row.status, 1, row.contact_first_name) for row in stored] == found
    assert [(row.memo1, row.version) for row in stored] == [("neu", 2), ("", 1), ("", 1)]
    entries = make.session.scalars(select(AuditEntry).where(AuditEntry.tenant_id == tenant.id).order_by(AuditEntry.id))
    assert [(each.subject_id, each.before, each.after["name"]) for each in entries] == [
        (row.id, None, row.name) for row in stored
    ]
