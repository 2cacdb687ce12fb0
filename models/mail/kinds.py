"""The kinds of mail the portal sends: their names, placeholders and default texts.

The texts are files in ``texts``, one per kind. A kind with a title is one of the twelve templates that a tenant can
customize (§5.4.3); the others have a fixed text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from models.errors import N_

_TEXTS = Path(__file__).with_name("texts")

_SAMPLES = {
    "Name": "見本 太郎",
    "CompanyName": "見本工業株式会社",
    "ApplicationNumber": "AAP-0A1B2C3D",
    "Result": "承認",
    "Reason": "ご登録の内容を確かめました。",
    "TenantName": "見本テナント",
    "UtmCount": "2",
    "UserId": "AB123456",
    "Url": "https://customer.example.jp/links/sample",
    "ExpiresOn": "2026-12-31",
    "ContractNumber": "A-S00000001",
    "ArrivalDate": "2026-12-24",
    "TrackingNumber": "1234-5678-9012",
    "UtmName": "本社ゲートウェイ",
    "UtmId": "a1b2c3d4e5f6",
    "ScheduledAt": "2026-12-24 03:00",
}
"""Sample values of the placeholders, for the preview of a tenant's custom text."""

_APPLICANT = ("Name", "CompanyName", "ApplicationNumber")
_REBOOT = ("CompanyName", "UtmName", "UtmId", "ScheduledAt", "TenantName")
_CONTRACT = ("TenantName", "ProductId", "ProductName", "TenantId", "CustomerId", "ContractNumber")
_ARRIVAL = ("TenantName", "ApplicantName", "PortalUrl", "ApplicationNumber")
_ALERTS = ("CompanyName", "UtmName", "UtmId", "Count", "Alerts", "Url")


@dataclass(frozen=True, slots=True)
class MailText:
    """A text with its placeholders.

    :param subject: None for an SMS.
    """

    subject: str | None
    body: str


@dataclass(frozen=True, slots=True)
class MailKind:
    """One kind of mail.

    :param name: its key, and the name of its text file.
    :param placeholders: the names allowed between double braces.
    :param section: the section of the manual, if any.
    :param title: the name on the template screens (テンプレート); None for a kind with a fixed text.
    :param lines: the placeholders whose values may have several lines.
    :param sms: whether it is an SMS, which has no subject.
    :param fixed_title: the name of a kind with a fixed text in the log of sent mail.
    """

    name: str
    placeholders: tuple[str, ...]
    section: str | None = None
    title: str | None = None
    lines: frozenset[str] = frozenset()
    sms: bool = False
    fixed_title: str | None = None

    @property
    def label(self) -> str:
        """The name shown on screens."""
        return self.title or self.fixed_title or self.name

    @property
    def editable(self) -> bool:
        """Whether a tenant can customize the text."""
        return self.title is not None

    @property
    def samples(self) -> Mapping[str, str]:
        """Sample values for the placeholders of an editable kind, for the preview."""
        return {name: _SAMPLES[name] for name in self.placeholders} | (
            {"ApplicationNumber": "UAP-0A1B2C3D"} if self.name.startswith("utm_application") else {}
        )

    @property
    def default(self) -> MailText:
        """The default text."""
        return _default(self.name, sms=self.sms)


@cache
def _default(name: str, *, sms: bool) -> MailText:
    subject, _, body = (_TEXTS / f"{name}.txt").read_text("utf-8").partition("\n\n")
    return MailText(None if sms else subject, body.lstrip("\n") if sms else body)


EDITABLE = (
    MailKind("application_confirm", (*_APPLICANT, "Url", "TenantName"), title=N_("Service application: confirm")),
    MailKind("application_received", (*_APPLICANT, "TenantName"), title=N_("Service application: received")),
    MailKind(
        "application_result",
        (*_APPLICANT, "Result", "Reason", "TenantName"),
        title=N_("Service application: result"),
        lines=frozenset({"Reason"}),
    ),
    MailKind(
        "utm_application_received", (*_APPLICANT, "UtmCount", "TenantName"), title=N_("UTM application: received")
    ),
    MailKind(
        "utm_application_result",
        (*_APPLICANT, "Result", "Reason", "TenantName"),
        title=N_("UTM application: result"),
        lines=frozenset({"Reason"}),
    ),
    MailKind(
        "portal_user_invited",
        ("Name", "CompanyName", "UserId", "Url", "ExpiresOn", "TenantName"),
        title=N_("Portal user: invitation"),
    ),
    MailKind("password_reset_mail", ("Name", "Url", "TenantName"), title=N_("Password reset (email)")),
    MailKind("password_reset_sms", ("Url",), title=N_("Password reset (SMS)"), sms=True),
    MailKind(
        "utm_arrival",
        ("Name", "CompanyName", "ContractNumber", "ArrivalDate", "TenantName"),
        title=N_("UTM: expected arrival"),
    ),
    MailKind(
        "utm_tracking",
        ("Name", "CompanyName", "ContractNumber", "TrackingNumber", "TenantName"),
        title=N_("UTM: tracking number"),
    ),
    MailKind("reboot_scheduled", _REBOOT, section="7.12.2", title=N_("UTM reboot: scheduled")),
    MailKind("reboot_cancelled", _REBOOT, section="7.12.3", title=N_("UTM reboot: cancelled")),
)
"""The twelve editable templates, in the order on the screen."""

