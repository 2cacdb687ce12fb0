"""The shared context of all steps that create the demo."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.orm import Session

from models import clock


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
