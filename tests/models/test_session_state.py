"""Nothing outlives its transaction on a connection: behind a pooler the next transaction on it may be somebody else's."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import event, text

from jobs.mail import send_due
from models import clock
from models.actor import SYSTEM
from models.mail import outbox
from models.utms import device_token
from tests.support.alerts import line

ROOT = Path(__file__).parents[2]
LAYERS = ("models", "views", "jobs", "app")
# They connect past a pooler: whoever makes data, runs servers on the own machine, or migrates.
APART = ("app/demo", "app/local", "app/shipper", "app/database/migrations.py")

LASTING = re.compile(
    r"""
    (?:^|;)\s*(?:
        SET\s+(?!LOCAL\b|CONSTRAINTS\b|TRANSACTION\b|NULL\b) | RESET\s | DISCARD\s | LISTEN\s | LOAD\s | PREPARE\s
        | DECLARE\s.*\bWITH\s+HOLD\b
        | CREATE\s+(?:GLOBAL\s+|LOCAL\s+)?TEMP(?:ORARY)?\s(?!.*\bON\s+COMMIT\s+DROP\b)
    )
    | set_config\((?:[^()]|\([^()]*\))*,\s*(?:false|%s|:\w+)\s*\)
    | pg_(?:try_)?advisory_(?:un)?lock\w*\(
    """,
    re.VERBOSE | re.DOTALL,
)


@pytest.mark.parametrize(
    "statement",
    [
        "SET ROLE portal_all_tenants",
        "  SET synchronous_commit = off",
        "SELECT 1; SET ROLE x",
        "SET SESSION AUTHORIZATION x",
        "RESET ROLE",
        "DISCARD ALL",
        "LISTEN wake",
        "CREATE TEMPORARY TABLE a AS SELECT 1",
        "CREATE TEMP TABLE a (b int) ON COMMIT DELETE ROWS",
        "SELECT set_config('role', 'x', false)",
        "SELECT set_config(%s, coalesce(%s, ''), false)",
        "SELECT pg_advisory_lock(1)",
        "SELECT pg_try_advisory_lock_shared(1)",
        "DECLARE c CURSOR WITH HOLD FOR SELECT 1",
    ],
)
def test_what_outlives_a_transaction_is_recognised(statement):
    assert LASTING.search(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "SET LOCAL ROLE portal_all_tenants",
        "UPDATE a SET b = 1",
        "UPDATE a\nSET b = 1",
        "SELECT set_config('role', 'x', true)",
        "CREATE TEMPORARY TABLE a\nON COMMIT DROP AS SELECT 1",
        "SELECT pg_advisory_xact_lock(1)",
        "Set up every extension.",
        # Of a foreign key.
        "SET NULL",
    ],
)
def test_what_ends_with_its_transaction_is_let_through(statement):
    assert not LASTING.search(statement)


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """The texts of a module with their lines; an f-string whole, with a word for each of its values."""
    tree = ast.parse(path.read_text("utf-8"))
    inside = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield node.lineno, "".join(part.value if isinstance(part, ast.Constant) else "x" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inside:
            yield node.lineno, node.value


def test_no_statement_in_the_code_sets_what_outlives_its_transaction():
    paths = [path for layer in LAYERS for path in sorted((ROOT / layer).rglob("*.py"))]
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in paths
        if not path.relative_to(ROOT).as_posix().startswith(APART)
        for number, statement in texts(path)
        if LASTING.search(statement)
    ]

    assert found == [], "Use SET LOCAL, set_config(.., true), ON COMMIT DROP or pg_advisory_xact_lock()."
    assert len(paths) > 100


@pytest.fixture
def left_behind(engine):
    """What transactions left on the connections they gave back.

    The characteristics of a transaction, `transaction_isolation` and the like, end with it. They appear among the
    settings because SQLAlchemy names the level in BEGIN once a connection has been used in autocommit mode.
    """
    left: set[tuple[str, ...]] = set()

    def look(connection, _record) -> None:
        if connection is None:
            return
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT name, setting FROM pg_settings WHERE source = 'session'"
                " AND name <> 'application_name' AND name NOT LIKE 'transaction\\_%'"
                " UNION ALL SELECT 'current_user', current_user WHERE current_user <> session_user"
                " UNION ALL SELECT 'lock', objid::text FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
                " UNION ALL SELECT 'table', relname FROM pg_class WHERE relnamespace = pg_my_temp_schema() AND relkind = 'r'"
            )
            left.update(cursor.fetchall())
        connection.rollback()

    event.listen(engine, "checkin", look)
    yield left
    event.remove(engine, "checkin", look)


def test_the_tester_sees_what_is_left_behind(engine, left_behind):
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("SELECT 1"))
    with engine.connect() as connection:
        connection.execute(text("SET synchronous_commit = off"))
        connection.execute(text("CREATE TEMPORARY TABLE kept (a int)"))
        connection.execute(text("SELECT pg_advisory_lock(41)"))
        connection.commit()
    engine.dispose()

    assert left_behind == {("synchronous_commit", "off"), ("table", "kept"), ("lock", "41")}


def test_requests_ingest_and_mail_leave_nothing_on_their_connections(
    app, make, engine, operator, statements, left_behind
):
    engine.dispose()
    customer, utm = make.customer_with_utm(operator.tenant)
    token = device_token.issue(make.session, utm, now=clock.utc_now(), by=SYSTEM)
    outbox.write(
        make.session,
        "account_locked",
        "one@example.jp",
        {"Email": "one@example.jp", "PortalUrl": "https://portal.example.jp/"},
        now=clock.utc_now(),
    )
    make.session.commit()
    begun = len(statements)

    body = line(1, at=clock.utc_now() - timedelta(minutes=5))
    sent = app.test_client().post("/api/device/v1/alerts", data=body, headers={"Authorization": f"Bearer {token}"})
    pages = [operator.get(url).status_code for url in ("/", "/customers/", f"/customers/{customer.id}/security")]
    with app.app_context():
        send_due()

    assert (sent.json["stored"], set(pages)) == (1, {200})
    assert left_behind == set()
    assert [each for each in statements[begun:] if LASTING.search(each)] == []
    assert len(statements) > begun + 10
