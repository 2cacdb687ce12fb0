"""The CSV file of 5,000 service applications against PostgreSQL's COPY of the same join."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable
from functools import partial

import psycopg

from tests.bench.datasets import Dataset
from tests.bench.finding import Finding, times
from tests.bench.timing import alternate, middle
from tests.bench.web import Web, gunicorn

TITLE = "A download of 5,000 service applications"
ABOUT = (
    "27 columns and the answers to two extra questions, a row for each delivery address, through gunicorn, against a bare"
    " `COPY (...) TO STDOUT (FORMAT csv)` of the same join on an open connection of the owner, which neither neutralises"
    " formulas nor checks permissions. Both throw away what they get. Asked in turn; medians, of the ratio too."
)
RUNS = 15
APPLICATIONS = 5_000
SLOWEST = 2.0
_PATH = "/service-applications/download"

_COLUMNS = (
    *("a.id", "a.applied_at", "a.state", "a.company", "a.last_name", "a.first_name", "a.department", "a.title"),
    *("a.email", "a.postcode", "a.prefecture", "a.address", "a.phone", "'x'", "''", "a.memo1", "a.memo2", "a.memo3"),
    *("d.company", "d.last_name", "d.first_name", "d.department", "d.phone", "d.postcode", "d.prefecture || d.address"),
    *("d.created_at", "d.utm_count", "first.value", "second.value"),
)
_BARE = """
COPY (
    SELECT {columns} FROM service_application a
    LEFT JOIN service_delivery d ON d.tenant_id = a.tenant_id AND d.application_id = a.id
    LEFT JOIN application_answer first ON first.tenant_id = a.tenant_id AND first.application_id = a.id
        AND first.field_id = {first}
    LEFT JOIN application_answer second ON second.tenant_id = a.tenant_id AND second.application_id = a.id
        AND second.field_id = {second}
    WHERE a.tenant_id = '{tenant}' AND a.state <> 'unconfirmed'
    ORDER BY a.applied_at DESC, a.id DESC, d.id
) TO STDOUT (FORMAT csv)
"""

_APPLICATION_ROWS = """
INSERT INTO service_application (tenant_id, id, state, company, search_name, last_name, first_name, department, title,
    email, phone, postcode, prefecture, address, memo1, submitted_at, token_hash, expires_at, applied_at)
SELECT %(tenant)s, 'AAP-' || lpad(n::text, 8, '0'), 'pending', '株式会社測定' || n, '測定' || n, '青空', '次郎', '総務部',
    '課長', 'jiro' || n || '@example.com', '0612345678', '530-0001', '大阪府', '大阪市北区梅田一丁目' || n || '番',
    '折り返し、電話します。', now(), 'bench ' || n, now(), now() - n * interval '1 minute'
FROM generate_series(1, %(applications)s) AS n
"""
_DELIVERY_ROWS = """
INSERT INTO service_delivery (tenant_id, application_id, company, last_name, first_name, department, postcode,
    prefecture, address, phone, utm_count)
SELECT tenant_id, id, company, last_name, first_name, department, postcode, prefecture, address, phone, 2
FROM service_application WHERE tenant_id = %(tenant)s AND token_hash LIKE 'bench %%'
"""
_QUESTIONS = "SELECT id FROM application_field WHERE tenant_id = %(tenant)s ORDER BY position"
_ANSWER_ROWS = """
INSERT INTO application_answer (tenant_id, application_id, field_id, value)
SELECT a.tenant_id, a.id, q.id, '回答' || q.position FROM service_application a
JOIN application_field q ON q.tenant_id = a.tenant_id AND q.id = ANY(%(questions)s)
WHERE a.tenant_id = %(tenant)s AND a.token_hash LIKE 'bench %%'
"""
_REMOVED = "DELETE FROM service_application WHERE tenant_id = %(tenant)s AND token_hash LIKE 'bench %%'"


def measure(dataset: Dataset, *, runs: int = RUNS, applications: int = APPLICATIONS) -> list[Finding]:
    """Make the applications, take both files in turn, and delete the applications."""
    with dataset.owner() as owner, gunicorn(dataset, "portal") as web:
        values = {"tenant": dataset.tenant_id, "applications": applications}
        values["questions"] = first, second = [key for (key,) in owner.execute(_QUESTIONS, values)]
        try:
            owner.execute(_APPLICATION_ROWS, values)
            owner.execute(_DELIVERY_ROWS, values)
            owner.execute(_ANSWER_ROWS, values)
            owner.execute("ANALYZE service_application, service_delivery, application_answer")
            bare = _BARE.format(columns=", ".join(_COLUMNS), first=first, second=second, tenant=dataset.tenant_id)
            rows = check_rows(_portal(web), _copy(owner, bare))
            ours, theirs = alternate(
                runs, partial(_seconds, _portal, web), partial(_seconds, _copy, owner, bare), warm=4
            )
        finally:
            owner.execute(_REMOVED, values)
    ratio = middle([mine / other for mine, other in zip(ours, theirs, strict=True)])
    return [
        Finding(
            f"{rows:,} applications",
            {
                "portal": f"{middle(ours) * 1000:.0f} ms",
                "COPY": f"{middle(theirs) * 1000:.0f} ms",
                "ratio": times(ratio),
            },
            f"at most {SLOWEST:g}x of COPY",
            ratio <= SLOWEST,
        )
    ]


def check_rows(ours: bytes, theirs: bytes) -> int:
    """Refuse to compare files with other rows.

    :returns: how many rows they have.
    """
    mine, other = _ids(ours)[1:], _ids(theirs)
    if mine != other:
        raise RuntimeError(f"The download has {len(mine)} rows and COPY {len(other)}, or others.")
    return len(mine)


def _ids(content: bytes) -> list[str]:
    return [row[0] for row in csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""))]


def _portal(web: Web) -> bytes:
    connection = web.connect()
    connection.request("GET", _PATH, headers={"Cookie": web.cookie})
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    if answer.status != 200:
        raise RuntimeError(f"{_PATH} answered {answer.status}.")
    return content


def _copy(owner: psycopg.Connection, statement: str) -> bytes:
    with owner.cursor() as cursor, cursor.copy(statement) as copy:
        return b"".join(map(bytes, copy))


def _seconds(way: Callable[..., object], *arguments: object) -> float:
    began = time.perf_counter()
    way(*arguments)
    return time.perf_counter() - began
