"""Tenant 1 tries to reach tenant 2 in every way SQLAlchemy has, with row-level security alone and with the hook too."""

from __future__ import annotations

import pytest
from sqlalchemy import bindparam, create_engine, event, func, insert, select, text, union, update
from sqlalchemy.exc import DBAPIError, InvalidRequestError
from sqlalchemy.orm import Session, aliased, joinedload, selectinload
from sqlalchemy.orm.exc import StaleDataError

from models import scope
from models.contract import Contract
from models.customer import Customer
from models.errors import ScopeError
from models.utm import Utm

HOOKS = (("do_orm_execute", scope._only_own_rows), ("before_flush", scope._only_own_writes))


@pytest.fixture(params=["row-level security alone", "with the hook"])
def walls(request):
    """Both walls, or only the database's."""
    if request.param == "with the hook":
        yield
        return
    for name, hook in HOOKS:
        event.remove(Session, name, hook)
    yield
    for name, hook in HOOKS:
        event.listen(Session, name, hook)


@pytest.fixture
def halves(make):
    ours = make.customer_with_utm(make.tenant(name="ours"), name="ours")
    theirs = make.customer_with_utm(make.tenant(name="theirs"), name="theirs")
    return ours, theirs


@pytest.fixture
def session(walls, halves, in_tenant):
    (customer, _), _ = halves
    with in_tenant(customer.tenant_id) as session:
        yield session


@pytest.fixture
def theirs(halves):
    return halves[1][0]


READS = {
    "select": lambda s, _: [row.id for row in s.scalars(select(Customer))],
    "query": lambda s, _: [row.id for row in s.query(Customer).all()],
    "columns": lambda s, _: list(s.scalars(select(Customer.id))),
    "subquery": lambda s, _: list(s.scalars(select(select(Customer.id).subquery().c.id))),
    "cte": lambda s, _: list(s.scalars(select(select(Customer.id).cte().c.id))),
    "union": lambda s, _: list(s.scalars(union(select(Customer.id), select(Customer.id)))),
    "alias": lambda s, _: list(s.scalars(select(aliased(Customer).id))),
    "join": lambda s, _: list(s.scalars(select(Customer.id).join(Utm, Utm.customer_id == Customer.id))),
    "exists": lambda s, _: list(s.scalars(select(Customer.id).where(Customer.utms.any()))),
    "joinedload": lambda s, _: [row.customer.id for row in s.scalars(select(Utm).options(joinedload(Utm.customer)))],
    "selectinload": lambda s, _: [
        utm.customer_id for row in s.scalars(select(Customer).options(selectinload(Customer.utms))) for utm in row.utms
    ],
    "core select": lambda s, _: list(s.scalars(select(Customer.__table__.c.id))),
    "text": lambda s, _: list(s.scalars(text("SELECT id FROM customer"))),
    "from_statement": lambda s, _: [
        row.id for row in s.scalars(select(Customer).from_statement(text("SELECT * FROM customer")))
    ],
    "session.connection": lambda s, _: list(s.connection().execute(text("SELECT id FROM customer")).scalars()),
    "foreign filter": lambda s, theirs: [
        *s.scalars(select(Customer.id).where((Customer.tenant_id == theirs.tenant_id) | (Customer.id != "")))
    ],
}


@pytest.mark.parametrize("way", READS)
def test_reading_finds_only_ones_own(session, halves, theirs, way):
    assert set(READS[way](session, theirs)) == {halves[0][0].id}


def test_counting_counts_only_ones_own(session):
    assert session.scalar(select(func.count()).select_from(Customer)) == 1


@pytest.mark.parametrize(
    "way",
    [
        lambda s, key: s.get(Customer, key),
        lambda s, key: s.query(Customer).filter_by(id=key).one_or_none(),
        lambda s, key: s.scalar(select(Customer).where(Customer.id == key)),
    ],
    ids=["Session.get", "filter_by", "select"],
)
def test_a_key_of_theirs_finds_nothing(session, theirs, way):
    assert way(session, theirs.id) is None


def test_a_session_never_holds_two_tenants(session, theirs):
    session.scalars(select(Customer)).all()

    with pytest.raises(ScopeError, match="new session"):
        scope.enter_tenant(session, theirs.tenant_id)


def test_a_row_of_theirs_smuggled_in_cannot_be_refreshed(session, theirs, make):
    make.session.expunge(theirs)
    session.add(theirs)

    with pytest.raises(InvalidRequestError):
        session.refresh(theirs)


WRITES = {
    "bulk update": lambda s, _: s.execute(
        update(Customer).values(memo1="x").execution_options(synchronize_session=False)
    ),
    "query.update": lambda s, _: s.query(Customer).update({"memo1": "x"}, synchronize_session=False),
    "core update": lambda s, _: s.execute(update(Customer.__table__).values(memo1="x")),
    "text": lambda s, _: s.execute(text("UPDATE customer SET memo1 = 'x'")),
    "update by key list": lambda s, theirs: s.execute(
        update(Customer.__table__).where(Customer.__table__.c.id == bindparam("key")).values(memo1="x"),
        [{"key": theirs.id}],
    ),
    "text delete": lambda s, theirs: s.execute(text("DELETE FROM contract WHERE customer_id = :id"), {"id": theirs.id}),
}


