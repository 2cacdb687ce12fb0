"""A world with two tenants that hold the same kinds of things, for what must be true of every screen at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import psycopg
import pytest
from babel.messages.catalog import Catalog
from flask.testing import FlaskClient
from psycopg import sql
from sqlalchemy import select
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from app.web.registers import register
from jobs.dashboard import refresh
from models import clock
from models.actor import SYSTEM
from models.alerts import ingest as alert_ingest
from models.db import Base
from models.mail import template_rules as mail_template_rules
from models.mail.kinds import KINDS, MailText
from models.mail.template import MailTemplateVersion
from models.notifications import address_rules
from models.scope import TenantScoped
from tests.conventions.messages import read_catalogue, used_messages
from tests.conventions.shown import Shown, look
from tests.support.alerts import lines
from views.public_applications import form_pass, links
from views.screen.screen import Screen

ALL = sql.SQL("true")
ROLES = ("Partner Operator", "Partner Viewer", "NEC Staff", "NEC Admin")


@pytest.fixture(scope="session")
def catalogue() -> Catalog:
    """The Japanese catalogue."""
    return read_catalogue()


@pytest.fixture(scope="session")
def used() -> set[str]:
    """Every message of the code, in English."""
    return used_messages()


@pytest.fixture
def database(service_env):
    """The database past every wall, by tables: ``look(condition)`` says how many rows there are and which changed last."""
    url = make_url(service_env["SUPERUSER_URL"]).set(drivername="postgresql").render_as_string(hide_password=False)
    tables = sorted(Base.metadata.tables)
    with psycopg.connect(url, autocommit=True) as connection:

        def look(condition: sql.Composable = ALL) -> list[tuple[str, int, int]]:
            each = [
                sql.SQL("SELECT {}, count(*), coalesce(max(xmin::text::bigint), 0) FROM {} AS line WHERE {}").format(
                    sql.Literal(name), sql.Identifier(name), condition
                )
                for name in tables
            ]
            return connection.execute(sql.SQL(" UNION ALL ").join(each)).fetchall()

        yield look


@dataclass
class Half:
    """One tenant and what is in it. Its names are found nowhere but on its own pages."""

    tenant: Any
    customer: Any
    contract: Any
    utm: Any
    token: Any
    field: Any
    address_token: str
    version_key: int
    names: tuple[str, ...]
    mail: Any
    import_run: Any
    user: Any
    role: Any
    others: dict[str, Any]
    signed: dict[str, str]

    def keys(self) -> dict[str, Any]:
        """A value for every argument a route can have; with the view's name before it where views differ."""
        return (
            {
                "customer_id": self.customer.id,
                "contract_id": self.contract.id,
                "utm_key": self.utm.id,
                "utm_id": self.utm.utm_id,
                "token_key": self.token.id,
                "field_key": self.field.id,
                "address_token": self.address_token,
                "kind": "application_confirm",
                "version_key": self.version_key,
                "mail_key": self.mail.id,
                "import_key": self.import_run.id,
                # Only a UTM reaches its commands.
                "command_id": "1",
                # Jobs are of no tenant, and none has failed.
                "job_id": "no-such-job",
                "name": "no-such-job",
                "staff_tenant_id": self.tenant.id,
                "SingleSignOnView.tenant_id": self.tenant.id,
                "deleted_customer_id": self.customer.id,
                "month": "2026-10",
                # The application is confirmed by a token in a mail.
                "application_token": "x" * 43,
                # An invitation is opened by a token in a mail.
                "invitation_token": "x" * 43,
                "colour": "1d4ed8",
                "logo_hash": "0" * 64,
                "UserView.pk": self.user.id,
                "RoleView.pk": self.role.id,
            }
            | {name: row.id for name, row in self.others.items()}
            | self.signed
        )


@dataclass
class World:
    """Two tenants, and a client of each role signed in to the first."""

    ours: Half
    theirs: Half
    clients: dict[str, FlaskClient]


