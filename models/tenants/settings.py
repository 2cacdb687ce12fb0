"""A tenant's settings (テナント設定, §5.4.1). A tenant without a row has the defaults."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.db import Base
from models.scope import TenantScoped

DEFAULT_GRACE_DAYS = 20
MAX_GRACE_DAYS = 99


class TenantSettings(TenantScoped, Base):
    """The settings of one tenant."""

    __tablename__ = "tenant_settings"
    __table_args__ = (CheckConstraint("shortage_grace_days BETWEEN 0 AND 99", name="ck_tenant_settings_grace_days"),)

    tenant_id: Mapped[str] = mapped_column(String(8), ForeignKey("tenant.id"), primary_key=True)
    # UTM追加申請機能: whether customers can apply for more UTMs in the customers' portal.
    utm_applications: Mapped[bool] = mapped_column(server_default="true")
    # The number of days after its creation for which the contract shortage check skips a customer.
    shortage_grace_days: Mapped[int] = mapped_column(server_default=str(DEFAULT_GRACE_DAYS))
    # For optimistic locking of the whole screen, including its lists.
    version: Mapped[int] = mapped_column(server_default="0")


def of_tenant(session: Session) -> TenantSettings:
    """Return the settings of the session's tenant, or the defaults in an unsaved row if it has none."""
    found: TenantSettings | None = session.scalar(select(TenantSettings))
    return found or TenantSettings(utm_applications=True, shortage_grace_days=DEFAULT_GRACE_DAYS, version=0)
