"""The shared context of all steps that create the demo."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.orm import Session

from models import clock
from models.scope import CROSS_TENANT_ROLE


@dataclass(frozen=True, slots=True)
class DemoContext:
    """The context of a run that creates the demo.

    :ivar session: a cross-tenant session; the caller commits once at the end.
    :ivar pick: the random generator, with a fixed seed.
    :ivar now: the time that everything is relative to.
    :ivar retention_months: the retention period of alerts in months.
    """

    session: Session
    pick: random.Random
    now: datetime
    retention_months: int

    @property
    def today(self) -> date:
        """The date in Tokyo."""
        return clock.tokyo_day(self.now)


@contextmanager
def as_tenant(session: Session, tenant_id: str) -> Iterator[Session]:
    """Provide a session of one tenant inside the demo's transaction, which covers all tenants."""
    session.flush()
    connection = session.connection()
    connection.exec_driver_sql("SET LOCAL ROLE NONE")
    with Session(connection, info={"tenant_scope": tenant_id}, join_transaction_mode="create_savepoint") as own:
        yield own
        own.commit()
    connection.exec_driver_sql(f"SET LOCAL ROLE {CROSS_TENANT_ROLE}")
    # The other session may have changed these rows.
    session.expire_all()
