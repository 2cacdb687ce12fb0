"""What a session sees, how long it sees it, and what the database lets the app's role do at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from flask_appbuilder import Model
from sqlalchemy import Engine, bindparam, create_engine, event, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from models import scope
from models.accounts.identity_subject import IdentitySubject
from models.accounts.invitation import UserInvitation
from models.actor import SYSTEM
from models.alerts.comparison import WHOLE_DAY, ComparisonCount, ComparisonParticipant
from models.alerts.threat_stat import ThreatStat
from models.applications.application import ApplicationAnswer, ApplicationUser, ApplicationView, CustomerAnswer
from models.applications.reconciliation import UtmMismatch
from models.applications.shortage import ShortageNotice
from models.customers.customer import Customer
from models.dashboard.figures import DashboardFigures
from models.errors import ScopeError
from models.mail import sms
from models.mail import template_rules as mail_template_rules
from models.mail.alert_mail_due import AlertMailBatch, AlertMailDue
from models.mail.kinds import KINDS, MailText
from models.notifications import address_rules
from models.portal_users.portal_user import PortalUserLink
from models.prepared_statement import prepare
from models.reports.monthly import MonthlyReport
from models.scope import TenantScoped
from models.tenants.idempotency import IdempotencyKey
from models.tenants.settings import TenantSettings
from models.tenants.tenant import Tenant
from models.tokens import hash_token
from models.utms import device_token
from models.utms.utm import Utm
from tests.factories.customers import CUSTOMER
from tests.support.alerts import lines

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
WHO = text("SELECT current_user")
COUNT = text("SELECT count(*) FROM customer")
SCOPED = sorted(
    (mapper.class_ for mapper in Model.registry.mappers if issubclass(mapper.class_, TenantScoped)),
    key=lambda model: model.__tablename__,
)


@pytest.fixture
def one_connection(engine) -> Iterator[Engine]:
    """An engine whose every transaction runs on the same connection."""
    pooled = create_engine(engine.url, pool_size=1, max_overflow=0)
    yield pooled
    pooled.dispose()


def inside(engine: Engine, tenant_id: str) -> Session:
    return Session(engine, info={"tenant_scope": tenant_id})


@pytest.fixture
def filled(make, engine, ours, theirs, arrive) -> None:
    """A row of each tenant in every scoped table."""
    for half in (ours, theirs):
        device_token.issue(make.session, half.utm, now=NOW, by=SYSTEM)
        make.session.commit()
        arrive(half.utm, lines(1, at=NOW))
        for kind in ("portal_link", "access_origin", "application_field", "portal_token"):
            getattr(make, kind)(tenant=make.session.get(Tenant, half.tenant_id))
        fill_contracts(make, half.customer)
        fill_applications(make, half.customer)
        fill_fleet(make, half.utm)
        fill_tickets(make, half.customer)
        fill_single_sign_on(make, make.session.get(Tenant, half.tenant_id))
        with inside(engine, half.tenant_id) as session:
            sms.write(session, "password_reset_sms", "09012345678", {"Url": "https://example.com/"}, now=NOW)
            fill_settings(session, session.get(Tenant, half.tenant_id))
            session.commit()


def fill_contracts(make, customer: Customer) -> None:
    """A contract with usage, an invoice with a line, a correction, figures of the dashboard and an import."""
    make.usage(line=make.contract_line(contract=make.contract(customer_row=customer)), charge_id=make.charge().id)
    make.invoice_line(invoice=make.invoice(customer=customer))
    make.correction(customer=customer)
    make.save(DashboardFigures(tenant_id=customer.tenant_id, widget="income", values={}, computed_at=NOW))
    make.import_run(tenant=make.session.get(Tenant, customer.tenant_id))


def fill_tickets(make, customer: Customer) -> None:
    """A ticket with a message and a file."""
    ticket = make.ticket(tenant=make.session.get(Tenant, customer.tenant_id))
    make.ticket_file(message=make.ticket_message(ticket_row=ticket))


def fill_single_sign_on(make, tenant: Tenant) -> None:
    """A connection with a provider, a domain and a bound account."""
    make.identity_provider(tenant=tenant)
    make.identity_domain(tenant=tenant)
    own = {"tenant_id": tenant.id, "issuer": "https://login.example.jp", "subject": "s"}
    make.save(IdentitySubject(**own, user_id=make.user().id))


def fill_applications(make, customer: Customer) -> None:
    """Applications with all their parts, a portal user with a link, the notes of the check, and the key of a call."""
    own = {"tenant_id": customer.tenant_id}
    field = make.application_field(tenant=make.session.get(Tenant, customer.tenant_id))
    application = make.service_application(**own)
    part = own | {"application_id": application.id}
    make.save(ApplicationAnswer(**part, field_id=field.id, value="製造業"))
    make.save(ApplicationUser(**part, last_name="青空", first_name="花子", email="hanako@example.com"))
    make.save(ApplicationView(**part, user_id=make.user().id, user_name="見守 花子", viewed_at=NOW))
    make.save(CustomerAnswer(**own, customer_id=customer.id, field_id=field.id, value="製造業"))
    make.utm_application(customer_row=customer)
    user = make.portal_user(customer_row=customer)
    token_hash = hash_token(user.id)
    make.save(
        PortalUserLink(**own, user_id=user.id, purpose="sign_up", token_hash=token_hash, created_at=NOW, expires_at=NOW)
    )
    make.save(ShortageNotice(**own, customer_ids=[customer.id], updated_at=NOW))
    make.save(UtmMismatch(**own, customer_id=customer.id, since=NOW.date()))
    token = make.portal_token(tenant=make.session.get(Tenant, customer.tenant_id))
    make.save(IdempotencyKey(**own, token_id=token.id, key="k", request_hash=token_hash))


def fill_fleet(make, utm: Utm) -> None:
    """A reboot, an alert to be mailed, a statistic, the counts of the comparison, and a monthly report."""
    month = NOW.date().replace(day=1)
    own = {"tenant_id": utm.tenant_id}
    of_customer = own | {"customer_id": utm.customer_id}
    make.reboot(utm_row=utm)
    make.save(AlertMailDue(**own, utm_id=utm.id, occurred_at=NOW, alert_id="1"))
    make.save(AlertMailBatch(**own, utm_id=utm.id, batch=UUID(int=1)))
    counted = {"hour": NOW.replace(minute=0), "function": "ips", "category": "走査", "count": 1, "received_at": NOW}
    make.save(ThreatStat(**of_customer, utm_id=utm.id, **counted))
    make.save(ComparisonParticipant(**of_customer, month=month))
    make.save(ComparisonCount(**own, day=month, hour=WHOLE_DAY, function="ips", count=1))
    make.save(MonthlyReport(**of_customer, month=month, text="", content={}, created_at=NOW))


def fill_settings(session: Session, tenant: Tenant) -> None:
    """A tenant's settings, an invitation, its own text of a mail, and an address that waits for its confirmation."""
    session.add(TenantSettings(shortage_grace_days=30))
    session.add(
        UserInvitation(
            email="taro@example.jp", invited_by="", token_hash=hash_token(tenant.id), sent_at=NOW, expires_at=NOW
        )
    )
    kind = KINDS["application_confirm"]
    mail_template_rules.save(session, tenant.id, kind, MailText("件名", "本文"), version=0, by=SYSTEM)
    request = address_rules.AddressChange(tenant, lambda token: token, NOW, SYSTEM)
    address_rules.change(session, ["tsuchi@example.jp", "", ""], version=0, request=request)


