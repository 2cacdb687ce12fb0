"""Mail about contracts: to the tenant (§7.5.5, §7.6.2, §7.6.4), and about deliveries to the customer's contact person."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from models import clock
from models.contracts.contract import Contract
from models.mail import outbox
from models.notifications import address
from models.tenants.tenant import Tenant


def term_text(months: int) -> str:
    """Return a term in the manual's format, such as ``1年 0ヵ月``. Mails are in Japanese.

    :param months: the length of the term.
    """
    years, rest = divmod(months, 12)
    return f"{years}年 {rest}ヵ月"


def contract_made(session: Session, contract: Contract, *, now: datetime) -> None:
    """Notify the tenant that a contract was created (§7.5.5)."""
    more = {
        "StartsOn": contract.start_on.isoformat(),
        "EndsOn": contract.end_on.isoformat(),
        "RenewalTerm": term_text(contract.renewal_months),
    }
    _tell_tenant(session, "contract_made", contract, more, now=now)


def contract_cancelled(session: Session, contract: Contract, *, now: datetime) -> None:
    """Notify the tenant that a contract was cancelled (§7.6.2)."""
    more = {"CancelledOn": contract.end_on.isoformat(), "Fee": "なし" if contract.cancellation_fee is None else "あり"}
    _tell_tenant(session, "contract_cancelled", contract, more, now=now)


def cancellation_undone(session: Session, contract: Contract, *, now: datetime) -> None:
    """Notify the tenant that the cancellation of a contract was undone (§7.6.4)."""
    more = {"UndoneOn": clock.tokyo_day(now).isoformat()}
    _tell_tenant(session, "contract_cancellation_undone", contract, more, now=now)


def arrival(session: Session, contract: Contract, *, now: datetime) -> None:
    """Notify the customer's contact person of the UTM's arrival date."""
    more = {"ArrivalDate": contract.arrival_on.isoformat() if contract.arrival_on else ""}
    _tell_customer(session, "utm_arrival", contract, more, now=now)


def tracking(session: Session, contract: Contract, *, now: datetime) -> None:
    """Notify the customer's contact person of the UTM's tracking number."""
    _tell_customer(session, "utm_tracking", contract, {"TrackingNumber": contract.tracking_number}, now=now)


def _tell_tenant(session: Session, kind: str, contract: Contract, more: dict[str, str], *, now: datetime) -> None:
    recipients = address.in_force(session, contract.tenant_id)
    if not recipients:
        return
    values = {
        "TenantName": _tenant_name(session, contract),
        "ProductId": str(contract.product_id),
        "ProductName": contract.product.name,
        "TenantId": contract.tenant_id,
        "CustomerId": contract.customer_id,
        "ContractNumber": contract.id,
    }
    outbox.write(session, kind, recipients, values | more, now=now, tenant_id=contract.tenant_id)


def _tell_customer(session: Session, kind: str, contract: Contract, more: dict[str, str], *, now: datetime) -> None:
    customer = contract.customer
    values = {
        "Name": customer.contact_name,
        "CompanyName": customer.name,
        "ContractNumber": contract.id,
        "TenantName": _tenant_name(session, contract),
    }
    outbox.write(session, kind, customer.contact_email, values | more, now=now, tenant_id=contract.tenant_id)


def _tenant_name(session: Session, contract: Contract) -> str:
    tenant = session.get_one(Tenant, contract.tenant_id)
    return str(tenant.name)
