from __future__ import annotations

import pytest

from tests.load.failures import GRACE, Failure, Outage, findings

POSTGRES = Outage("PostgreSQL", 100.0, 110.0)


def verdicts(outage, *failures):
    return [each.held for each in findings([outage], [Failure(*each) for each in failures])]


@pytest.mark.parametrize(
    ("name", "problem", "accepted"),
    [
        ("PostgreSQL", "503", True),
        ("PostgreSQL", "503 bare", False),
        ("PostgreSQL", "500", False),
        ("PostgreSQL", "timeout", False),
        ("Redis", "503", True),
        ("replica", "503", True),
        ("Redis", "signed out", False),
        ("worker", "503", False),
        ("cron", "timeout", False),
        ("web1", "ConnectionResetError", True),
        ("web1", "503", False),
        ("web1", "signed out", False),
    ],
)
def test_which_errors_are_accepted_depends_on_what_is_down(name, problem, accepted):
    assert verdicts(Outage(name, 100.0, 110.0), (105.0, "dashboard", problem)) == [accepted, True]


def test_errors_are_accepted_until_a_few_seconds_after_the_restart_and_not_before_the_kill():
    assert verdicts(POSTGRES, (100.0, "alert", "503"), (110.0 + GRACE, "alert", "503")) == [True, True]
    assert verdicts(POSTGRES, (99.9, "alert", "503")) == [True, False]
    assert verdicts(POSTGRES, (110.1 + GRACE, "alert", "503")) == [True, False]


def test_the_table_says_what_went_wrong_where():
    found, outside = findings(
        [POSTGRES],
        [Failure(105.0, "heartbeat", "503"), Failure(112.0, "dashboard", "500"), Failure(9.0, "alert", "500")],
    )

    assert found.name == "PostgreSQL killed, back after 10 s"
    assert found.figures == {"measured": "1 x 503, 1 x 500", "remark": "1 x dashboard: 500"}
    assert outside.figures == {"measured": "1 x 500", "remark": "1 x alert: 500"}


def test_an_outage_that_nobody_noticed_is_fine():
    found, outside = findings([POSTGRES], [])

    assert (found.figures["measured"], found.held, outside.held) == ("none", True, True)