def test_a_tenant_sees_its_own_row_in_every_scoped_table(filled, ours, in_tenant):
    with in_tenant(ours.tenant_id) as session:
        seen = {model.__tablename__: set(session.scalars(select(model.tenant_id))) for model in SCOPED}

    assert seen == {model.__tablename__: {ours.tenant_id} for model in SCOPED}


def test_outside_any_tenant_every_scoped_table_is_empty(filled, engine):
    with engine.connect() as connection:
        seen = {model.__tablename__: connection.execute(select(model.__table__.c.tenant_id)).all() for model in SCOPED}

    assert seen == {model.__tablename__: [] for model in SCOPED}


def test_a_row_gets_the_tenant_of_its_session(in_tenant, ours):
    with in_tenant(ours.tenant_id) as session:
        customer = Customer(**CUSTOMER)
        session.add(customer)
        session.flush()

        assert customer.tenant_id == ours.tenant_id


def test_a_row_written_across_tenants_says_whose_it_is(make):
    make.session.add(Customer(**CUSTOMER))

    with pytest.raises(ScopeError, match="Customer needs a tenant_id"):
        make.session.flush()


def test_the_scope_cannot_change_inside_a_transaction(in_tenant, ours, theirs):
    with in_tenant(ours.tenant_id) as session:
        session.scalars(select(Customer)).all()

        with pytest.raises(ScopeError, match="inside a transaction"):
            scope.enter_tenant(session, theirs.tenant_id)


