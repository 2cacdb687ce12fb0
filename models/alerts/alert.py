"""Alerts (§7.17): one row per detection, never edited by a person, kept after its UTM is removed.

The table is partitioned by month (in Asia/Tokyo). It has no foreign keys: they make inserts several times slower, and
tenant and customer come from the UTM whose token sent the row. ``ingest`` inserts the rows, ``search`` and ``export``
read them.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Computed,
    Date,
    DateTime,
    Index,
    Integer,
    Sequence,
    SmallInteger,
    String,
    desc,
    func,
    literal_column,
    text,
)
from sqlalchemy.dialects.postgresql import INET, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from models.db import ALERT_AREA, Base
from models.scope import TenantScoped

alert_seq = Sequence("alert_seq")


class SecurityFunction(StrEnum):
    """The security functions (セキュリティ機能), by their names in the device API."""

    ANTIVIRUS = "antivirus"
    IPS = "ips"
    WEB_GUARD = "web_guard"
    URL_FILTER = "url_filter"
    APP_GUARD = "app_guard"


class AlertLevel(StrEnum):
    """The alert level (アラートレベル). High alerts are mailed."""

    HIGH = "high"
    LOW = "low"


FUNCTION_LABELS = {
    SecurityFunction.ANTIVIRUS: "アンチウィルス",
    SecurityFunction.IPS: "IPS",
    SecurityFunction.WEB_GUARD: "Webガード",
    SecurityFunction.URL_FILTER: "URLフィルタリング",
    SecurityFunction.APP_GUARD: "アプリケーションガード",
}
"""The labels in CSV files and mails. Screens have translated labels (``views.alerts.rows``)."""

ACTION_LABELS = {"pass": "Pass", "block": "Block"}  # nosec B105  # ("pass" is an action)
"""The actions (処置) of §7.17, in lower case. Devices send other values too."""
LEVEL_LABELS = {AlertLevel.HIGH: "High", AlertLevel.LOW: "Low"}

KNOWN_FUNCTIONS = "function IN ('antivirus', 'ips', 'web_guard', 'url_filter', 'app_guard')"
"""The CHECK constraint of the tables with a ``function``."""
_OTHER_ACTION = " AND ".join(f"lower(action) <> '{each}'" for each in ACTION_LABELS)
_LEVELS = "level IN ('high', 'low')"

# The text for substring search, in lower case. An index row has room for 2,048 bytes of it.
_THREAT = """
left(lower(coalesce(virus, '') || coalesce(chr(10) || msg, '') || coalesce(chr(10) || cname, '')
    || coalesce(chr(10) || app, '')), 512)
