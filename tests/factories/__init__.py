"""Rows for tests, written for real. Ask for the fixture ``make`` and call ``make.customer(tenant=...)``."""

from __future__ import annotations

from itertools import count
from typing import TypeVar

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


class Make:
    """The factories, on one session that crosses tenants.

    A factory is a function of an area's module, named like its table, that fills in whatever is not given. Give it its
    line below.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self._numbers = count()

    def save(self, row: Row) -> Row:
        """Write a row, and return it."""
        self.session.add(row)
        self.session.commit()
        return row

    def number(self) -> int:
        """A number that no other row has, for names that must differ."""
        return next(self._numbers)

    tenant = tenants.tenant
    portal_link = tenants.portal_link
    access_origin = tenants.access_origin
    portal_token = tenants.portal_token
    identity_provider = tenants.identity_provider
    identity_domain = tenants.identity_domain

    user = accounts.user
    role = accounts.role
    member = accounts.member
    join = accounts.join
    elevated = accounts.elevated
    membership = accounts.membership
    access_right = accounts.access_right
    user_invitation = accounts.user_invitation
    session_token = accounts.session_token
    totp = accounts.totp
    passkey = accounts.passkey

    customer = customers.customer
    product = contracts.product
    rate_plan = contracts.rate_plan
    charge = contracts.charge
    wholesale_price = contracts.wholesale_price
    contract = contracts.contract
    contract_line = contracts.contract_line
    invoice = contracts.invoice
    invoice_line = contracts.invoice_line
    correction = contracts.correction
    usage = contracts.usage
    utm = utms.utm
    reboot = utms.reboot
    customer_with_utm = utms.customer_with_utm

    audit_entry = audit.audit_entry

    import_run = imports.import_run
    import_row = imports.import_row

    application_field = applications.application_field
    service_application = applications.service_application
    utm_application = applications.utm_application
    announcement = support.announcement
    ticket = tickets.ticket
    ticket_message = tickets.ticket_message
    ticket_file = tickets.ticket_file
    portal_user = portal_users.portal_user
    mail_message = mail.mail_message
    mail = mail.mail_message
    confirmed_address = notifications.confirmed_address
