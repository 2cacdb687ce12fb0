"""The audit log: added to and read by its own tenant, changed by nobody."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from models import audit
from models.actor import SYSTEM, Actor
from models.audit import AuditEntry
from models.customers.customer import Customer

HANAKO = Actor("hanako@example.jp", user_id=7, address="203.0.113.9", request_id="r-1")


def record(session, tenant_id=None):
    audit.record(session, "test.done", ("Test", 1), by=SYSTEM, tenant_id=tenant_id)


def refused(attempt) -> str:
    """The sqlstate with which something is refused."""
    with pytest.raises(DBAPIError) as caught:
        attempt()
    return caught.value.orig.sqlstate


def test_an_entry_says_who_did_what_to_what_from_where(make, ours):
    audit.record(make.session, "utm.renamed", ours.utm, by=HANAKO, before={"name": "a"}, after={"name": "b"})

    row = make.session.scalars(select(AuditEntry)).one()
    assert (row.actor, row.user_id, row.address, row.request_id) == ("hanako@example.jp", 7, "203.0.113.9", "r-1")
    assert (row.action, row.subject_type, row.subject_id) == ("utm.renamed", "Utm", str(ours.utm.id))
    assert (row.tenant_id, row.before, row.after) == (ours.tenant_id, {"name": "a"}, {"name": "b"})


def test_what_is_about_to_change_is_read_from_the_session(make, ours):
    ours.customer.contact_title = "部長"
    ours.customer.memo1 = "new"
    ours.customer.version = 9

    audit.record(make.session, "customer.changed", ours.customer, by=SYSTEM)

    row = make.session.scalars(select(AuditEntry)).one()
    assert (row.before, row.after) == (
        {"contact_title": "", "memo1": ""},
        {"contact_title": "部長", "memo1": "***"},
    )


@pytest.mark.parametrize("whose", ["its own tenant", "no tenant"])
def test_a_tenant_adds_entries_of_its_own_and_of_nobody(in_tenant, make, ours, whose):
    tenant_id = ours.tenant_id if whose == "its own tenant" else None

    with in_tenant(ours.tenant_id) as session:
        record(session, tenant_id)
        session.commit()

    assert make.session.scalars(select(AuditEntry.tenant_id)).all() == [tenant_id]


def test_outside_any_tenant_entries_of_nobody_can_be_added(engine, make):
    with Session(engine) as session:
        record(session)
        session.commit()

    assert make.session.scalar(select(func.count()).select_from(AuditEntry)) == 1


def test_an_entry_of_another_tenant_cannot_be_made_up(in_tenant, engine, ours, theirs):
    with in_tenant(ours.tenant_id) as session, Session(engine) as nobody:
        assert refused(lambda: record(session, theirs.tenant_id)) == "42501"
        assert refused(lambda: record(nobody, theirs.tenant_id)) == "42501"


def test_a_tenant_reads_its_own_entries_alone(in_tenant, make, ours, theirs):
    for tenant_id in (ours.tenant_id, theirs.tenant_id, None):
        record(make.session, tenant_id)
    make.session.commit()

    with in_tenant(ours.tenant_id) as session:
        assert session.scalars(select(AuditEntry.tenant_id)).all() == [ours.tenant_id]
        assert session.scalars(text("SELECT tenant_id FROM audit_entry")).all() == [ours.tenant_id]


def test_outside_any_tenant_no_entry_is_read(engine, make, ours):
    for tenant_id in (ours.tenant_id, None):
        record(make.session, tenant_id)
    make.session.commit()

    with Session(engine) as session:
        assert session.scalars(select(AuditEntry)).all() == []


@pytest.mark.parametrize("who", ["a tenant", "all tenants"])
@pytest.mark.parametrize(
    "statement", ["UPDATE audit_entry SET actor = 'x'", "DELETE FROM audit_entry", "TRUNCATE audit_entry"]
)
def test_an_entry_is_never_changed(engine, ours, who, statement):
    with Session(engine, info={"tenant_scope": ours.tenant_id if who == "a tenant" else "*"}) as session:
        assert refused(lambda: session.execute(text(statement))) == "42501"


def test_what_the_database_computes_and_what_says_nothing_is_in_no_entry(make, ours):
    names = audit.recorded_columns(Customer)

    assert {"prefecture", "contact_email"} <= set(names)
    assert {"contact_key", "sort_name", "search_name", "created_at", "version"} & set(names) == set()
    assert "prefecture" not in audit.values_of(ours.utm)
