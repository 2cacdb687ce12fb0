"""表示期間 of the chart screens (§7.13 to 7.15): one day or one month in Asia/Tokyo."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from flask_babel import gettext

from models.errors import N_
from models.reports.span import Span
from views.period import INVALID_DAY, INVALID_MONTH, parse_day, parse_month

_LATER = N_("The latest day that can be shown is %(day)s.")


@dataclass(frozen=True, slots=True)
class ChartPeriod:
    """A period chosen by the user, for the template of its fields too.

    :param latest: the latest day that can be shown.
    :param typed: the invalid value, which the field shows again.
    :param error: what is wrong with it; empty if nothing is.
    """

    span: Span
    latest: date
    typed: str = ""
    error: str = ""

    @property
    def unit(self) -> str:
        """``day`` or ``month``."""
        return self.span.unit

    @property
    def day(self) -> str:
        """The value of the day's field."""
        return self.typed if self.error and self.span.by_hour else self.span.last.isoformat()

    @property
    def month(self) -> str:
        """The value of the month's field."""
        return self.typed if self.error and not self.span.by_hour else f"{self.span.month:%Y-%m}"

    @property
    def latest_month(self) -> str:
        """The latest month that can be shown."""
        return f"{self.latest:%Y-%m}"

    @property
    def text(self) -> str:
        """The period as displayed on the screen."""
        return self.span.first.isoformat() if self.span.by_hour else f"{self.span.month:%Y-%m}"

    @property
    def arguments(self) -> dict[str, str]:
        """The query parameters that request this period."""
        return {"unit": self.unit, self.unit: self.text}

    @property
    def alert_arguments(self) -> dict[str, str]:
        """The query parameters that request the same period from the list of alerts."""
        first, last = ("first", "last") if self.span.by_hour else ("first_month", "last_month")
        return {"unit": self.unit, first: self.text, last: self.text}


def read_chart_period(args: Mapping[str, str], latest: date) -> ChartPeriod:
    """Return the period that the query parameters request.

    An invalid value is replaced by the latest day or month, and reported in ``error``.

    :param args: ``unit``, and ``day`` as an ISO day or ``month`` as ``YYYY-MM``.
    :param latest: the latest day that can be shown; it is the initial period.
    """
    by_month = args.get("unit") == "month"
    typed = args.get("month" if by_month else "day", "").strip()
    value, error = latest, ""
    if typed:
        found = parse_month(typed) if by_month else parse_day(typed)
        if found is None:
            error = gettext(INVALID_MONTH if by_month else INVALID_DAY)
        elif found > latest:
            error = gettext(_LATER, day=latest.isoformat())
        else:
            value = found
    span = Span.of_month(value, latest=latest) if by_month else Span.of_day(value)
    return ChartPeriod(span, latest, typed, error)