@pytest.mark.parametrize("way", WRITES)
def test_writing_past_the_wall_changes_nothing_of_theirs(session, theirs, make, way):
    WRITES[way](session, theirs)
    session.commit()

    make.session.expire_all()
    assert make.session.get(Customer, theirs.id, populate_existing=True).memo1 == ""
    assert make.session.scalar(select(func.count()).select_from(Contract).where(Contract.customer_id == theirs.id)) == 1


def values(**other):
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


REFUSED = {
    "insert": lambda s, theirs: s.execute(insert(Customer).values(**values(tenant_id=theirs.tenant_id))),
    "core insert": lambda s, theirs: s.execute(insert(Customer.__table__).values(**values(tenant_id=theirs.tenant_id))),
    "add": lambda s, theirs: s.add(Customer(**values(tenant_id=theirs.tenant_id))),
    "merge": lambda s, theirs: s.merge(Customer(id=theirs.id, **values())),
    "mapping": lambda s, theirs: s.bulk_update_mappings(Customer, [{"id": theirs.id, "memo1": "x", "version": 1}]),
    "moving a row over": lambda s, theirs: s.execute(
        text("UPDATE customer SET tenant_id = :tenant"), {"tenant": theirs.tenant_id}
    ),
}


def attempt(way, session, theirs):
    way(session, theirs)
    session.commit()


@pytest.mark.parametrize("way", REFUSED)
def test_writing_a_row_of_theirs_is_refused(session, theirs, way):
    with pytest.raises((DBAPIError, ScopeError, StaleDataError)):
        attempt(REFUSED[way], session, theirs)

    session.rollback()
    assert session.scalar(select(func.count()).select_from(Customer).where(Customer.memo1 == "x")) == 0


def test_a_row_of_ours_cannot_hang_on_a_row_of_theirs(session, halves, theirs):
    (ours, _), _ = halves
    with pytest.raises(DBAPIError) as refused:
        session.execute(
            text(
                "INSERT INTO contract (tenant_id, customer_id, product_id, start_on, end_on)"
                " SELECT :tenant, :customer, id, '2026-01-01', '2026-12-31' FROM product LIMIT 1"
            ),
            {"tenant": ours.tenant_id, "customer": theirs.id},
        )

    assert refused.value.orig.sqlstate == "23503"


def test_without_a_tenant_there_are_no_rows(walls, halves, engine):
    with Session(engine) as session:
        assert session.scalars(text("SELECT id FROM customer")).all() == []


def test_the_tenant_ends_with_the_transaction(walls, halves, engine):
    (ours, _), _ = halves
    one_connection = create_engine(engine.url, pool_size=1, max_overflow=0)
    with Session(one_connection, info={"tenant_scope": ours.tenant_id}) as session:
        assert session.scalar(text("SELECT count(*) FROM customer")) == 1

    with one_connection.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM customer")) == 0
        assert connection.scalar(text("SELECT current_user")) == "portal_app"
    one_connection.dispose()


def test_crossing_tenants_ends_with_the_transaction(walls, halves, context):
    with scope.all_tenants("a test of the wall") as session:
        assert session.scalar(text("SELECT count(*) FROM customer")) == 2
        session.commit()
        assert session.scalar(text("SELECT current_user")) == "portal_all_tenants"

    from models.db import db

    with db.engine.connect() as connection:
        assert connection.scalar(text("SELECT current_user")) == "portal_app"
        assert connection.scalar(text("SELECT count(*) FROM customer")) == 0


def test_a_partition_cannot_be_read_past_its_table(halves, engine, in_tenant, make):
    from models import alert_ingest, clock

    alert_ingest.ensure_partition(make.session, clock.utc_now())
    make.session.commit()
    name = f"alert_{clock.tokyo_day(clock.utc_now()):%Y%m}"

    with engine.connect() as connection, pytest.raises(DBAPIError) as refused:
        connection.execute(text(f"SELECT count(*) FROM {name}"))

    assert refused.value.orig.sqlstate == "42501"


@pytest.mark.parametrize("statement", ["UPDATE audit_entry SET actor = 'x'", "DELETE FROM audit_entry"])
def test_the_audit_log_is_added_to_and_never_changed(halves, engine, statement):
    with engine.connect() as connection, pytest.raises(DBAPIError) as refused:
        connection.execute(text(statement))

    assert refused.value.orig.sqlstate == "42501"


def test_an_audit_row_of_another_tenant_cannot_be_made_up(session, theirs):
    with pytest.raises(DBAPIError) as refused:
        session.execute(
            text(
                "INSERT INTO audit_entry (tenant_id, actor, action, subject_type, subject_id)"
                " VALUES (:tenant, 'x', 'x', 'x', 'x')"
            ),
            {"tenant": theirs.tenant_id},
        )

    assert refused.value.orig.sqlstate == "42501"
