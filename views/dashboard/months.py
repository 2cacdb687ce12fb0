"""The drawing of a figure of three months."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from flask_babel import gettext

from models import clock
from views.widget import Bar, Months, Shown, bar_heights, change_in_percent

MONTHS = ("this_month", "last_month", "month_before")
"""The names of the figures, of the newest month first."""


def months_of(today: date) -> dict[str, date]:
    """Return the first days of the months, by the names of their figures."""
    return {name: clock.months_before(today, number) for number, name in enumerate(MONTHS)}


def drawn_months(
    shown: Shown,
    *,
    text: Callable[[int], Any],
    url: Callable[[str], str | None],
    unit: Callable[[int], str] | None = None,
    note: str = "",
) -> Months:
    """Return the drawing of a figure of three months, whose change is "—" if last month was 0 or is not known.

    :param text: returns a number as displayed.
    :param url: returns the URL of the list that is counted in a month, such as ``2026-11``.
    :param unit: returns the unit of a number.
    """
    values = shown.stored.values
    today = clock.tokyo_day(shown.stored.computed_at or shown.now)
    months = months_of(today)
    labels = dict(
        zip(MONTHS, (gettext("This month"), gettext("Last month"), gettext("Month before last")), strict=True)
    )
    numbers = [values.get(name) for name in reversed(MONTHS)]
    heights = bar_heights([number or 0 for number in numbers])
    bars = [
        Bar(labels[name], "—" if number is None else text(number), url(f"{months[name]:%Y-%m}"), height)
        for name, number, height in zip(reversed(MONTHS), numbers, heights, strict=True)
    ]
    before, now = numbers[1:]
    return Months(
        text="—" if now is None else text(now),
        unit=unit(now) if unit is not None and now is not None else "",
        url=bars[-1].url,
        change=None if now is None or before is None else change_in_percent(now, before),
        bars=bars,
        as_of=shown.stored.computed_at,
        note=note,
    )
