"""A tenant's settings (テナント設定, §5.4.1). A tenant without a row has the defaults."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.db import Base
from models.scope import TenantScoped

DEFAULT_GRACE_DAYS = 20
MAX_GRACE_DAYS = 99

DISPLAY_NAME_LENGTH = 100
CONTACT_LENGTH = 500
MAX_LOGO_BYTES = 200 * 1024
DEFAULT_COLOUR = "#1d4ed8"


class TenantSettings(TenantScoped, Base):
    """The settings of one tenant."""

    __tablename__ = "tenant_settings"
    __table_args__ = (
        CheckConstraint("shortage_grace_days BETWEEN 0 AND 99", name="ck_tenant_settings_grace_days"),
        CheckConstraint("colour ~ '^#[0-9a-f]{6}$'", name="ck_tenant_settings_colour"),
        CheckConstraint("octet_length(logo) <= 204800", name="ck_tenant_settings_logo"),
    )

    tenant_id: Mapped[str] = mapped_column(String(8), ForeignKey("tenant.id"), primary_key=True)
    # UTM追加申請機能: whether customers can apply for more UTMs in the customers' portal.
    utm_applications: Mapped[bool] = mapped_column(server_default="true")
    # The number of days after its creation for which the contract shortage check skips a customer.
    shortage_grace_days: Mapped[int] = mapped_column(server_default=str(DEFAULT_GRACE_DAYS))
    # How the public application form shows the tenant: its name (empty for the tenant's own), colour, contact and logo.
    display_name: Mapped[str] = mapped_column(String(DISPLAY_NAME_LENGTH), server_default="")
    colour: Mapped[str] = mapped_column(String(7), server_default=DEFAULT_COLOUR)
    contact: Mapped[str] = mapped_column(String(CONTACT_LENGTH), server_default="")
    # A PNG. Loaded only where it is shown.
    logo: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    # SHA-256 of the logo in hex, which its URL contains; empty without a logo.
    logo_hash: Mapped[str] = mapped_column(String(64), server_default="")
    # Whether the monthly report (§7.16) is attached to its mail as a PDF.
    report_pdf: Mapped[bool] = mapped_column(server_default="false")
    # Part of the signed invitation URL; a new number ends the old URL.
    invitation_number: Mapped[int] = mapped_column(server_default="1")
    # For optimistic locking of the whole screen, including its lists.
    version: Mapped[int] = mapped_column(server_default="0")


def of_tenant(session: Session) -> TenantSettings:
    """Return the settings of the session's tenant, or the defaults in an unsaved row if it has none."""
    found: TenantSettings | None = session.scalar(select(TenantSettings))
    return found or TenantSettings(
        utm_applications=True,
        shortage_grace_days=DEFAULT_GRACE_DAYS,
        display_name="",
        colour=DEFAULT_COLOUR,
        contact="",
        logo_hash="",
        report_pdf=False,
        invitation_number=1,
        version=0,
    )
