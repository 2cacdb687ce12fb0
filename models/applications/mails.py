"""Mail about applications: to the applicant by the tenant's templates, and to the tenant (§8.2.2, §8.2.4, §8.3.4)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy.orm import Session

from models.applications.application import ServiceApplication
from models.applications.utm_application import UtmApplication
from models.mail import outbox
from models.notifications import address
from models.tenants.tenant import Tenant

APPROVED = "承認"
DENIED = "否認"


def confirm(
    session: Session,
    application: ServiceApplication,
    token: str,
    *,
    url_of: Callable[[str], str],
    now: datetime,
) -> None:
    """Mail the applicant the link that confirms the application (サービス申込み確認).

    :param token: the token of the link.
    :param url_of: returns the URL for a token.
    """
    values = _of_applicant(session, application) | {"Url": url_of(token)}
    outbox.write(
        session,
        "application_confirm",
        application.email,
        values,
        now=now,
        tenant_id=application.tenant_id,
        secret=token,
    )


def received(session: Session, application: ServiceApplication, *, portal_url: str, now: datetime) -> None:
    """Tell the applicant (サービス申込み完了) and the tenant (§8.2.4) that an application was received."""
    values = _of_applicant(session, application)
    outbox.write(session, "application_received", application.email, values, now=now, tenant_id=application.tenant_id)
    _tell_tenant(session, "application_arrived", application, application.name, portal_url, now)


def decided(session: Session, application: ServiceApplication, *, reason: str, portal_url: str, now: datetime) -> None:
    """Tell the applicant (サービス申込み結果) and the tenant (§8.2.2) what became of an application.

    :param reason: the reason that the applicant is told; empty for none.
    """
    approved = application.customer_id is not None
    values = _of_applicant(session, application) | {"Result": APPROVED if approved else DENIED, "Reason": reason}
    outbox.write(session, "application_result", application.email, values, now=now, tenant_id=application.tenant_id)
    kind = "application_approved" if approved else "application_denied"
    _tell_tenant(session, kind, application, application.name, portal_url, now)


def utm_received(session: Session, application: UtmApplication, *, portal_url: str, now: datetime) -> None:
    """Tell the applicant (UTM追加申込み完了) and the tenant (§8.3.4) that a UTM application was received."""
    values = _of_utm_applicant(session, application) | {"UtmCount": str(application.utm_count)}
    _, email = application.recipient
    outbox.write(session, "utm_application_received", email, values, now=now, tenant_id=application.tenant_id)
    _tell_tenant(session, "utm_application_arrived", application, values["Name"], portal_url, now)


def utm_decided(session: Session, application: UtmApplication, *, approved: bool, reason: str, now: datetime) -> None:
    """Tell the applicant what became of a UTM application (UTM追加申込み結果).

    :param reason: the reason that the applicant is told; empty for none.
    """
    result = {"Result": APPROVED if approved else DENIED, "Reason": reason}
    _, email = application.recipient
    values = _of_utm_applicant(session, application) | result
    outbox.write(session, "utm_application_result", email, values, now=now, tenant_id=application.tenant_id)


def _tell_tenant(  # noqa: PLR0913, PLR0917  (each is a fact about the mail)
    session: Session,
    kind: str,
    application: ServiceApplication | UtmApplication,
    applicant: str,
    portal_url: str,
    now: datetime,
) -> None:
    recipients = address.in_force(session, application.tenant_id)
    if not recipients:
        return
    values = {
        "TenantName": _tenant_name(session, application.tenant_id),
        "ApplicantName": applicant,
        "PortalUrl": portal_url,
        "ApplicationNumber": application.id,
    }
    outbox.write(session, kind, recipients, values, now=now, tenant_id=application.tenant_id)


def _of_applicant(session: Session, application: ServiceApplication) -> dict[str, str]:
    return {
        "Name": application.name,
        "CompanyName": application.company,
        "ApplicationNumber": application.id,
        "TenantName": _tenant_name(session, application.tenant_id),
    }


def _of_utm_applicant(session: Session, application: UtmApplication) -> dict[str, str]:
    name, _ = application.recipient
    return {
        "Name": name,
        "CompanyName": application.customer.name,
        "ApplicationNumber": application.id,
        "TenantName": _tenant_name(session, application.tenant_id),
    }


def _tenant_name(session: Session, tenant_id: str) -> str:
    return str(session.get_one(Tenant, tenant_id).name)