@pytest.fixture
def world(app, make, engine, signed_in) -> World:
    ours, theirs = (_half(app, make, engine, mark) for mark in ("ひばり", "つぐみ"))
    clients = {
        "Partner Operator": signed_in(make.member(ours.tenant, "Partner Operator"), ours.tenant),
        "Partner Viewer": signed_in(make.member(ours.tenant, "Partner Viewer"), ours.tenant),
        "NEC Staff": signed_in(make.elevated("NEC Staff"), ours.tenant),
        "NEC Admin": signed_in(make.elevated("NEC Admin"), ours.tenant),
        "nobody": app.test_client(),
    }
    return World(ours, theirs, clients)


@pytest.fixture(scope="session")
def _all_shown() -> dict[str, list[Shown]]:
    """What ``shown`` found, by roles."""
    return {}


@pytest.fixture
def shown(request, _all_shown) -> Callable[..., list[Shown]]:
    """What every route shows a role: ``shown("NEC Staff")``. All tests that only look at it share one walk."""

    def to(role: str = "NEC Admin") -> list[Shown]:
        if role not in _all_shown:
            app, make, world = (request.getfixturevalue(name) for name in ("app", "make", "world"))
            make.contract(customer_row=world.ours.customer)
            with app.app_context():
                refresh()
            _all_shown[role] = look(app, world, role)
        return _all_shown[role]

    return to


def _half(app, make, engine, mark: str) -> Half:
    tenant = make.tenant(name=f"{mark}テナント")
    customer = make.customer(tenant=tenant, name=f"{mark}工業", memo1=f"{mark}メモ")
    contract = make.contract(customer_row=customer, memo1=f"{mark}契約")
    billing = _billing(make, contract, mark)
    utm = make.utm(customer_row=customer, name=f"{mark}UTM")
    now = clock.utc_now()
    with Session(engine, info={"tenant_scope": tenant.id}) as session:
        alert_ingest.store(
            session,
            alert_ingest.Sender(tenant.id, customer.id, utm.id),
            lines(3, at=now - timedelta(hours=1), msg=f"{mark}攻撃", alert_severity="high"),
            now=now,
            retention_months=13,
        )
        own = MailText(f"{mark}件名", f"{mark}本文")
        kind = KINDS["application_confirm"]
        mail_template_rules.save(session, tenant.id, kind, own, version=0, by=SYSTEM)
        version_key = session.scalars(select(MailTemplateVersion.id)).one()
        session.commit()
    token = make.portal_token(tenant=tenant, name=f"{mark}トークン")
    field = make.application_field(tenant=tenant, title=f"{mark}質問")
    make.portal_link(tenant=tenant, name=f"{mark}リンク")
    make.access_origin(tenant=tenant, origin=f"https://{token.id}.example.jp")
    addresses = [f"{tenant.id}-{slot}@example.jp".lower() for slot in ("one", "two")]
    names = (
        *(
            f"{mark}{each}"
            for each in (
                "工業",
                "メモ",
                "契約",
                "UTM",
                "攻撃",
                "トークン",
                "質問",
                "リンク",
                "件名",
                "本文",
                "のお知らせ",
                "ファイル",
                "申込",
                "チケット",
                "添付",
                "者",
            )
        ),
        *(customer.id, contract.id, utm.utm_id, utm.serial, f"https://{token.id}.example.jp"),
        *addresses,
    )
    letter = make.mail_message(tenant_id=tenant.id, subject=f"{mark}のお知らせ")
    run = make.import_run(tenant=tenant, file_name=f"{mark}ファイル")
    address_token = _asked_for(make, engine, tenant, addresses)
    user = make.member(tenant, "Partner Viewer", last_name=f"{mark}山")
    role = make.role(f"{mark}係", "Customers can_list")
    others = _other_rows(make, tenant) | billing | _applications(make, customer, mark)
    others["invitation_key"] = make.user_invitation(tenant=tenant, email=f"{tenant.id}-invited@example.jp".lower())
    others["announcement_key"] = make.announcement()
    others["ticket_id"] = make.ticket(
        tenant=tenant, title=f"{mark}チケット", body=f"{mark}本文", customer_id=customer.id
    )
    message = make.ticket_message(ticket_row=others["ticket_id"], body=f"{mark}本文")
    others["file_key"] = make.ticket_file(message=message, name=f"{mark}添付.txt")
    others["entry_key"] = make.audit_entry(tenant=tenant, actor=f"{mark}者")
    others["passkey_id"] = make.passkey(user)
    others["reboot_key"] = make.reboot(utm_row=utm)
    others["portal_user_id"] = make.portal_user(customer_row=customer, last_name=f"{mark}田")
    make.service_application(tenant=tenant, state="approved", customer_id=customer.id, company=f"{mark}工業")
    make.utm_application(customer_row=customer, state="approved")
    return Half(
        tenant,
        customer,
        contract,
        utm,
        token,
        field,
        address_token,
        version_key,
        names,
        letter,
        run,
        user,
        role,
        others,
        _signed(app, tenant, customer),
    )