FIXED = (
    MailKind(
        "user_invited",
        ("Email", "TenantId", "TenantName", "Url", "SupportEmail"),
        section="2.1",
        fixed_title=N_("Invitation of a user"),
    ),
    MailKind(
        "user_added",
        ("Email", "TenantId", "TenantName", "PortalUrl", "SupportEmail"),
        section="2.1",
        fixed_title=N_("User added to a tenant"),
    ),
    MailKind("account_locked", ("Email", "PortalUrl"), section="3.1", fixed_title=N_("Account locked")),
    MailKind("second_factor_added", ("Email", "Factor", "PortalUrl"), fixed_title=N_("Second factor added")),
    MailKind("second_factor_removed", ("Email", "Factor", "PortalUrl"), fixed_title=N_("Second factor removed")),
    MailKind("second_factor_reset", ("Email", "PortalUrl"), fixed_title=N_("Second factors reset")),
    MailKind("password_set_up", ("Email", "Url"), fixed_title=N_("Link to set a password")),
    MailKind("password_forgotten", ("Email", "Url"), section="12", fixed_title=N_("Forgotten password")),
    MailKind(
        "ticket_created",
        ("TicketId", "Title", "TenantId", "TenantName", "AuthorName", "Text", "Url"),
        section="11",
        lines=frozenset({"Text"}),
        fixed_title=N_("Ticket created"),
    ),
    MailKind(
        "ticket_replied",
        ("TicketId", "Title", "TenantId", "TenantName", "AuthorName", "Text", "Url"),
        section="11",
        lines=frozenset({"Text"}),
        fixed_title=N_("Reply to a ticket"),
    ),
    MailKind(
        "ticket_answered",
        ("TicketId", "Title", "AuthorName", "Text", "Url"),
        section="11",
        lines=frozenset({"Text"}),
        fixed_title=N_("Ticket answered"),
    ),
    MailKind(
        "ticket_closed", ("TicketId", "Title", "AuthorName", "Url"), section="11", fixed_title=N_("Ticket closed")
    ),
    MailKind(
        "contract_shortage",
        ("TenantName", "TenantId", "CustomerIds"),
        section="5.4.1",
        lines=frozenset({"CustomerIds"}),
        fixed_title=N_("Contract shortage"),
    ),
    MailKind(
        "address_confirmation",
        ("TenantName", "Url"),
        section="5.4.2",
        fixed_title=N_("Confirmation of a notification address"),
    ),
    MailKind(
        "contract_made",
        (*_CONTRACT, "StartsOn", "EndsOn", "RenewalTerm"),
        section="7.5.5",
        fixed_title=N_("Contract created"),
    ),
    MailKind(
        "contract_cancelled",
        (*_CONTRACT, "CancelledOn", "Fee"),
        section="7.6.2",
        fixed_title=N_("Contract was cancelled"),
    ),
    MailKind(
        "contract_cancellation_undone",
        (*_CONTRACT, "UndoneOn"),
        section="7.6.4",
        fixed_title=N_("Cancellation of a contract undone"),
    ),
    MailKind(
        "application_arrived", _ARRIVAL, section="8.2.4", fixed_title=N_("Service application: notice of arrival")
    ),
    MailKind(
        "application_approved", _ARRIVAL, section="8.2.2", fixed_title=N_("Service application: notice of approval")
    ),
    MailKind("application_denied", _ARRIVAL, section="8.2.2", fixed_title=N_("Service application: notice of denial")),
    MailKind(
        "utm_application_arrived", _ARRIVAL, section="8.3.4", fixed_title=N_("UTM application: notice of arrival")
    ),
    MailKind(
        "alert_customer",
        _ALERTS,
        section="7.17",
        lines=frozenset({"Alerts"}),
        fixed_title=N_("Alerts (to the customer)"),
    ),
    MailKind(
        "alert_desk",
        _ALERTS,
        section="7.17",
        lines=frozenset({"Alerts"}),
        fixed_title=N_("Alerts (to the service desk)"),
    ),
    MailKind(
        "monthly_report",
        ("CompanyName", "Month", "Report"),
        section="7.16",
        lines=frozenset({"Report"}),
        fixed_title=N_("Monthly report"),
    ),
)
"""The kinds with a fixed text."""

KINDS = {kind.name: kind for kind in (*EDITABLE, *FIXED)}
"""All kinds by name."""
