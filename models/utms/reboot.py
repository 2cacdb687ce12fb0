"""Reboots of UTMs (§7.12): requested at once or planned, and what became of them. The table is the only record of both."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKeyConstraint,
    Identity,
    Index,
    String,
    select,
    text,
)
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from models import audit
from models.actor import Actor
from models.db import Base
from models.scope import TenantScoped

if TYPE_CHECKING:
    from models.utms.utm import Utm

MESSAGE_LENGTH = 500
"""The maximum length of the message with which a UTM reports a result."""

BOOT_ID_LENGTH = 64
"""The maximum length of the identifier of a boot."""


class RebootState(StrEnum):
    """The state of a reboot. The last three are final."""

    SCHEDULED = "scheduled"
    REQUESTED = "requested"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


OPEN = (RebootState.SCHEDULED, RebootState.REQUESTED)
"""The states of reboots that are still to be done."""


class RebootFailure(StrEnum):
    """The reason why a reboot failed."""

    OFFLINE = "offline"
    """A planned one: the UTM was not online in time."""
    NOT_FETCHED = "not_fetched"
    """The UTM did not fetch the command."""
    NO_RESULT = "no_result"
    """The UTM fetched the command, but did not come back from a reboot in time."""
    REPORTED = "reported"
    """The UTM reported that it could not reboot."""


class Reboot(TenantScoped, Base):
    """A reboot of a UTM. At most one per UTM is scheduled, and one requested."""

    __tablename__ = "reboot"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "utm_id"], ["utm.tenant_id", "utm.id"]),
        CheckConstraint(
            "state IN ('scheduled', 'requested', 'succeeded', 'failed', 'cancelled')", name="ck_reboot_state"
        ),
        CheckConstraint(
            "(failure IS NOT NULL) = (state = 'failed')"
            " AND failure IN ('offline', 'not_fetched', 'no_result', 'reported')",
            name="ck_reboot_failure",
        ),
        CheckConstraint("(ended_at IS NULL) = (state IN ('scheduled', 'requested'))", name="ck_reboot_ended_at"),
        CheckConstraint(
            "requested_at IS NOT NULL OR state IN ('scheduled', 'failed', 'cancelled')", name="ck_reboot_requested_at"
        ),
        CheckConstraint("NOT planned OR extract(epoch FROM due_at) % 900 = 0", name="ck_reboot_due_at"),
        Index("uq_reboot_one_scheduled", "utm_id", unique=True, postgresql_where=text("state = 'scheduled'")),
        Index("uq_reboot_one_requested", "utm_id", unique=True, postgresql_where=text("state = 'requested'")),
        # For the job, which looks for what is due in all tenants.
        Index("ix_reboot_due", "due_at", postgresql_where=text("state = 'scheduled'")),
        Index("ix_reboot_tenant_id_due_at", "tenant_id", "due_at"),
        Index("ix_reboot_tenant_id_utm_id_due_at", "tenant_id", "utm_id", "due_at"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    utm_id: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(String(9))
    # Whether it was planned for a later time (日時指定で再起動).
    planned: Mapped[bool]
    asked_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    asked_by: Mapped[str] = mapped_column(String(320))
    # The planned time; for a reboot at once, the time when it was asked for.
    due_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    # Since when a plan that is due has been waiting for its UTM to be online.
    waiting_since: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    requested_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    # When the UTM first fetched the command, and the boot it was then in, if it reports that.
    delivered_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    boot_id: Mapped[str | None] = mapped_column(String(BOOT_ID_LENGTH))
    # When the UTM reported that it is about to reboot.
    started_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    # When the UTM was seen in another boot than the one in which it fetched the command.
    verified_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    failure: Mapped[str | None] = mapped_column(String(11))
    # What the UTM said of the result, and the time by its own clock.
    message: Mapped[str | None] = mapped_column(String(MESSAGE_LENGTH))
    reported_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    utm: Mapped[Utm] = relationship("Utm", foreign_keys=[utm_id])

    @property
    def utm_name(self) -> str:
        """The name of its UTM."""
        return self.utm.name

    @property
    def customer_name(self) -> str:
        """The name of the customer that its UTM belongs to."""
        return str(self.utm.customer.name)

    @property
    def waits(self) -> bool:
        """Whether it is a plan that is due, and waits for its UTM to be online."""
        return self.state == RebootState.SCHEDULED and self.waiting_since is not None


def open_of(session: Session, utm_ids: Collection[int]) -> dict[tuple[int, str], Reboot]:
    """Return the open reboots of UTMs by UTM and state.

    :param utm_ids: the UTMs' primary keys.
    """
    if not utm_ids:
        return {}
    found = session.scalars(
        select(Reboot)
        .where(Reboot.utm_id.in_(utm_ids), Reboot.state.in_(OPEN))
        .execution_options(populate_existing=True)
    )
    return {(each.utm_id, each.state): each for each in found}


def end(reboot: Reboot, state: RebootState, *, now: datetime, failure: RebootFailure | None = None) -> audit.Change:
    """End an open, locked reboot, and return the change for the audit log."""
    reboot.state, reboot.ended_at, reboot.failure = state, now, failure
    return audit.change_of(reboot)


def cancel_open(session: Session, utm_ids: Collection[int], *, now: datetime, by: Actor) -> None:
    """Cancel the open reboots of UTMs that are being removed, whose rows are locked (§7.10)."""
    found = session.scalars(
        select(Reboot)
        .where(Reboot.utm_id.in_(utm_ids), Reboot.state.in_(OPEN))
        .order_by(Reboot.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    audit.record_all(session, "reboot.cancelled", [end(each, RebootState.CANCELLED, now=now) for each in found], by=by)
