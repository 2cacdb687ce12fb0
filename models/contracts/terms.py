"""Contract terms in months: their last days, and the months remaining after a cancellation."""

from __future__ import annotations

from datetime import date, timedelta

from dateutil.relativedelta import relativedelta

from models import clock


def add_months(day: date, months: int) -> date:
    """Return the same day a number of months later, or the last day of that month if the day does not exist."""
    return day + relativedelta(months=months)


def term_end(start_on: date, initial_months: int, renewal_months: int, renewals: int) -> date:
    """Return the last day of the term after a number of renewals.

    It is calculated from the first day, so that a contract that starts on the 31st does not drift to the 28th.

    :param initial_months: the length of the first term.
    :param renewal_months: the length of each further term.
    """
    return add_months(start_on, initial_months + renewals * renewal_months) - timedelta(days=1)


def whole_months_between(after: date, until: date) -> int:
    """Return the number of whole calendar months after the month of a day, up to another day.

    :param after: the day whose month does not count.
    :param until: the last day; its month counts only if it is the last day of the month.
    """
    first = clock.next_month(after)
    end = until + timedelta(days=1)
    return max(0, (end.year - first.year) * 12 + end.month - first.month)
