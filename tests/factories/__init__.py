"""Rows for tests, written for real. Ask for the fixture ``make`` and call ``make.customer(tenant=...)``."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from itertools import count
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy.orm import Session

from tests.factories import (
    accounts,
    applications,
    audit,
    contracts,
    customers,
    imports,
    mail,
    notifications,
    portal_users,
    support,
    tenants,
    tickets,
    utms,
)

PASSWORD = "Mimamori-2026!"

Row = TypeVar("Row")
Given = ParamSpec("Given")
Made = TypeVar("Made")


def in_one_transaction(factory: Callable[Concatenate[Make, Given], Made]) -> Callable[Concatenate[Make, Given], Made]:
    """Let a factory write its rows, and those of the factories that it calls, in one transaction."""

    @wraps(factory)
    def wrapped(make: Make, *args: Given.args, **values: Given.kwargs) -> Made:
        make.depth += 1
        try:
            made = factory(make, *args, **values)
        finally:
            make.depth -= 1
        make.commit()
        return made

    return wrapped


class Make:
    """The factories, on one session that crosses tenants.

    A factory is a function of an area's module, named like its table, that fills in whatever is not given. Give it its
    line below.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self._numbers = count()
        self.depth = 0
        """The number of factories that are running, each called by the one before."""

    def save(self, row: Row) -> Row:
        """Write a row, and return it."""
        self.session.add(row)
        self.session.flush()
        self.commit()
        return row

    def commit(self) -> None:
        """Commit, unless a factory is still running."""
        if self.depth == 0:
            self.session.commit()

    def number(self) -> int:
        """A number that no other row has, for names that must differ."""
        return next(self._numbers)

    tenant = in_one_transaction(tenants.tenant)
    portal_link = in_one_transaction(tenants.portal_link)
    access_origin = in_one_transaction(tenants.access_origin)
    portal_token = in_one_transaction(tenants.portal_token)
    identity_provider = in_one_transaction(tenants.identity_provider)
    identity_domain = in_one_transaction(tenants.identity_domain)

    user = in_one_transaction(accounts.user)
    role = in_one_transaction(accounts.role)
    member = in_one_transaction(accounts.member)
    join = in_one_transaction(accounts.join)
    elevated = in_one_transaction(accounts.elevated)
    membership = in_one_transaction(accounts.membership)
    access_right = in_one_transaction(accounts.access_right)
    user_invitation = in_one_transaction(accounts.user_invitation)
    session_token = in_one_transaction(accounts.session_token)
    totp = in_one_transaction(accounts.totp)
    passkey = in_one_transaction(accounts.passkey)

    customer = in_one_transaction(customers.customer)
    product = in_one_transaction(contracts.product)
    rate_plan = in_one_transaction(contracts.rate_plan)
    charge = in_one_transaction(contracts.charge)
    wholesale_price = in_one_transaction(contracts.wholesale_price)
    contract = in_one_transaction(contracts.contract)
    contract_line = in_one_transaction(contracts.contract_line)
    invoice = in_one_transaction(contracts.invoice)
    invoice_line = in_one_transaction(contracts.invoice_line)
    correction = in_one_transaction(contracts.correction)
    usage = in_one_transaction(contracts.usage)
    utm = in_one_transaction(utms.utm)
    reboot = in_one_transaction(utms.reboot)
    customer_with_utm = in_one_transaction(utms.customer_with_utm)

    audit_entry = in_one_transaction(audit.audit_entry)

    import_run = in_one_transaction(imports.import_run)
    import_row = in_one_transaction(imports.import_row)

    application_field = in_one_transaction(applications.application_field)
    service_application = in_one_transaction(applications.service_application)
    utm_application = in_one_transaction(applications.utm_application)
    announcement = in_one_transaction(support.announcement)
    ticket = in_one_transaction(tickets.ticket)
    ticket_message = in_one_transaction(tickets.ticket_message)
    ticket_file = in_one_transaction(tickets.ticket_file)
    portal_user = in_one_transaction(portal_users.portal_user)
    mail_message = in_one_transaction(mail.mail_message)
    mail = in_one_transaction(mail.mail_message)
    confirmed_address = in_one_transaction(notifications.confirmed_address)
