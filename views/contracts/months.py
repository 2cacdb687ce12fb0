"""The months that contracts are looked at by."""

from __future__ import annotations

from datetime import date

from models import clock

PAST_MONTHS = 24
"""The number of months that can be chosen before the running one."""


def months_to_choose() -> dict[str, str]:
    """Return the running month and those before it, the newest first, as ``YYYY-MM`` with its label."""
    today = clock.tokyo_day(clock.utc_now())
    found = (clock.months_before(today, number) for number in range(PAST_MONTHS + 1))
    return {f"{month:%Y-%m}": f"{month:%Y-%m}" for month in found}


def first_day(month: str) -> date:
    """Return the first day of a month that can be chosen.

    :param month: one of the keys of ``months_to_choose``.
    """
    return date.fromisoformat(f"{month}-01")
