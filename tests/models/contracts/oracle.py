"""What contracts cost, worked out a second time: day by day, from the rules in words, with nothing of ``models``.

The tests compare it with ``models.contracts``. It is slow and plain on purpose: it shares neither code nor structure with
what it checks. A ``Deal`` records what people did to a contract and never derives or stores a date.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Plan:
    """A rate plan.

    :ivar cycle: monthly, yearly or once.
    :ivar price: the price of its flat charge in yen, None without one.
    :ivar discounts: pairs of a percentage and for how many months of the contract, None for all.
    :ivar usage_price: the price of a unit of its usage charge in yen, None without one.
    """

    cycle: str
    price: int | None
    discounts: tuple[tuple[int, int | None], ...] = ()
    usage_price: int | None = None


@dataclass
class Line:
    """A line of a contract; ``removed_on`` is the day on which it was removed. ``usage`` has the units of each month."""

    plan: Plan
    quantity: int
    price: int
    first_day: date
    removed_on: date | None = None
    usage: dict[date, int] = field(default_factory=dict)

    def has(self, day: date) -> bool:
        return self.first_day <= day and (self.removed_on is None or day < self.removed_on)

    def paid_in_full_on(self, day: date) -> bool:
        """Whether a year, or the only period, of the line begins on a day."""
        if self.plan.cycle == "once":
            return day == self.first_day
        return any(
            day == months_later(self.first_day, 12 * years) for years in range(day.year - self.first_day.year + 1)
        )


@dataclass
class Deal:
    """A contract, as what people did to it.

    :ivar stopped_on: the day on which the automatic renewal was switched off.
    :ivar last_day: the last day that somebody chose when they cancelled it.
    :ivar with_fee: whether they also charged the cancellation fee.
    """

    start: date
    initial: int
    renewal: int
    lines: list[Line]
    stopped_on: date | None = None
    last_day: date | None = None
    with_fee: bool = False
    void: bool = False

    def end_of_term(self, day: date) -> date:
        """The last day of the term that a day is in, of the first one for days before the start."""
        months = self.initial
        while months_later(self.start, months) <= day:
            months += self.renewal
        return months_later(self.start, months) - DAY

    def runs(self, day: date) -> bool:
        """Whether there is service on a day."""
        if self.void or day < self.start:
            return False
        if self.last_day is not None:
            return day <= self.last_day
        return self.stopped_on is None or day <= self.end_of_term(self.stopped_on)

    def over(self, day: date) -> bool:
        """Whether the contract has run out by itself."""
        return self.last_day is None and self.stopped_on is not None and day > self.end_of_term(self.stopped_on)

    def active(self, day: date) -> bool:
        """Whether people may still change or cancel it on a day."""
        return not self.void and self.last_day is None and not self.over(day)

    def cost(self, month: date) -> int:
        """What it costs in a month, in yen."""
        total = 0
        for line in self.lines:
            days = [day for day in days_of(month) if self.runs(day) and line.has(day)]
            if days:
                total += self._flat_less_discounts(line, days, month)
                total += line.usage.get(month, 0) * (line.plan.usage_price or 0)
        if not self.void and self.last_day in days_of(month) and self.with_fee:
            total += self.fee(self.last_day)
        return total

    def fee(self, last_day: date) -> int:
        """The whole months after the one of the last day in its term, each at the price of an ordinary month."""
        end, months = self.end_of_term(last_day), 0
        month = next_month(last_day)
        while month <= end:
            months += all(self.start <= day <= end for day in days_of(month))
            month = next_month(month)
        ordinary = 0
        for line in self.lines:
            if line.has(max(last_day, self.start)) and line.plan.price is not None:
                flat = line.quantity * line.price
                ordinary += flat - sum(flat * percent // 100 for percent, limit in line.plan.discounts if limit is None)
        return months * ordinary

    def _flat_less_discounts(self, line: Line, days: list[date], month: date) -> int:
        if line.plan.price is None:
            return 0
        if line.plan.cycle != "monthly" and not any(line.paid_in_full_on(day) for day in days):
            return 0
        flat = line.quantity * line.price
        passed = len(list(months_between(self.start, month)))
        off = [percent for percent, limit in line.plan.discounts if limit is None or passed < limit]
        return flat - sum(flat * percent // 100 for percent in off)


@cache
def months_later(day: date, months: int) -> date:
    """The same day of a later month, or the last that the month has."""
    first = day.replace(day=1)
    for _ in range(months):
        first = next_month(first)
    return max(each for each in days_of(first) if each.day <= day.day)


@cache
def next_month(day: date) -> date:
    """The first day of the next month."""
    return next(each for each in (day + number * DAY for number in range(1, 32)) if each.day == 1)


@cache
def days_of(month: date) -> list[date]:
    """All days of a month."""
    return [month + number * DAY for number in range(31) if (month + number * DAY).month == month.month]


def months_between(day: date, month: date) -> Iterator[date]:
    """The months from the one of a day to the one before another."""
    first = day.replace(day=1)
    while first < month:
        yield first
        first = next_month(first)
