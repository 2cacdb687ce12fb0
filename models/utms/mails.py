"""Mail about the reboots of a UTM to its 通知先(顧客) (§7.12.2, §7.12.3)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from models import clock
from models.mail import outbox
from models.tenants.tenant import Tenant
from models.utms.reboot import Reboot
from models.utms.utm import Utm


def slot_text(due_at: datetime) -> str:
    """Return a planned time to the minute, in Tokyo, such as ``2026-12-24 03:00``."""
    return clock.screen_time(due_at)[:16]


def reboot_scheduled(session: Session, utm: Utm, reboot: Reboot, *, now: datetime) -> bool:
    """Notify the customer that a reboot is planned; return whether the UTM has an address for that."""
    return _notify(session, "reboot_scheduled", utm, reboot, now=now)


def reboot_cancelled(session: Session, utm: Utm, reboot: Reboot, *, now: datetime) -> bool:
    """Notify the customer that a planned reboot was cancelled; return whether the UTM has an address for that."""
    return _notify(session, "reboot_cancelled", utm, reboot, now=now)


def _notify(session: Session, kind: str, utm: Utm, reboot: Reboot, *, now: datetime) -> bool:
    recipients = [each for each in (utm.customer_email1, utm.customer_email2, utm.customer_email3) if each]
    if not recipients:
        return False
    values = {
        "CompanyName": utm.customer.name,
        "UtmName": utm.name,
        "UtmId": utm.utm_id,
        "ScheduledAt": slot_text(reboot.due_at),
        "TenantName": session.get_one(Tenant, utm.tenant_id).name,
    }
    outbox.write(session, kind, recipients, values, now=now, tenant_id=utm.tenant_id)
    return True
