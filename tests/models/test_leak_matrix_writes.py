"""A tenant tries to write another's rows in every way SQLAlchemy has: the hooks taken away, and with them."""

from __future__ import annotations

import pytest
from sqlalchemy import bindparam, delete, insert, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from models.contracts.contract import Contract
from models.customers.customer import Customer
from models.errors import ScopeError

CUSTOMER = Customer.__table__

UPDATED = {"memo1": "x"}
UNSYNCHRONIZED = {"synchronize_session": False}
BLIND_WRITES = {
    "ORM update": lambda s, _: s.execute(update(Customer).values(UPDATED)),
    "ORM update without sync": lambda s, _: s.execute(
        update(Customer).values(UPDATED), execution_options=UNSYNCHRONIZED
    ),
    "ORM update by key": lambda s, key: s.execute(update(Customer).where(Customer.id == key).values(UPDATED)),
    "query.update": lambda s, _: s.query(Customer).update(UPDATED, synchronize_session=False),
    "core update": lambda s, _: s.execute(update(CUSTOMER).values(UPDATED)),
    "core update by key list": lambda s, key: s.connection().execute(
        update(CUSTOMER).where(CUSTOMER.c.id == bindparam("key")).values(UPDATED), [{"key": key}]
    ),
    "text update": lambda s, _: s.execute(text("UPDATE customer SET memo1 = 'x'")),
    "ORM delete": lambda s, _: s.execute(delete(Contract)),
    "query.delete": lambda s, _: s.query(Contract).delete(synchronize_session=False),
    "core delete": lambda s, key: s.execute(delete(Contract.__table__).where(Contract.__table__.c.customer_id == key)),
    "text delete": lambda s, _: s.execute(text("DELETE FROM contract")),
}


@pytest.mark.parametrize("way", BLIND_WRITES)
def test_writing_to_all_leaves_theirs_as_it_was(session, theirs, make, way):
    BLIND_WRITES[way](session, theirs.customer.id)
    session.commit()

    make.session.expire_all()
    assert theirs.customer.memo1 == ""
    assert len(theirs.customer.contracts) == 1


def values(**other) -> dict:
    return {
        "name": "x",
        "search_name": "x",
        "contact_last_name": "x",
        "contact_first_name": "x",
        "contact_email": "x@example.com",
        "contact_phone": "0",
        "postcode": "1000001",
        "prefecture": "東京都",
        "address": "x",
    } | other


def contract_for(tenant_id: str, customer_id: str) -> Contract:
    return Contract(
        tenant_id=tenant_id,
        customer_id=customer_id,
        product_id=1,
        start_on="2026-01-01",
        term_end_on="2026-12-31",
        end_on="2026-12-31",
    )


def change(row, **values) -> None:
    for name, value in values.items():
        setattr(row, name, value)


NOT_ALLOWED, NO_SUCH_ROW, TAKEN_KEY = "42501", "23503", "23505"
# What refuses: with row-level security alone, and with the hooks too.
REFUSED = {
    "ORM insert": (
        lambda s, _, theirs: s.execute(insert(Customer).values(**values(tenant_id=theirs.tenant_id))),
        (NOT_ALLOWED, NOT_ALLOWED),
    ),
    "ORM insert of many": (
        lambda s, _, theirs: s.execute(insert(Customer), [values(tenant_id=theirs.tenant_id)] * 2),
        (NOT_ALLOWED, NOT_ALLOWED),
    ),
    "core insert": (
        lambda s, _, theirs: s.execute(insert(CUSTOMER).values(**values(tenant_id=theirs.tenant_id))),
        (NOT_ALLOWED, NOT_ALLOWED),
    ),
    "bulk_insert_mappings": (
        lambda s, _, theirs: s.bulk_insert_mappings(Customer, [values(tenant_id=theirs.tenant_id)]),
        (NOT_ALLOWED, NOT_ALLOWED),
    ),
    "bulk_save_objects": (
        lambda s, _, theirs: s.bulk_save_objects([Customer(**values(tenant_id=theirs.tenant_id))]),
        (NOT_ALLOWED, NOT_ALLOWED),
    ),
    "add": (
        lambda s, _, theirs: s.add(Customer(**values(tenant_id=theirs.tenant_id))),
        (NOT_ALLOWED, "ScopeError"),
    ),
    "merge with a forged key": (
        lambda s, ours, theirs: s.merge(
            Customer(id=theirs.customer.id, tenant_id=ours.tenant_id, **values(memo1="x", version=1))
        ),
        (TAKEN_KEY, TAKEN_KEY),
    ),
    "bulk_update_mappings": (
        lambda s, _, theirs: s.bulk_update_mappings(Customer, [{"id": theirs.customer.id, "version": 1, **UPDATED}]),
        ("StaleDataError", "StaleDataError"),
    ),
    "ORM update by key list": (
        lambda s, _, theirs: s.execute(update(Customer), [{"id": theirs.customer.id, "version": 1, **UPDATED}]),
        ("StaleDataError", "StaleDataError"),
    ),
    "giving a row away": (
        lambda s, ours, theirs: change(s.get(Customer, ours.customer.id), tenant_id=theirs.tenant_id),
        (NOT_ALLOWED, "ScopeError"),
    ),
    "giving a row away by text": (
        lambda s, _, theirs: s.execute(text("UPDATE customer SET tenant_id = :to"), {"to": theirs.tenant_id}),
        (NOT_ALLOWED, NOT_ALLOWED),
    ),
    "adding to a row of theirs": (
        lambda s, ours, theirs: s.add(contract_for(ours.tenant_id, theirs.customer.id)),
        (NO_SUCH_ROW, NO_SUCH_ROW),
    ),
    "adding to a row of theirs by text": (
        lambda s, _, theirs: s.execute(
            text("UPDATE utm SET customer_id = :customer"), {"customer": theirs.customer.id}
        ),
        (NO_SUCH_ROW, NO_SUCH_ROW),
    ),
}


def refusal(attempt) -> str:
    """How the database or the session refuses."""
    with pytest.raises((DBAPIError, ScopeError, StaleDataError)) as refused:
        attempt()
    return refused.value.orig.sqlstate if isinstance(refused.value, DBAPIError) else refused.typename


@pytest.mark.parametrize("way", REFUSED)
def test_writing_a_row_of_theirs_is_refused(session, walls, ours, theirs, make, way):
    attempt, (alone, with_hooks) = REFUSED[way]

    refused = refusal(lambda: (attempt(session, ours, theirs), session.flush()))

    assert refused == (with_hooks if walls == "with the hooks" else alone)


@pytest.mark.parametrize("way", ["change", "delete"])
def test_writing_a_row_of_theirs_handed_over_is_refused(session, walls, handed_over, way):
    if way == "change":
        handed_over.memo1 = "x"
    else:
        session.delete(handed_over)

    assert refusal(session.flush) == ("ScopeError" if walls == "with the hooks" else "StaleDataError")


def test_adding_a_row_outside_any_tenant_is_refused(walls, theirs, engine):
    with Session(engine) as session:
        session.add(Customer(**values(tenant_id=theirs.tenant_id)))

        assert refusal(session.flush) == ("ScopeError" if walls == "with the hooks" else NOT_ALLOWED)
