"""``flask portal demo``: create all demo data in one transaction, so that it is complete or absent."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import click
from flask import current_app
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.demo import (
    alerts,
    applications,
    catalogue,
    contracts,
    customers,
    invoices,
    mails,
    people,
    reboots,
    reports,
    support,
    tickets,
    tokens_file,
    utms,
)
from app.demo.context import DemoContext
from app.demo.tenants import TENANTS
from models import clock
from models.actor import COMMAND_LINE
from models.alerts import comparison
from models.db import db
from models.errors import DomainError
from models.notifications.address import NotificationAddress
from models.scope import all_tenants
from models.tenants.tenant import create_tenant

_LOCK = 7_403_213
"""The key of the advisory lock; arbitrary, but the same on every host."""

_SEED = 20_200_401


@dataclass(frozen=True, slots=True)
class Created:
    """The numbers of created rows."""

    tenants: int
    customers: int
    utms: int
    alerts: int


def create_demo() -> str:
    """Create the demo data, or restore the tokens file of existing data.

    :returns: a message for the user who runs the command.
    :raises click.ClickException: demo data is not allowed here, or the roles are missing.
    """
    check_allowed()
    folder: Path = current_app.config["PORTAL_INSTANCE"]
    now = clock.utc_now()
    with demo_lock(), all_tenants("the demo is created in one transaction") as session:
        if people.any_partner(session):
            return _restore_tokens(session, folder, now)
        # Delete a file of earlier data first: if this run is killed after its commit, the next one would keep the file.
        tokens_file.forget(folder)
        try:
            made, tokens = _make(session, now)
        except (DomainError, LookupError) as error:
            raise click.ClickException(str(error)) from None
        session.commit()
        path = tokens_file.write(folder, tokens)
    return (
        f"Demo data created: {made.tenants} tenants, {made.customers} customers, {made.utms} UTMs,"
        f" {made.alerts:,} alerts.\n"
        f"The UTMs' tokens are in {path}."
    )


def check_allowed() -> None:
    """Refuse to create demo data where it is not allowed.

    :raises click.ClickException: demo data is not allowed here.
    """
    if current_app.config["PRODUCTION"] or not current_app.config["PORTAL_DEMO"]:
        raise click.ClickException("Demo data can be created only if PORTAL_DEMO=1 is set.")


@contextmanager
def demo_lock() -> Iterator[None]:
    """Prevent concurrent runs, not only until the commit but until the tokens are written to their file."""
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _LOCK})
        try:
            yield
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _LOCK})


def _make(session: Session, now: datetime) -> tuple[Created, utms.Tokens]:
    pick = random.Random(_SEED)  # nosec B311  # noqa: S311  (demo data, nothing secret)
    context = DemoContext(session, pick, now, current_app.config["ALERT_RETENTION_MONTHS"])
    utms.tidy(session)
    tenants = [create_tenant(session, plan.name, by=COMMAND_LINE) for plan in TENANTS]
    people.make_people(session, tenants)
    products = catalogue.make_catalogue(session)
    alerts.make_policy(session)
    support.make_support(context, tenants)
    tokens: utms.Tokens = {}
    customer_count = utm_count = alert_count = 0
    for tenant, plan in zip(tenants, TENANTS, strict=True):
        session.add(NotificationAddress(tenant_id=tenant.id, slot=1, address=plan.address, confirmed_at=now))
        made = customers.make_customers(context, tenant, plan)
        contracts.make_contracts(context, made, plan.customers, products)
        customer_count += len(made)
        if tenant is tenants[0]:
            mails.make_mails(context, tenant, made[0])
            applications.make_applications(context, tenant, made)
        for customer, each in zip(made, plan.customers, strict=True):
            issued, stored = utms.make_utms(context, customer, each.utms)
            tokens |= issued
            utm_count += len(each.utms)
            alert_count += stored
    reboots.make_reboots(context, tenants[0])
    tickets.make_tickets(context, tenants)
    # Last, because this expires all objects of the session.
    for tenant in tenants:
        invoices.make_invoices(context, tenant.id)
        reports.make_reports(context, tenant.id)
    for month in comparison.missing_months(session, now=now, months=context.retention_months):
        comparison.determine_companies(session, month)
    customers.make_deleted_customer(context, tenants[0])
    utms.tidy(session)
    return Created(len(tenants), customer_count, utm_count, alert_count), tokens


def _restore_tokens(session: Session, folder: Path, now: datetime) -> str:
    """Write new tokens if the tokens file was lost, or was never written because a run was killed after its commit."""
    if tokens_file.exists(folder):
        return "The demo data exists already."
    tokens = utms.reissue_tokens(session, now=now)
    session.commit()
    path = tokens_file.write(folder, tokens)
    return f"The demo data exists already. Its UTMs have new tokens, in {path}."
