"""Reads what ``checker`` looks at from the database, and prepares a month that is issued again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import psycopg

from models import clock
from tests.load import mails
from tests.load.checker import Mail, OrderedReboot, State
from tests.load.devices import Result
from tests.load.environment import Environment

JOBS = ("invoices", "monthly-reports")
"""The entries of the schedule that issue a month."""

_DAY = timedelta(days=1)
_BILLED = """
SELECT concat_ws(' ', contract_id, line_id, kind, charge_name, from_on) FROM invoice_line
JOIN invoice ON invoice.id = invoice_line.invoice_id WHERE month = %s
"""
_REPORTED = "SELECT customer_id FROM monthly_report WHERE month = %s"
_TAKE_BACK = (
    "UPDATE correction SET invoice_id = NULL WHERE invoice_id IN (SELECT id FROM invoice WHERE month = %s)",
    "DELETE FROM invoice_line WHERE invoice_id IN (SELECT id FROM invoice WHERE month = %s)",
    "DELETE FROM invoice WHERE month = %s",
    "DELETE FROM monthly_report WHERE month = %s",
)
# The counts of the day must agree with the rows: an alert that was counted twice would otherwise not be seen.
_COUNTED = """
SELECT utm_id, coalesce(daily.count, 0), coalesce(rows.count, 0)
FROM (SELECT utm_id, sum(count)::bigint AS count FROM alert_daily WHERE day BETWEEN %(first)s AND %(last)s GROUP BY 1) AS daily
FULL JOIN (
    SELECT utm_id, count(*) AS count FROM alert WHERE occurred_at >= %(start)s AND occurred_at < %(end)s GROUP BY 1
) AS rows USING (utm_id)
WHERE daily.count IS DISTINCT FROM rows.count
"""


@dataclass(frozen=True)
class Month:
    """The month that is issued again.

    :ivar billed: the lines that its invoices had, and have to have again.
    :ivar reported: the customers who had a report.
    """

    first: date
    billed: Sequence[str]
    reported: Sequence[str]

    def of_its_contracts(self, lines: Sequence[str]) -> list[str]:
        """Return the lines of invoices without those of contracts that were not billed before.

        Some benchmarks add contracts to the data; the month is now billed for these too.
        """
        contracts = {line.split()[0] for line in self.billed}
        return [line for line in lines if line.split()[0] in contracts]


def take_back(owner: psycopg.Connection) -> Month:
    """Delete the invoices and reports of the newest month, and let them wait until they are asked for.

    :raises RuntimeError: the data has none.
    """
    (month,) = owner.execute("SELECT max(month) FROM invoice").fetchone()
    billed, reported = (_column(owner, statement, month) for statement in (_BILLED, _REPORTED))
    if not (billed and reported):
        raise RuntimeError("The data has no month with invoices and monthly reports: make it anew.")
    with owner.transaction():
        for statement in _TAKE_BACK:
            owner.execute(statement, [month])
        owner.execute(
            "INSERT INTO scheduled_task (name, next_run_at) SELECT unnest(%s::text[]), now() + interval '1 day'"
            " ON CONFLICT (name) DO UPDATE SET next_run_at = now() + interval '1 day', last_claimed_at = now(),"
            " last_finished_at = now(), last_error = NULL",
            [list(JOBS)],
        )
    return Month(month, billed, reported)


def ask_for_month(owner: psycopg.Connection) -> None:
    """Let the schedule start the two jobs at its next tick."""
    owner.execute("UPDATE scheduled_task SET next_run_at = now() WHERE name = ANY(%s)", [list(JOBS)])


def month_begun(owner: psycopg.Connection, month: Month) -> bool:
    """Return whether the first reports of a month are issued: its invoices are, and more reports follow."""
    return owner.execute("SELECT FROM monthly_report WHERE month = %s LIMIT 1", [month.first]).fetchone() is not None


def plan_reboots(owner: psycopg.Connection, utms: Sequence[int]) -> None:
    """Plan a reboot, which is due, for each UTM that has none."""
    owner.execute(
        "INSERT INTO reboot (tenant_id, utm_id, state, planned, asked_at, asked_by, due_at)"
        " SELECT tenant_id, id, 'scheduled', true, now(), 'load test', date_bin('15 minutes', now(), 'epoch')"
        " FROM utm WHERE id = ANY(%s)"
        " AND NOT EXISTS (SELECT FROM reboot WHERE utm_id = utm.id AND state IN ('scheduled', 'requested'))",
        [list(utms)],
    )


def unfinished(owner: psycopg.Connection, since: datetime, until: datetime, month: Month) -> list[str]:
    """Return what is still under way: it is waited for before the state is read.

    :param since: when the run began.
    :param until: when the load ended. UTMs go on reporting alerts meanwhile, whose mails are not waited for.
    :param month: the month that is issued again; a job leaves the rest of its reports to the next one.
    """
    waiting = owner.execute(
        "SELECT 'mail', count(*) FROM mail_message WHERE state = 'pending' AND created_at >= %(since)s"
        " UNION ALL SELECT 'alerts to be mailed', count(*) FROM alert_mail_due WHERE occurred_at < %(until)s"
        " UNION ALL SELECT 'reboots', count(*) FROM reboot WHERE asked_at >= %(since)s"
        " AND (state = 'requested' OR (state = 'scheduled' AND due_at <= now()))"
        " UNION ALL SELECT 'jobs that issue a month', count(*) FROM scheduled_task WHERE name = ANY(%(jobs)s)"
        " AND (last_finished_at IS NULL OR last_finished_at < last_claimed_at OR last_error IS NOT NULL)"
        " UNION ALL SELECT 'monthly reports', count(*) FROM unnest(%(reported)s::text[]) AS due"
        " WHERE NOT EXISTS (SELECT FROM monthly_report WHERE month = %(month)s AND customer_id = due)",
        {
            "since": since,
            "until": until,
            "jobs": list(JOBS),
            "month": month.first,
            "reported": list(month.reported),
        },
    )
    return [f"{count} {what}" for what, count in waiting if count]


def read(
    environment: Environment,
    owner: psycopg.Connection,
    *,
    since: datetime,
    until: datetime,
    run: str,
    devices: Result,
    month: Month,
    kills: Any,
) -> State:
    """Return the state after a run.

    :param since: when the run began.
    :param until: when the load ended. Mails written later, about alerts that UTMs go on reporting, may be waiting still.
    :param kills: the times at which a process was killed that takes part in sending mail.
    """
    rows = owner.execute(
        "SELECT message_id::text, state, kind, recipient, created_at > %s AND kind = 'alert_customer' AND state = 'pending'"
        " FROM mail_message WHERE created_at >= %s",
        [until, since],
    ).fetchall()
    accepted = mails.accepted(environment.folder / "mails")
    known = {row[0] for row in rows}
    old = set(_column(owner, "SELECT message_id::text FROM mail_message WHERE created_at < %s", since))
    executed = Counter(command for command, _ in devices.executed)
    first, last = clock.tokyo_day(since), clock.tokyo_day(clock.utc_now())
    return State(
        alerts={alert: acknowledged for alert, (_, acknowledged) in devices.alerts.items()},
        stored=dict(
            owner.execute(
                "SELECT alert_id, count(*) FROM alert WHERE occurred_at >= %s AND alert_id LIKE %s GROUP BY 1",
                [since, f"{run}-%"],
            ).fetchall()
        ),
        counted=owner.execute(
            _COUNTED,
            {"first": first, "last": last, "start": clock.day_start(first), "end": clock.day_start(last + _DAY)},
        ).fetchall(),
        mails=[
            Mail(message_id, state, accepted.get(message_id, ())) for message_id, state, *_, later in rows if not later
        ],
        unknown_mails=sorted(accepted.keys() - known - old),
        mail_kills=kills,
        reboots=[
            OrderedReboot(key, state, due, executed[key])
            for key, state, due in owner.execute(
                "SELECT id::text, state, due_at <= now() FROM reboot WHERE asked_at >= %s", [since]
            )
        ],
        contracts=month.billed,
        invoiced=month.of_its_contracts(_column(owner, _BILLED, month.first)),
        reports_due=month.reported,
        reports=_column(owner, _REPORTED, month.first),
        report_mails=[recipient for _, _, kind, recipient, _ in rows if kind == "monthly_report"],
    )


def _column(owner: psycopg.Connection, statement: str, value: object) -> list[str]:
    return [row[0] for row in owner.execute(statement, [value])]