def _applications(make, customer, mark: str) -> dict[str, Any]:
    """Give a tenant an application of each kind: the keys of their pages."""
    return {
        "application_id": make.service_application(tenant_id=customer.tenant_id, company=f"{mark}申込"),
        "utm_application_id": make.utm_application(customer_row=customer),
    }


def _billing(make, contract, mark: str) -> dict[str, Any]:
    """Give a customer a contract with a line in use and an invoice: the keys of the catalogue's and the invoices' pages."""
    plan = make.rate_plan(product=contract.product)
    charge = make.charge(rate_plan=plan, model="usage", unit_price=10)
    price = make.wholesale_price(rate_plan=plan)
    line = make.contract_line(contract=contract, rate_plan=plan)
    customer = contract.customer
    invoice = make.invoice(customer=customer)
    make.invoice_line(invoice=invoice, contract_id=contract.id, line_id=line.id, plan_name=f"{mark}プラン")
    paid = make.invoice(customer=customer, month=date(2026, 9, 1), paid_on=date(2026, 11, 2))
    return {
        "product_key": contract.product,
        "product_id": contract.product,
        "plan_key": plan,
        "rate_plan_id": plan,
        "ChargeView.part_key": charge,
        "WholesalePriceView.part_key": price,
        "line_key": line,
        "charge_key": charge,
        "invoice_key": invoice,
        "any_invoice_key": paid,
    }


def _signed(app, tenant, customer) -> dict[str, str]:
    """What is signed in the URLs of the public forms."""
    with app.test_request_context():
        receipt = form_pass.sign_sent(tenant.id, "AAP-00000000")
        urls = {
            "PublicApplicationView.signed": links.invitation_url(tenant.id, 1),
            "PublicUtmApplicationView.signed": links.utm_form_url(tenant.id, customer.id, 1),
        }
    return {"receipt": receipt} | {name: url.rpartition("/")[2] for name, url in urls.items()}


def _other_rows(make, tenant) -> dict[str, Any]:
    """Rows of declared screens whose URLs name a row ``pk``, made with the factory named like the table."""
    return {
        f"{screen.__name__}.pk": getattr(make, screen.datamodel.obj.__tablename__)(tenant=tenant)
        for screen in register().screens
        if issubclass(screen, Screen)
        and screen.row_rule.endswith(":pk>")
        and issubclass(screen.datamodel.obj, TenantScoped)
    }


def _asked_for(make, engine, tenant, addresses: list[str]) -> str:
    """Give a tenant an address in force, and another that waits: the token of its link."""
    tokens = []
    first, second = addresses
    make.confirmed_address(tenant, first)
    with Session(engine, info={"tenant_scope": tenant.id}) as session:
        request = address_rules.AddressChange(tenant, lambda token: tokens.append(token) or "", clock.utc_now(), SYSTEM)
        address_rules.change(session, [first, second, ""], version=0, request=request)
        session.commit()
    return tokens[0]
