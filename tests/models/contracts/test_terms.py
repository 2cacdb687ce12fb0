from __future__ import annotations

from datetime import date

import pytest

from models.contracts.terms import add_months, term_end, whole_months_between


@pytest.mark.parametrize(
    ("day", "months", "later"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2024, 1, 31), 1, date(2024, 2, 29)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2024, 2, 29), 48, date(2028, 2, 29)),
        (date(2026, 8, 31), 6, date(2027, 2, 28)),
        (date(2026, 12, 15), 1, date(2027, 1, 15)),
    ],
)
def test_a_month_without_that_day_ends_on_its_last(day, months, later):
    assert add_months(day, months) == later


@pytest.mark.parametrize(
    ("start_on", "initial", "renewal", "renewals", "last_day"),
    [
        (date(2026, 4, 1), 12, 12, 0, date(2027, 3, 31)),
        (date(2026, 4, 15), 12, 12, 0, date(2027, 4, 14)),
        (date(2026, 4, 15), 12, 1, 2, date(2027, 6, 14)),
        # Counted from the first day: the 31st comes back after a February.
        (date(2026, 1, 31), 1, 1, 0, date(2026, 2, 27)),
        (date(2026, 1, 31), 1, 1, 1, date(2026, 3, 30)),
        (date(2024, 2, 29), 12, 12, 0, date(2025, 2, 27)),
        (date(2024, 2, 29), 12, 12, 3, date(2028, 2, 28)),
        (date(2026, 4, 1), 1, 1, 0, date(2026, 4, 30)),
    ],
)
def test_a_term_ends_on_the_day_before_the_same_day(start_on, initial, renewal, renewals, last_day):
    assert term_end(start_on, initial, renewal, renewals) == last_day


@pytest.mark.parametrize(
    ("after", "until", "months"),
    [
        (date(2026, 12, 10), date(2027, 3, 31), 3),
        (date(2026, 12, 10), date(2027, 4, 14), 3),
        (date(2026, 12, 31), date(2027, 4, 30), 4),
        (date(2026, 12, 1), date(2026, 12, 31), 0),
        (date(2026, 12, 1), date(2027, 1, 30), 0),
        (date(2026, 12, 1), date(2027, 1, 31), 1),
        (date(2027, 1, 5), date(2027, 2, 28), 1),
        (date(2028, 1, 5), date(2028, 2, 28), 0),
        (date(2027, 5, 1), date(2027, 4, 14), 0),
    ],
)
def test_only_whole_months_after_that_of_the_last_day_count(after, until, months):
    assert whole_months_between(after, until) == months
