"""A tenant tries to read another's rows in every way SQLAlchemy has: the hooks taken away, and with them."""

from __future__ import annotations

import psycopg
import pytest
from sqlalchemy import exists, func, select, text, union
from sqlalchemy.engine import make_url
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import Session, aliased, joinedload, make_transient_to_detached, selectinload
from sqlalchemy.orm.exc import ObjectDeletedError

from models.customers.customer import Customer
from models.utms.utm import Utm

CUSTOMER = Customer.__table__


READS = {
    "select": lambda s: [row.id for row in s.scalars(select(Customer))],
    "query": lambda s: [row.id for row in s.query(Customer)],
    "columns": lambda s: s.scalars(select(Customer.id)),
    "subquery": lambda s: s.scalars(select(select(Customer.id).subquery().c.id)),
    "cte": lambda s: s.scalars(select(select(Customer.id).cte().c.id)),
    "union": lambda s: s.scalars(union(select(Customer.id), select(Customer.id).where(Customer.id != ""))),
    "alias": lambda s: s.scalars(select(aliased(Customer).id)),
    "join": lambda s: s.scalars(select(Customer.id).join(Utm, Utm.customer_id == Customer.id)),
    "outer join": lambda s: s.scalars(select(Customer.id).outerjoin(Customer.utms)),
    "exists": lambda s: s.scalars(select(Customer.id).where(exists().where(Utm.customer_id == Customer.id))),
    "any": lambda s: s.scalars(select(Customer.id).where(Customer.utms.any())),
    "or": lambda s: s.scalars(select(Customer.id).where((Customer.id != "") | (Customer.tenant_id != ""))),
    "lazy": lambda s: [row.customer.id for row in s.scalars(select(Utm))],
    "joinedload": lambda s: [row.customer.id for row in s.scalars(select(Utm).options(joinedload(Utm.customer)))],
    "selectinload": lambda s: [
        utm.customer_id for row in s.scalars(select(Customer).options(selectinload(Customer.utms))) for utm in row.utms
    ],
    "core select": lambda s: s.scalars(select(CUSTOMER.c.id)),
    "text": lambda s: s.scalars(text("SELECT id FROM customer")),
    "from_statement": lambda s: [
        row.id for row in s.scalars(select(Customer).from_statement(text("SELECT * FROM customer")))
    ],
    "session.connection": lambda s: s.connection().execute(text("SELECT id FROM customer")).scalars(),
}


@pytest.mark.parametrize("way", READS)
def test_reading_finds_only_ones_own(session, ours, way):
    assert set(READS[way](session)) == {ours.customer.id}


@pytest.mark.parametrize("way", READS)
def test_reading_outside_any_tenant_finds_nothing(walls, ours, theirs, engine, way):
    with Session(engine) as session:
        assert set(READS[way](session)) == set()


@pytest.mark.parametrize("way", READS)
def test_without_a_wall_each_way_of_reading_would_find_theirs(ours, theirs, make, way):
    assert set(READS[way](make.session)) == {ours.customer.id, theirs.customer.id}


def test_a_bare_connection_finds_nothing(ours, engine):
    with engine.connect() as connection:
        assert connection.execute(text("SELECT id FROM customer")).all() == []


COUNTS = {
    "select": lambda s: s.scalar(select(func.count()).select_from(Customer)),
    "column": lambda s: s.scalar(select(func.count(Customer.id))),
    "query": lambda s: s.query(Customer).count(),
    "subquery": lambda s: s.scalar(select(func.count()).select_from(select(Customer).subquery())),
    "core": lambda s: s.scalar(select(func.count()).select_from(CUSTOMER)),
    "text": lambda s: s.scalar(text("SELECT count(*) FROM customer")),
}


@pytest.mark.parametrize("way", COUNTS)
def test_counting_counts_only_ones_own(session, way):
    assert COUNTS[way](session) == 1


GETS = {
    "Session.get": lambda s, key: s.get(Customer, key),
    "Session.get anew": lambda s, key: s.get(Customer, key, populate_existing=True),
    "Query.get": lambda s, key: s.query(Customer).get(key),
    "filter_by": lambda s, key: s.query(Customer).filter_by(id=key).one_or_none(),
    "select": lambda s, key: s.scalar(select(Customer).where(Customer.id == key)),
    "for update": lambda s, key: s.scalar(select(Customer).where(Customer.id == key).with_for_update()),
    "core": lambda s, key: s.scalar(select(CUSTOMER.c.id).where(CUSTOMER.c.id == key)),
}


@pytest.mark.parametrize("way", GETS)
def test_a_key_of_theirs_finds_nothing(session, theirs, way):
    assert GETS[way](session, theirs.customer.id) is None


def test_a_row_of_theirs_handed_over_cannot_be_read_again(session, handed_over):
    with pytest.raises(InvalidRequestError):
        session.refresh(handed_over)


def test_a_row_of_theirs_handed_over_leads_to_nothing_of_theirs(session, handed_over):
    session.expire(handed_over, ["utms"])

    assert handed_over.utms == []


def test_a_row_of_theirs_made_up_from_its_key_says_nothing(session, theirs):
    made_up = Customer(id=theirs.customer.id)
    make_transient_to_detached(made_up)
    session.add(made_up)

    with pytest.raises(ObjectDeletedError):
        _ = made_up.name


@pytest.fixture
def corrupt_links(ours, theirs, service_env, make) -> tuple[int, int]:
    """A UTM of ours at a customer of theirs and the other way round, as only a superuser can make them."""
    mine, other = (make.utm(customer_row=half.customer) for half in (ours, theirs))
    url = make_url(service_env["SUPERUSER_URL"]).set(drivername="postgresql").render_as_string()
    with psycopg.connect(url) as connection:
        connection.execute("SET session_replication_role = replica")  # foreign keys look away
        for utm, customer in ((mine, theirs.customer), (other, ours.customer)):
            connection.execute("UPDATE utm SET customer_id = %s WHERE id = %s", [customer.id, utm.id])
    return mine.id, other.id


@pytest.mark.parametrize("options", [[], [joinedload(Utm.customer)], [selectinload(Utm.customer)]])
def test_a_corrupt_link_to_a_row_of_theirs_leads_nowhere(corrupt_links, session, options):
    utm = session.scalars(select(Utm).where(Utm.id == corrupt_links[0]).options(*options)).one()

    assert utm.customer is None


@pytest.mark.parametrize("options", [[], [joinedload(Customer.utms)], [selectinload(Customer.utms)]])
def test_a_corrupt_link_from_a_row_of_theirs_is_not_followed(corrupt_links, session, ours, options):
    customer = session.scalars(select(Customer).options(*options)).unique().one()

    assert [utm.id for utm in customer.utms] == [ours.utm.id]
