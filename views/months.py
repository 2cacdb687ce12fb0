"""The choices of months for the screens of contracts and customers."""

from __future__ import annotations

from datetime import date

from models import clock

PAST_MONTHS = 24
"""The number of months before the current one that can be selected."""


def months_to_choose() -> dict[str, str]:
    """Return the labels of the current month and the ``PAST_MONTHS`` before it by ``YYYY-MM``, newest first."""
    today = clock.tokyo_day(clock.utc_now())
    found = (clock.months_before(today, number) for number in range(PAST_MONTHS + 1))
    return {f"{month:%Y-%m}": f"{month:%Y-%m}" for month in found}


def first_day(month: str) -> date:
    """Return the first day of a month.

    :param month: a key of ``months_to_choose``.
    """
    return date.fromisoformat(f"{month}-01")
