"""What ``make chaos`` reads from the database, in the data of the benchmarks; everything is rolled back."""

from __future__ import annotations

import uuid
from datetime import timedelta
from types import SimpleNamespace

import psycopg
import pytest

from models import clock
from tests.load import checker, evidence
from tests.load.devices import Result
from tests.load.evidence import Month


@pytest.fixture
def owner(tiny):
    with psycopg.connect(tiny.owner_url) as connection:
        yield connection
        connection.rollback()


@pytest.fixture
def month(owner):
    """The newest month, as it is."""
    (first,) = owner.execute("SELECT max(month) FROM invoice").fetchone()
    billed = [line for (line,) in owner.execute(evidence._BILLED, [first])]
    return Month(first, billed, [each for (each,) in owner.execute(evidence._REPORTED, [first])])


@pytest.fixture
def read(tiny, owner, month, tmp_path):
    """Read the state, with the given lines of the mail server and what the UTMs did."""
    (tmp_path / "mails").mkdir()

    def state(accepted="", **devices):
        (tmp_path / "mails" / "accepted").write_text(accepted)
        return evidence.read(
            SimpleNamespace(folder=tmp_path),
            owner,
            since=clock.day_start(tiny.newest),
            until=clock.utc_now() + timedelta(hours=1),
            run="run",
            devices=Result(**devices),
            month=month,
            kills=[],
        )

    return state


def test_a_month_that_was_taken_back_is_missing_until_it_is_issued_again(owner, month, read):
    before = checker.check(read())
    found = evidence.take_back(owner)
    left = evidence.unfinished(owner, clock.utc_now(), clock.utc_now(), month)
    after = checker.check(read())

    assert (found.first, sorted(found.billed), sorted(found.reported)) == (
        month.first,
        sorted(month.billed),
        sorted(month.reported),
    )
    assert (before["invoices"], before["monthly reports"]) == ([], [])
    assert (len(after["invoices"]), len(after["monthly reports"])) == (len(month.billed), len(month.reported))
    assert not evidence.month_begun(owner, month)
    assert f"{len(month.reported)} monthly reports" in left


def test_an_acknowledged_alert_without_a_row_is_lost(tiny, read):
    state = read(alerts={"run-1": (tiny.utms[0], True), "run-2": (tiny.utms[0], False)})

    assert "alert run-1 is lost" in checker.check(state)["alerts"]
    assert "alert run-2 is lost" not in checker.check(state)["alerts"]


def test_a_day_whose_count_is_not_that_of_its_alerts_is_found(tiny, owner, read):
    before = set(read().counted)
    utm, count = owner.execute(
        "UPDATE alert_daily SET count = count + 1 WHERE ctid = (SELECT ctid FROM alert_daily WHERE day = %s LIMIT 1)"
        " RETURNING utm_id, count",
        [tiny.newest],
    ).fetchone()

    ((found, counted, rows),) = set(read().counted) - before

    assert (found, counted) == (utm, rows + 1)
    assert count <= counted


def test_a_planned_reboot_is_waited_for_and_forgotten_until_it_is_carried_out(tiny, owner, month, read):
    since = clock.day_start(tiny.newest)
    evidence.plan_reboots(owner, tiny.utms[:2])
    evidence.plan_reboots(owner, tiny.utms[:2])

    first, second = (each.id for each in read().reboots)
    owner.execute(
        "UPDATE reboot SET state = 'succeeded', requested_at = now(), ended_at = now() WHERE id = %s", [first]
    )

    assert "1 reboots" in evidence.unfinished(owner, since, clock.utc_now(), month)
    assert checker.check(read(executed=[(first, 1.0)]))["reboots"] == [
        f"reboot {second} is forgotten: it is still scheduled"
    ]
    assert f"reboot {first} was carried out 2 times" in checker.check(read(executed=[(first, 1.0)] * 2))["reboots"]


def test_mails_are_compared_with_what_the_mail_server_accepted(owner, read):
    sent, lost, unknown = (str(uuid.uuid4()) for _ in range(3))
    for message_id in (sent, lost):
        owner.execute(
            "INSERT INTO mail_message (kind, recipient, subject, body, message_id, state, next_attempt_at, created_at)"
            " VALUES ('alert_customer', 'utm@example.jp', '', '', %s, 'sent', now(), now())",
            [message_id],
        )

    found = checker.check(read(f"<{sent}@example.jp> 1.5\n<{unknown}@example.jp> 2.5\n"))["mails"]

    assert f"mail {lost} is marked as sent but was not" in found
    assert f"mail {unknown} was sent without a row" in found
    assert not any(sent in each for each in found)