@pytest.mark.parametrize("first", ["a tenant", "all tenants"])
def test_a_session_has_one_tenant_for_life(engine, ours, theirs, first):
    with inside(engine, ours.tenant_id if first == "a tenant" else "*") as session:
        session.get(Customer, ours.customer.id)
        session.commit()

        with pytest.raises(ScopeError, match="new session"):
            scope.enter_tenant(session, theirs.tenant_id)


def test_a_session_may_leave_its_tenant(in_tenant, ours):
    with in_tenant(ours.tenant_id) as session:
        session.rollback()
        scope.enter_tenant(session, None)

        assert (scope.current_tenant_id(session), session.scalars(select(Customer)).all()) == (None, [])


def test_current_tenant_id_names_one_tenant_or_none(make, engine, ours):
    assert scope.current_tenant_id(inside(engine, ours.tenant_id)) == ours.tenant_id
    assert scope.current_tenant_id(Session(engine)) is None
    assert scope.current_tenant_id(make.session) is None


@pytest.mark.parametrize("end", [Session.commit, Session.rollback, Session.close])
def test_the_tenant_ends_with_the_transaction(one_connection, ours, end):
    with inside(one_connection, ours.tenant_id) as session:
        ours_pid = session.scalar(text("SELECT pg_backend_pid()"))
        assert session.scalar(COUNT) == 1
        end(session)

        with Session(one_connection) as nobody:
            assert nobody.scalar(text("SELECT pg_backend_pid()")) == ours_pid
            assert nobody.scalar(COUNT) == 0


def test_tenants_take_turns_on_one_connection(one_connection, ours, theirs):
    for half in (ours, theirs, ours):
        with inside(one_connection, half.tenant_id) as session:
            assert session.scalars(select(Customer.id)).all() == [half.customer.id]


@pytest.mark.parametrize("end", [Session.commit, Session.rollback])
def test_the_next_transaction_of_a_session_has_its_tenant_again(in_tenant, ours, end):
    with in_tenant(ours.tenant_id) as session:
        session.scalar(COUNT)
        end(session)

        assert session.scalar(COUNT) == 1


def test_a_savepoint_rolled_back_leaves_the_scope(make, in_tenant, ours, theirs):
    for session, seen in ((in_tenant(ours.tenant_id), 1), (make.session, 2)):
        with session:
            session.begin_nested().rollback()

            assert session.scalar(COUNT) == seen


@pytest.mark.parametrize("end", [Session.commit, Session.rollback, Session.close])
def test_crossing_tenants_ends_with_the_transaction(one_connection, ours, theirs, end):
    with inside(one_connection, "*") as session:
        assert (session.scalar(WHO), session.scalar(COUNT)) == ("portal_all_tenants", 2)
        end(session)

        with one_connection.connect() as connection:
            assert (connection.scalar(WHO), connection.scalar(COUNT)) == ("portal_app", 0)


def test_all_tenants_and_tenant_session_open_sessions_of_their_own(context, ours, theirs):
    with scope.all_tenants("a test of the wall") as every, scope.tenant_session(ours.tenant_id) as own:
        assert (every.scalar(COUNT), own.scalar(COUNT)) == (2, 1)


def refused(session: Session, statement: str, values: dict | None = None) -> str:
    """The sqlstate with which a statement is refused."""
    with pytest.raises(DBAPIError) as caught:
        session.execute(text(statement), values)
    return caught.value.orig.sqlstate


