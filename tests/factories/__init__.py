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


def at_once(factory: Callable[Concatenate[Make, Given], Made]) -> Callable[Concatenate[Make, Given], Made]:
    """Let a factory write its rows, and those of the factories that it calls, in one transaction."""

    @wraps(factory)
    def whole(make: Make, *args: Given.args, **values: Given.kwargs) -> Made:
        make.depth += 1
        try:
            made = factory(make, *args, **values)
        finally:
            make.depth -= 1
        make.commit()
        return made

    return whole


class Make:
    """The factories, on one session that crosses tenants.

    A factory is a function of an area's module, named like its table, that fills in whatever is not given. Give it its
    line below.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self._numbers = count()
        self.depth = 0
        """How many factories are at work, one inside another."""

    def save(self, row: Row) -> Row:
        """Write a row, and return it."""
        self.session.add(row)
        self.session.flush()
        self.commit()
        return row

    def commit(self) -> None:
        """End the transaction unless a factory goes on with it."""
        if self.depth == 0:
            self.session.commit()

    def number(self) -> int:
        """A number that no other row has, for names that must differ."""
        return next(self._numbers)

    tenant = at_once(tenants.tenant)
    portal_link = at_once(tenants.portal_link)
    access_origin = at_once(tenants.access_origin)
    portal_token = at_once(tenants.portal_token)
    identity_provider = at_once(tenants.identity_provider)
    identity_domain = at_once(tenants.identity_domain)

    user = at_once(accounts.user)
    role = at_once(accounts.role)
    member = at_once(accounts.member)
    join = at_once(accounts.join)
    elevated = at_once(accounts.elevated)
    membership = at_once(accounts.membership)
    access_right = at_once(accounts.access_right)
    user_invitation = at_once(accounts.user_invitation)
    session_token = at_once(accounts.session_token)
    totp = at_once(accounts.totp)
    passkey = at_once(accounts.passkey)

    customer = at_once(customers.customer)
    product = at_once(contracts.product)
    rate_plan = at_once(contracts.rate_plan)
    charge = at_once(contracts.charge)
    wholesale_price = at_once(contracts.wholesale_price)
    contract = at_once(contracts.contract)
    contract_line = at_once(contracts.contract_line)
    invoice = at_once(contracts.invoice)
    invoice_line = at_once(contracts.invoice_line)
    correction = at_once(contracts.correction)
    usage = at_once(contracts.usage)
    utm = at_once(utms.utm)
    reboot = at_once(utms.reboot)
    customer_with_utm = at_once(utms.customer_with_utm)

    audit_entry = at_once(audit.audit_entry)

    import_run = at_once(imports.import_run)
    import_row = at_once(imports.import_row)

    application_field = at_once(applications.application_field)
    service_application = at_once(applications.service_application)
    utm_application = at_once(applications.utm_application)
    announcement = at_once(support.announcement)
    ticket = at_once(tickets.ticket)
    ticket_message = at_once(tickets.ticket_message)
    ticket_file = at_once(tickets.ticket_file)
    portal_user = at_once(portal_users.portal_user)
    mail_message = at_once(mail.mail_message)
    mail = at_once(mail.mail_message)
    confirmed_address = at_once(notifications.confirmed_address)
