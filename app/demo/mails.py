"""Demo mails in every state, for メール送信履歴."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select, update

from app.demo.context import DemoContext
from app.demo.tenants import UTMS
from models import clock
from models.customers.customer import Customer
from models.mail import outbox
from models.mail.outbox import MailMessage, MailState
from models.tenants.tenant import Tenant

_SIGN_IN = "https://portal.example.jp"
_UNKNOWN = "550 5.1.1 <{recipient}>: Recipient address rejected: User unknown"
_DISABLED = "smtp; 550 5.2.1 <desk@example.com>: The mailbox is disabled"
_BUSY = "451 4.7.1 Greylisting in action, please come back later"


@dataclass(frozen=True, slots=True)
class MailPlan:
    """A planned mail.

    :ivar ago: how long ago it was written.
    :ivar recipient: None for the contact person of the tenant's first customer.
    :ivar error: the last error message of the mail server, None if it accepted the mail at once.
    :ivar returned: the status and the reason with which it was returned; None for a mail that arrived.
    :ivar secret: the secret part of a link that was used already.
    """

    kind: str
    ago: timedelta
    values: dict[str, str]
    recipient: str | None = None
    state: MailState = MailState.SENT
    attempts: int = 1
    error: str | None = None
    returned: tuple[str, str] | None = None
    secret: str | None = None


_LOCKED = {"Email": "viewer@example.jp", "PortalUrl": _SIGN_IN}
_INVITED = {"Email": "multi@example.jp", "Url": f"{_SIGN_IN}/setup/used", "SupportEmail": "support@example.jp"}
_ALERT = "{time} | アンチウィルス | Ransom.Crypt.Invented-B | Block"
_ARRIVAL = {"ContractNumber": "A-S00000001", "ArrivalDate": "2026-12-24"}

PLANS = (
    MailPlan("user_invited", timedelta(days=40), _INVITED, "multi@example.jp", secret="used"),  # nosec B106  # noqa: S106  (it was)
    MailPlan("user_added", timedelta(days=33), _INVITED | {"PortalUrl": _SIGN_IN}, "multi@example.jp"),
    MailPlan("account_locked", timedelta(days=12), _LOCKED, "viewer@example.jp"),
    MailPlan("utm_arrival", timedelta(days=9), _ARRIVAL),
    MailPlan("utm_tracking", timedelta(days=8), _ARRIVAL | {"TrackingNumber": "1234-5678-9012"}),
    MailPlan(
        "contract_shortage",
        timedelta(days=2),
        {"CustomerIds": "A00000007"},
        "former.contact@partner.example.jp",
        state=MailState.FAILED,
        error=_UNKNOWN,
    ),
    MailPlan(
        "ticket_answered",
        timedelta(days=1),
        {
            "TicketId": "TC0000001",
            "Title": "月次レポートの宛先について",
            "AuthorName": "見守 花子",
            "Text": "宛先はUTM情報変更画面で変更できます。",
            "Url": _SIGN_IN,
        },
        "operator@example.jp",
    ),
    MailPlan("alert_customer", timedelta(hours=3), {"Url": "https://customer.example.jp"}),
    MailPlan("alert_desk", timedelta(hours=3), {"Url": _SIGN_IN}, "desk@example.com", returned=("5.2.1", _DISABLED)),
    MailPlan(
        "account_locked",
        timedelta(minutes=7),
        _LOCKED | {"Email": "operator@example.jp"},
        "operator@example.jp",
        state=MailState.PENDING,
        attempts=2,
        error=_BUSY,
    ),
)
"""The demo's mails, oldest first."""


def make_mails(context: DemoContext, tenant: Tenant, customer: Customer) -> None:
    """Write the planned mails, and set the states they would have now.

    :param customer: its contact person receives the mails without a recipient.
    """
    for plan in PLANS:
        _make(context, plan, tenant, customer)


def _make(context: DemoContext, plan: MailPlan, tenant: Tenant, customer: Customer) -> None:
    session, written = context.session, context.now - plan.ago
    about = {
        "TenantId": tenant.id,
        "TenantName": tenant.name,
        "CompanyName": customer.name,
        "Name": f"{customer.contact_last_name} {customer.contact_first_name}",
        "UtmName": UTMS[0].name,
        "UtmId": UTMS[0].utm_id,
        "Count": "1",
        "Alerts": _ALERT.format(time=clock.screen_time(written - timedelta(minutes=2))),
    } | plan.values
    recipient = plan.recipient or customer.contact_email
    wanted = outbox.KINDS[plan.kind].placeholders
    values = {name: value for name, value in about.items() if name in wanted}
    in_tenant = None if plan.kind == "account_locked" else tenant.id
    outbox.write(session, plan.kind, recipient, values, now=written, tenant_id=in_tenant, secret=plan.secret)
    session.execute(
        update(MailMessage)
        .where(MailMessage.id == select(MailMessage.id).order_by(MailMessage.id.desc()).limit(1).scalar_subquery())
        .values(
            state=plan.state,
            attempts=plan.attempts,
            secret=None,
            last_error=plan.error.format(recipient=recipient) if plan.error else None,
            returned_at=written + timedelta(seconds=40) if plan.returned else None,
            return_status=plan.returned[0] if plan.returned else None,
            return_reason=plan.returned[1] if plan.returned else None,
            sent_at=written + timedelta(seconds=2) if plan.state == MailState.SENT else None,
            next_attempt_at=context.now + timedelta(minutes=5) if plan.state == MailState.PENDING else written,
        )
        .execution_options(synchronize_session=False)
    )
