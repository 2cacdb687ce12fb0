"""What every step of making the demo needs."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.orm import Session

from models import clock


@dataclass(frozen=True, slots=True)
class Making:
    """One run that makes the demo.

    :ivar session: crosses tenants; what it writes is kept or lost together.
    :ivar pick: chance, the same in every run.
    :ivar now: the time everything is relative to.
    :ivar retention_months: how many months alerts are kept.
    """

    session: Session
    pick: random.Random
    now: datetime
    retention_months: int

    @property
    def today(self) -> date:
        """The day in Tokyo."""
        return clock.tokyo_day(self.now)
