"""Contracts in a tenant's session, with what their rules leave behind."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import select

from models.audit import AuditEntry
from models.contracts.contract import Contract
from models.mail.outbox import MailMessage

NOW = datetime(2026, 11, 20, 3, tzinfo=UTC)
TODAY = date(2026, 11, 20)


class Deals:
    """One tenant with a notification address, a customer and a product with a rate plan."""

    def __init__(self, make: Any, in_tenant: Any) -> None:
        self.make = make
        self.in_tenant = in_tenant
        self.tenant = make.tenant(name="サンプルパートナー")
        make.confirmed_address(self.tenant, "tsuchi@example.jp")
        self.customer = make.customer(tenant=self.tenant, name="株式会社テストABC", status="active")
        self.product = make.product(name="見守りサービス")
        self.plan = make.rate_plan(product=self.product, name="月額プラン", price=6600)

    def contract(self, *, quantity: int = 1, **values: Any) -> Contract:
        """A contract of the customer with one line, from 1 April 2026 for a year."""
        defaults = {"start_on": date(2026, 4, 1), "end_on": date(2027, 3, 31), "product": self.product}
        made = self.make.contract(customer_row=self.customer, **defaults | values)
        self.make.contract_line(contract=made, rate_plan=self.plan, quantity=quantity)
        return made

    def run(self, rule: Any, contract: Contract, *arguments: Any, **options: Any) -> Any:
        """Call a rule with the contract in a transaction of the tenant, and commit."""
        with self.in_tenant(self.tenant.id) as session:
            result = rule(session, session.get(Contract, contract.id), *arguments, **options)
            session.commit()
        self.make.session.expire_all()
        return result

    @property
    def mails(self) -> list[MailMessage]:
        """The mails written so far."""
        return list(self.make.session.scalars(select(MailMessage).order_by(MailMessage.id)))

    @property
    def audited(self) -> list[AuditEntry]:
        """The audit entries so far."""
        return list(self.make.session.scalars(select(AuditEntry).order_by(AuditEntry.id)))

    @property
    def status(self) -> str:
        """The customer's status."""
        self.make.session.expire_all()
        return self.customer.status


@pytest.fixture
def deals(make, in_tenant) -> Deals:
    return Deals(make, in_tenant)
