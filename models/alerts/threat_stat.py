"""Threat statistics (脅威統計, §7.13): the detections that UTMs count by hour, function and category.

They are a stream of their own beside the alerts: a busy UTM drops alerts, but it counts every detection.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, DateTime, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from models.alerts.alert import KNOWN_FUNCTIONS
from models.db import ALERT_AREA, Base
from models.scope import TenantScoped

MAX_CATEGORY = 255


class ThreatStat(TenantScoped, Base):
    """The number of detections of a UTM in an hour, for a function and a category.

    Without foreign keys, like the alerts. ``received_at`` is when the UTM sent the number that is stored.
    """

    __tablename__ = "threat_stat"
    __table_args__ = (
        CheckConstraint(KNOWN_FUNCTIONS, name="ck_threat_stat_function"),
        CheckConstraint("count >= 0", name="ck_threat_stat_count"),
        Index("ix_threat_stat_tenant_id_customer_id_hour", "tenant_id", "customer_id", "hour"),
        # For retention: rows are written in the order of their hours, so it is small.
        Index("ix_threat_stat_hour", "hour", postgresql_using="brin"),
        # The key before revision 0043, for processes of the previous version during an upgrade.
        Index("uq_threat_stat_utm_id", "utm_id", "hour", "function", "category", unique=True),
        {"info": ALERT_AREA},
    )

    tenant_id: Mapped[str] = mapped_column(String(8))
    customer_id: Mapped[str] = mapped_column(String(9), primary_key=True)
    utm_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    hour: Mapped[datetime] = mapped_column(DateTime(timezone=True), primary_key=True)
    function: Mapped[str] = mapped_column(String(16), primary_key=True)
    category: Mapped[str] = mapped_column(String(MAX_CATEGORY), primary_key=True)
    count: Mapped[int] = mapped_column(Integer)
    received_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
