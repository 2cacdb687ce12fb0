"""申請期間 (§8.2.2): one day, one month or one year in Asia/Tokyo, or no limit, so that no application is overlooked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from flask_babel import gettext

from models import clock
from models.errors import N_
from views.arguments import iso_day, whole_number

UNITS = ("year", "month", "day")
"""The units, each of which has a query parameter for its value; ``unit`` says which of them counts."""

_DEFAULT_UNIT = "month"
_YEARS = range(2000, 2101)
_FAULTS = {
    "year": N_("Enter a year from 2000 to 2100. It was left out of the search."),
    "month": N_("Enter a month from 2000 to 2100. It was left out of the search."),
    "day": N_("Enter a day from 2000 to 2100. It was left out of the search."),
}


@dataclass(frozen=True, slots=True)
class ApplicationPeriod:
    """A period chosen by the user, for the template of the search too.

    :param unit: ``year``, ``month`` or ``day``.
    :param value: the year, month or day as entered; empty for no limit.
    :param first: the first day; None for no limit, also if the value is invalid.
    :param error: what is wrong with the value.
    """

    unit: str
    value: str
    first: date | None = None
    error: str = ""

    @property
    def start(self) -> datetime | None:
        """The first moment, None for no limit."""
        return clock.day_start(self.first) if self.first is not None else None

    @property
    def end(self) -> datetime | None:
        """The first moment after the period, None for no limit."""
        return clock.day_start(self._after(self.first)) if self.first is not None else None

    def _after(self, first: date) -> date:
        if self.unit == "year":
            return date(first.year + 1, 1, 1)
        return clock.next_month(first) if self.unit == "month" else first + timedelta(days=1)

    @property
    def arguments(self) -> dict[str, str]:
        """The query parameters that request this period; empty for no limit."""
        return {"unit": self.unit, self.unit: self.value} if self.first is not None else {}

    @property
    def text(self) -> str:
        """The period as displayed on the screen."""
        return self.value if self.first is not None else gettext("Whole period")

    def typed(self, unit: str) -> str:
        """Return what the input of a unit contains: of the other units, what matches the period."""
        if unit == self.unit:
            return self.value
        if self.first is None:
            return ""
        return {"year": f"{self.first:%Y}", "month": f"{self.first:%Y-%m}", "day": self.first.isoformat()}[unit]


def read_period(args: Mapping[str, str]) -> ApplicationPeriod:
    """Return the period that the query parameters request. An invalid value sets no limit, and is reported in ``error``."""
    unit = args.get("unit", "")
    if unit not in UNITS:
        return ApplicationPeriod(_DEFAULT_UNIT, "")
    value = args.get(unit, "").strip()
    if not value:
        return ApplicationPeriod(unit, "")
    first = _first_day(unit, value)
    if first is None:
        return ApplicationPeriod(unit, value, error=gettext(_FAULTS[unit]))
    return ApplicationPeriod(unit, value, first)


def _first_day(unit: str, value: str) -> date | None:
    if unit == "year":
        year = whole_number(value, most=_YEARS[-1])
        return date(year, 1, 1) if year is not None and year in _YEARS else None
    text = f"{value}-01" if unit == "month" else value
    day = iso_day(text) if len(text) == len("2026-01-01") else None
    return day if day is not None and day.year in _YEARS else None