@pytest.mark.parametrize(
    "statement",
    [
        "SET ROLE portal_owner",
        "SET ROLE postgres",
        "ALTER TABLE customer DISABLE ROW LEVEL SECURITY",
        "DROP POLICY own_tenant ON customer",
        "CREATE POLICY mine ON customer USING (true)",
        "TRUNCATE customer CASCADE",
        "CREATE TABLE mine (id int)",
        "CREATE FUNCTION mine() RETURNS int LANGUAGE sql RETURN 1",
        "UPDATE rights_version SET version = 0",
    ],
)
def test_the_apps_role_cannot_touch_the_wall(in_tenant, ours, statement):
    with in_tenant(ours.tenant_id) as session:
        assert refused(session, statement) == "42501"


def test_row_security_switched_off_is_an_error_and_no_way_round(in_tenant, ours):
    with in_tenant(ours.tenant_id) as session:
        session.execute(text("SET LOCAL row_security = off"))

        assert refused(session, "SELECT * FROM customer") == "42501"


def test_the_cross_tenant_role_is_taken_and_never_inherited(engine):
    with engine.connect() as connection:
        rights = connection.execute(
            text(
                "SELECT pg_has_role('portal_all_tenants', 'MEMBER') AS may_become,"
                " pg_has_role('portal_all_tenants', 'USAGE') AS inherits"
            )
        ).one()

    assert (rights.may_become, rights.inherits) == (True, False)


@pytest.mark.parametrize("who", ["a tenant", "all tenants"])
@pytest.mark.parametrize("statement", ["SELECT * FROM {}", "DELETE FROM {}", "INSERT INTO {} DEFAULT VALUES"])
def test_a_partition_is_reached_through_its_table_alone(engine, ours, arrive, who, statement):
    arrive(ours.utm, lines(1, at=NOW - timedelta(days=40)))

    with inside(engine, ours.tenant_id if who == "a tenant" else "*") as session:
        assert refused(session, statement.format("alert_202610")) == "42501"


ENTERING = prepare(select(scope.ENTER, Tenant.id).where(Tenant.id == bindparam("id")))


def test_a_transaction_begun_by_an_entering_statement_is_in_the_tenant(engine, ours, theirs):
    with inside(engine, ours.tenant_id) as session, counted(engine) as statements:
        scope.run_entering(session, ENTERING, {"id": theirs.tenant_id})

        assert len(statements) == 1
        assert session.execute(COUNT).scalar_one() == 1
        assert session.scalar(select(Customer.id)) == ours.customer.id


def test_the_transaction_after_it_enters_as_ever(engine, ours):
    with inside(engine, ours.tenant_id) as session:
        scope.run_entering(session, ENTERING, {"id": ours.tenant_id})
        session.rollback()

        assert session.execute(COUNT).scalar_one() == 1


def test_one_that_finds_nothing_leaves_no_tenant_and_no_rows(engine, ours):
    with inside(engine, ours.tenant_id) as session:
        scope.run_entering(session, ENTERING, {"id": "T0000000"})

        assert session.execute(COUNT).scalar_one() == 0


def test_one_in_a_transaction_that_has_begun_changes_nothing(engine, ours):
    with inside(engine, ours.tenant_id) as session:
        session.execute(COUNT)
        scope.run_entering(session, ENTERING, {"id": ours.tenant_id})

        assert session.execute(COUNT).scalar_one() == 1


def test_one_that_fails_spares_no_later_transaction_its_tenant(engine, ours):
    with inside(engine, ours.tenant_id) as session:
        with pytest.raises(DBAPIError):
            scope.run_entering(session, ENTERING._replace(text="SELECT 1 / 0"), {})
        session.rollback()

        assert session.execute(COUNT).scalar_one() == 1


def test_a_session_that_crosses_tenants_enters_none(engine, ours):
    with inside(engine, "*") as session, pytest.raises(ScopeError):
        scope.run_entering(session, ENTERING, {"id": ours.tenant_id})


@contextmanager
def counted(engine: Engine) -> Iterator[list[str]]:
    """The statements that are run meanwhile."""
    found: list[str] = []

    def note(_connection, _cursor, statement, *_):
        found.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    yield found
    event.remove(engine, "before_cursor_execute", note)
