"""Questions about a demo that several tests ask."""

from __future__ import annotations

from sqlalchemy import func, select

from models.accounts.membership import Membership
from models.accounts.user import User
from models.alerts.alert import Alert
from models.audit import AuditEntry
from models.contracts.contract import Contract
from models.customers.customer import Customer
from models.tenants.tenant import Tenant
from models.utms.device_token import DeviceToken
from models.utms.utm import Utm


def row_counts(session) -> dict[str, int]:
    """The number of rows of each table that a demo fills."""
    session.rollback()
    return {
        table.__tablename__: session.scalar(select(func.count()).select_from(table))
        for table in (Tenant, Customer, Contract, Utm, DeviceToken, Alert, User, Membership, AuditEntry)
    }