"""
CUT_AT = 512
"""How many characters of the threat text, and of a URL too long for an index, are kept in lower case for the search."""
_URL_TEXT = "CASE WHEN octet_length(lower(url)) <= 2048 THEN lower(url) ELSE left(lower(url), 512) END"

# The order of the list, and the columns that it filters, counts and sorts by; row-level security checks the tenant.
_NEWEST: tuple[Any, ...] = ("customer_id", desc("occurred_at"), desc("seq"))
_SHOWN = ["tenant_id", "utm_id", "alert_id", "function", "action", "level"]
_LISTED = [*_SHOWN, "threat"]


class Alert(TenantScoped, Base):
    """One detection. The columns after ``lowered_by`` are those of §13.1 under nearly the same names."""

    __tablename__ = "alert"
    __table_args__ = (
        CheckConstraint(KNOWN_FUNCTIONS, name="ck_alert_function"),
        CheckConstraint(_LEVELS, name="ck_alert_level"),
        # The list reads a customer's newest rows from this index, and turns pages on (occurred_at, seq): it reads only
        # the rows it shows.
        Index("ix_alert_list", *_NEWEST, postgresql_include=_LISTED),
        # Partial indexes for the most common filters that match few rows.
        Index("ix_alert_high", *_NEWEST, postgresql_include=_LISTED, postgresql_where=text("level = 'high'")),
        Index(
            "ix_alert_seldom_function",
            *_NEWEST,
            postgresql_include=_LISTED,
            postgresql_where=text("function IN ('antivirus', 'web_guard')"),
        ),
        Index("ix_alert_other_action", *_NEWEST, postgresql_include=_LISTED, postgresql_where=text(_OTHER_ACTION)),
        # Few alerts have a file, and half of them a URL.
        Index(
            "ix_alert_url",
            *_NEWEST,
            postgresql_include=[*_SHOWN, "url_text"],
            postgresql_where=text("url_text IS NOT NULL"),
        ),
        Index(
            "ix_alert_file",
            *_NEWEST,
            postgresql_include=[*_SHOWN, "file_text"],
            postgresql_where=text("file_text IS NOT NULL"),
        ),
        # The rows whose search text is truncated.
        *(
            Index(
                f"ix_alert_long_{name}",
                *_NEWEST,
                postgresql_include=["tenant_id"],
                postgresql_where=text(f"char_length({name}) = {CUT_AT}"),
            )
            for name in ("threat", "url_text")
        ),
        # For searches that match few rows: one IP address among thousands, or a single alert.
        Index("ix_alert_source", "customer_id", "src_ip", *_NEWEST[1:]),
        Index("ix_alert_destination", "customer_id", "dst_ip", *_NEWEST[1:]),
        Index("ix_alert_alert_id", "customer_id", "alert_id", postgresql_ops={"alert_id": "varchar_pattern_ops"}),
        {"postgresql_partition_by": "RANGE (occurred_at)", "info": ALERT_AREA},
    )

    # UTM, time and alert ID identify a line, so that a line sent twice is stored once. The customer is the first column of
    # each key, because Citus distributes the rows by it (docs/scaling.md).
    tenant_id: Mapped[str] = mapped_column(String(8))
    customer_id: Mapped[str] = mapped_column(String(9), primary_key=True)
    utm_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    occurred_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), primary_key=True)
    alert_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    # Alert IDs repeat between UTMs; this number is unique, so that paging by it skips no rows.
    seq: Mapped[int] = mapped_column(BigInteger, alert_seq, server_default=alert_seq.next_value())
    function: Mapped[str] = mapped_column(String(16))
    action: Mapped[str] = mapped_column(String(32))
    level: Mapped[str] = mapped_column(String(8))
    sender_level: Mapped[str | None] = mapped_column(String(8))
    # The version of the policy that decided the level on arrival; NULL for alerts that arrived before there were versions.
    policy_version: Mapped[int | None] = mapped_column(SmallInteger)
    # The version that changed it from High to Low before the mail; NULL if the level is that of the arrival.
    lowered_by: Mapped[int | None] = mapped_column(SmallInteger)
    src_ip: Mapped[str | None] = mapped_column(INET)
    src_port: Mapped[int | None] = mapped_column(Integer)
    dst_ip: Mapped[str | None] = mapped_column(INET)
    dst_port: Mapped[int | None] = mapped_column(Integer)
    src_mac: Mapped[str | None] = mapped_column(String(64))
    dst_mac: Mapped[str | None] = mapped_column(String(64))
    xff: Mapped[str | None] = mapped_column(String(255))
    iif: Mapped[str | None] = mapped_column(String(255))
    proto: Mapped[str | None] = mapped_column(String(255))
    l7_proto: Mapped[str | None] = mapped_column(String(255))
    virus: Mapped[str | None] = mapped_column(String(512))
    vid: Mapped[str | None] = mapped_column(String(255))
    file: Mapped[str | None] = mapped_column(String(512))
    severity: Mapped[str | None] = mapped_column(String(255))
    subject: Mapped[str | None] = mapped_column(String(512))
    mail_date: Mapped[str | None] = mapped_column(String(255))
    msg: Mapped[str | None] = mapped_column(String(512))
    sid: Mapped[str | None] = mapped_column(String(255))
    url: Mapped[str | None] = mapped_column(String(2048))
    cid: Mapped[str | None] = mapped_column(String(255))
    gid: Mapped[str | None] = mapped_column(String(255))
    app: Mapped[str | None] = mapped_column(String(512))
    aid: Mapped[str | None] = mapped_column(String(255))
    bid: Mapped[str | None] = mapped_column(String(255))
    ctype: Mapped[str | None] = mapped_column(String(255))
    cname: Mapped[str | None] = mapped_column(String(512))
    atype: Mapped[str | None] = mapped_column(String(255))
    # Unknown keys of the line: stored, but not shown.
    extra: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    # For the search: 脅威名 (virus, message, category and application), URL and file name.
    threat: Mapped[str] = mapped_column(String(512), Computed(_THREAT, persisted=True))
    url_text: Mapped[str | None] = mapped_column(String(2048), Computed(_URL_TEXT, persisted=True))
    file_text: Mapped[str | None] = mapped_column(String(512), Computed("left(lower(file), 512)", persisted=True))


_LINE_BREAK: Any = literal_column("chr(10)")
DETECTION = func.coalesce(
    func.nullif(func.replace(func.btrim(Alert.threat, _LINE_BREAK), _LINE_BREAK, literal_column("' / '")), ""),
    func.substring(Alert.url_text, literal_column("'^(?:[a-z]+://)?([^/?#]+)'")),
    Alert.file_text,
    literal_column("'-'"),
)
"""What an alert detected, in lower case: the threat that it names, else the host of its URL, else its file."""

DETECTION_NAME = func.concat_ws(" / ", Alert.virus, Alert.msg, Alert.cname, Alert.app)
"""The threat that an alert names, as it was sent; empty if it names none."""


class AlertDaily(TenantScoped, Base):
    """The number of alerts a UTM raised per day (in Asia/Tokyo), updated in the transaction that stores the alerts."""

    __tablename__ = "alert_daily"
    __table_args__ = (
        CheckConstraint(KNOWN_FUNCTIONS, name="ck_alert_daily_function"),
        CheckConstraint(_LEVELS, name="ck_alert_daily_level"),
        Index("ix_alert_daily_tenant_id_customer_id_day", "tenant_id", "customer_id", "day"),
        # For retention: rows are written in the order of their days, so it is small.
        Index("ix_alert_daily_day", "day", postgresql_using="brin"),
        # The key before revision 0043, for processes of the previous version during an upgrade.
        Index("uq_alert_daily_utm_id", "utm_id", "day", "function", "level", unique=True),
        # For the High alerts of all tenants in a period (models.overview).
        Index("ix_alert_daily_high", "day", "tenant_id", postgresql_where=text("level = 'high'")),
        {"info": ALERT_AREA},
    )

    tenant_id: Mapped[str] = mapped_column(String(8))
    customer_id: Mapped[str] = mapped_column(String(9), primary_key=True)
    utm_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    function: Mapped[str] = mapped_column(String(16), primary_key=True)
    level: Mapped[str] = mapped_column(String(8), primary_key=True)
    count: Mapped[int] = mapped_column(Integer)
