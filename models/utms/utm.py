"""UTMs (§7.8 to §7.11): the appliances at the customers' sites."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ColumnElement,
    Computed,
    DateTime,
    ForeignKeyConstraint,
    Identity,
    Index,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from models import audit
from models.actor import Actor
from models.contracts import contract, utm_link
from models.customers.customer import Customer
from models.db import Base, CreatedAt
from models.errors import N_, DomainError
from models.mail import alert_mail_due
from models.name_key import stored_key
from models.plain_rules import apply_creations
from models.scope import TenantScoped
from models.utms import reboot
from models.values.prefecture import PREFECTURES

NO_CONTRACT = N_("Registering a UTM requires a current or future contract that includes a UTM.")
TAKEN_UTM_ID = N_("This UTM ID is already registered.")
TAKEN_SERIAL = N_("This serial number is already registered.")

# The errors for violated unique indexes, when a concurrent request was first.
UNIQUE_ERRORS = {"uq_utm_utm_id_kept": ("utm_id", TAKEN_UTM_ID), "uq_utm_serial_kept": ("serial", TAKEN_SERIAL)}

_NOT_REMOVED = text("removed_at IS NULL")
_PREFECTURE = f"substring(address from '^({'|'.join(PREFECTURES)})')"


class UtmState(StrEnum):
    """The connection state (動作): never seen, seen recently, or not seen recently."""

    UNCONNECTED = "unconnected"
    ONLINE = "online"
    OFFLINE = "offline"


class Utm(TenantScoped, Base):
    """An appliance. Its UTM ID can be registered again after a removal, so the primary key is a surrogate key."""

    __tablename__ = "utm"
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        ForeignKeyConstraint(["tenant_id", "customer_id"], ["customer.tenant_id", "customer.id"]),
        ForeignKeyConstraint(["tenant_id", "replaces_id"], ["utm.tenant_id", "utm.id"], name="fk_utm_replaces"),
        CheckConstraint("utm_id ~ '^[0-9a-f]{12}$'", name="ck_utm_utm_id"),
        CheckConstraint("serial ~ '^[A-Z0-9-]{15,30}$'", name="ck_utm_serial"),
        CheckConstraint("replace(lower(mac_address), ':', '') = utm_id", name="ck_utm_mac_address"),
        Index("uq_utm_utm_id_kept", "utm_id", unique=True, postgresql_where=_NOT_REMOVED),
        Index("uq_utm_serial_kept", "serial", unique=True, postgresql_where=_NOT_REMOVED),
        Index("uq_utm_replaces", "tenant_id", "replaces_id", unique=True),
        Index("ix_utm_tenant_id_customer_id", "tenant_id", "customer_id"),
        *(
            Index(f"ix_utm_tenant_id_{column}", "tenant_id", column, postgresql_where=_NOT_REMOVED)
            for column in ("prefecture", "firmware", "last_seen_at")
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    customer_id: Mapped[str] = mapped_column(String(9))
    utm_id: Mapped[str] = mapped_column(String(12))
    name: Mapped[str] = mapped_column(String(50))
    # The normalized name for search: staff search the UTMs of all tenants. Computed by the database.
    search_name: Mapped[str] = mapped_column(Text, Computed(stored_key("name"), persisted=True))
    serial: Mapped[str] = mapped_column(String(30))
    postcode: Mapped[str] = mapped_column(String(8))
    # Prefecture and address combined, because a UTM's 住所 is one field.
    address: Mapped[str] = mapped_column(String(104))
    # The one that the address starts with, for search. Computed by the database.
    prefecture: Mapped[str | None] = mapped_column(String(4), Computed(_PREFECTURE, persisted=True))
    delivery_status: Mapped[str] = mapped_column(String(104))
    mac_address: Mapped[str | None] = mapped_column(String(17))
    customer_email1: Mapped[str] = mapped_column(String(254), server_default="")
    customer_email2: Mapped[str] = mapped_column(String(254), server_default="")
    customer_email3: Mapped[str] = mapped_column(String(254), server_default="")
    desk_email1: Mapped[str] = mapped_column(String(254), server_default="")
    desk_email2: Mapped[str] = mapped_column(String(254), server_default="")
    desk_email3: Mapped[str] = mapped_column(String(254), server_default="")
    report_email1: Mapped[str] = mapped_column(String(254), server_default="")
    report_email2: Mapped[str] = mapped_column(String(254), server_default="")
    report_email3: Mapped[str] = mapped_column(String(254), server_default="")
    # Reported by its heartbeats; NULL until the first one.
    last_seen_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    firmware: Mapped[str | None] = mapped_column(String(64))
    ip_address: Mapped[str | None] = mapped_column(String(45))
    reported_mac: Mapped[str | None] = mapped_column(String(17))
    # The UTM that it was exchanged for (models.utms.exchange).
    replaces_id: Mapped[int | None] = mapped_column(BigInteger)
    created_at: Mapped[CreatedAt]
    removed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    version: Mapped[int] = mapped_column(server_default="1")

    customer: Mapped[Customer] = relationship("Customer", foreign_keys=[customer_id], back_populates="utms")
    replaces: Mapped[Utm | None] = relationship(
        "Utm", foreign_keys=[replaces_id], remote_side="Utm.id", back_populates="replaced_by"
    )
    replaced_by: Mapped[Utm | None] = relationship(
        "Utm", foreign_keys=[replaces_id], back_populates="replaces", passive_deletes="all"
    )
    tokens: Mapped[list[Any]] = relationship(
        "DeviceToken", foreign_keys="DeviceToken.utm_id", back_populates="utm", passive_deletes="all"
    )

    def state(self, *, now: datetime, online_for: timedelta) -> UtmState:
        """Return the connection state (動作) at a time.

        :param online_for: how long a UTM counts as online after its last call.
        """
        if self.last_seen_at is None:
            return UtmState.UNCONNECTED
        return UtmState.ONLINE if now - self.last_seen_at <= online_for else UtmState.OFFLINE

    @property
    def reports_another_mac(self) -> bool:
        """Whether the MAC address in its heartbeats differs from the one that its UTM ID is derived from."""
        return self.reported_mac is not None and self.reported_mac.replace(":", "") != self.utm_id


def in_state(state: UtmState, *, now: datetime, online_for: timedelta) -> ColumnElement[bool]:
    """Return the condition that a UTM is in a connection state, consistent with ``Utm.state``.

    :param online_for: how long a UTM counts as online after its last call.
    """
    if state == UtmState.UNCONNECTED:
        return Utm.last_seen_at.is_(None)
    since = now - online_for
    return Utm.last_seen_at >= since if state == UtmState.ONLINE else Utm.last_seen_at < since


def register(session: Session, customer: Customer, values: dict[str, Any], *, today: date, by: Actor) -> Utm:
    """Register a UTM for a customer (§7.8).

    :param values: the form's values, normalized for storage.
    :param today: the day in Asia/Tokyo.
    :raises DomainError: no contract allows it. A UTM ID or serial number that is taken is reported by the database at
        the flush (``UNIQUE_ERRORS``), because only the database sees other tenants' UTMs.
    """
    return register_all(session, [(customer, values)], today=today, by=by)[0]


def register_all(
    session: Session, registered: Sequence[tuple[Customer, dict[str, Any]]], *, today: date, by: Actor
) -> list[Utm]:
    """Register several UTMs, like :func:`register`.

    :param registered: the customers with the values of their UTMs.
    """
    allowed = contract.allowing_utm(session, {customer.id for customer, _ in registered}, today=today)
    if any(customer.id not in allowed for customer, _ in registered):
        raise DomainError(NO_CONTRACT)
    utms = [Utm(tenant_id=customer.tenant_id, customer_id=customer.id, **values) for customer, values in registered]
    apply_creations(session, utms, action="utm.registered", by=by)
    return utms


def remove(session: Session, utm: Utm, *, now: datetime, by: Actor) -> None:
    """Remove a UTM (§7.10).

    Its token is revoked, its open reboots are cancelled, its contract loses the link to it, alert mails not yet sent are
    dropped, and its alerts remain on the list screens.
    """
    remove_all(session, [utm], now=now, by=by)


def remove_all(session: Session, utms: Sequence[Utm], *, now: datetime, by: Actor) -> None:
    """Remove several UTMs, like :func:`remove`."""
    kept = [utm for utm in utms if utm.removed_at is None]
    reboot.cancel_open(session, [utm.id for utm in kept], now=now, by=by)
    for token in [token for utm in kept for token in utm.tokens]:
        token.revoked_at = token.revoked_at or now
    utm_link.unlink(session, [(utm.customer_id, utm.utm_id) for utm in kept], by=by)
    # Only after reading the tokens: the query would flush this change, and the audit log reads unflushed changes.
    for utm in kept:
        utm.removed_at = now
    audit.record_all(session, "utm.removed", map(audit.change_of, kept), by=by)
    # This locks the rows of the UTMs: a mail that is being written waits for it, or is dropped below.
    session.flush()
    alert_mail_due.drop(session, [utm.id for utm in kept])


def record_heartbeat(utm: Utm, *, now: datetime, firmware: str | None, ip_address: str | None, mac: str | None) -> None:
    """Record the data of a heartbeat. The reported MAC address is only displayed next to the registered one."""
    utm.last_seen_at = now
    utm.firmware = firmware or utm.firmware
    utm.ip_address = ip_address or utm.ip_address
    utm.reported_mac = mac or utm.reported_mac
