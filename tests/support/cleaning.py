"""Puts a worker's database and Redis back to how they were before a test."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import psycopg
import redis
from psycopg import sql
from sqlalchemy.engine import make_url

# What the migration and `flask portal upgrade` filled; a test that changes rights sees them put back below.
KEPT = {
    "ab_permission",
    "ab_permission_view",
    "ab_permission_view_role",
    "ab_role",
    "ab_view_menu",
    "alembic_version",
    "rights_version",
    "scheduled_task",
}

# Tests look at plans, which depend on the size of its files; no table refers to it. A partition takes as long to truncate
# as all other tables take to empty.
TRUNCATED = "alert"
_PARTITIONS_IN_USE = f"""
    SELECT relid::regclass::text FROM pg_partition_tree('{TRUNCATED}') WHERE isleaf AND pg_relation_size(relid) > 0
"""


def empty(env: dict[str, str]) -> None:
    """Empty every table that has rows, start the numbers again, forget what Redis knows."""
    url = _superuser(env)
    connection = _connection(url)
    known = _known(url)
    row = connection.execute(known.are_filled).fetchone()
    touched = [table for table, has_rows in zip(known.tables, row, strict=True) if has_rows]
    partitions = [name for (name,) in connection.execute(_PARTITIONS_IN_USE)]
    if touched or partitions:
        # TRUNCATE takes several times as long for a few rows, because it also replaces the files of all referring tables.
        deletes = [sql.SQL("DELETE FROM {}").format(sql.Identifier(table)) for table in touched]
        deletes += [sql.SQL("TRUNCATE {}").format(sql.Identifier(partition)) for partition in partitions]
        # As a replica, because foreign keys and triggers do not matter when all tables are emptied.
        replica = sql.SQL("SET LOCAL session_replication_role = replica")
        connection.execute(sql.SQL("; ").join([sql.SQL("BEGIN"), replica, *deletes, sql.SQL("COMMIT")]))
    connection.execute(known.restart)
    if _rights(connection) != known.rights:
        connection.execute("DELETE FROM ab_permission_view_role")
        connection.cursor().executemany(
            "INSERT INTO ab_permission_view_role (permission_view_id, role_id) VALUES (%s, %s)", sorted(known.rights)
        )
    connection.execute("DELETE FROM ab_role WHERE id <> ALL(%s)", [known.roles])
    connection.execute(
        "UPDATE scheduled_task SET last_claimed_at = NULL, last_finished_at = NULL, last_error = NULL, last_run_ms = NULL"
        " WHERE last_claimed_at IS NOT NULL OR last_finished_at IS NOT NULL"
    )
    _redis(env["REDIS_URL"]).flushdb()


def know(env: dict[str, str]) -> None:
    """Note how the database is before its first test."""
    _known(_superuser(env))


def close() -> None:
    """Close what was kept open. It is opened again when it is needed."""
    for connection in _open:
        connection.close()
    _open.clear()
    _connection.cache_clear()
    _redis.cache_clear()


def _superuser(env: dict[str, str]) -> str:
    return make_url(env["SUPERUSER_URL"]).set(drivername="postgresql").render_as_string()


_open: list[psycopg.Connection] = []


@cache
def _connection(url: str) -> psycopg.Connection:
    connection = psycopg.connect(url, autocommit=True)
    _open.append(connection)
    return connection


@cache
def _redis(url: str) -> redis.Redis:
    return redis.Redis.from_url(url)


@dataclass(frozen=True)
class _Known:
    """What a database was like before its first test.

    :ivar are_filled: the statement that says of each table whether it has rows.
    :ivar restart: the statement that starts the numbers again.
    """

    tables: list[str]
    are_filled: str
    restart: str
    rights: frozenset[tuple[int, int]]
    roles: list[int]


@cache
def _known(url: str) -> _Known:
    connection = _connection(url)
    tables = [
        name
        for (name,) in connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
            " AND NOT relispartition"
        )
        if name not in KEPT | {TRUNCATED}
    ]
    sequences = connection.execute(
        "SELECT sequencename, start_value FROM pg_sequences WHERE schemaname = 'public' AND sequencename NOT LIKE 'ab_%'"
    ).fetchall()
    filled = sql.SQL(", ").join(sql.SQL("EXISTS (SELECT FROM {})").format(sql.Identifier(table)) for table in tables)
    restart = sql.SQL(", ").join(sql.SQL("setval({}, {}, false)").format(name, start) for name, start in sequences)
    return _Known(
        tables,
        sql.SQL("SELECT {}").format(filled).as_string(connection),
        sql.SQL("SELECT {}").format(restart).as_string(connection),
        _rights(connection),
        [role_id for (role_id,) in connection.execute("SELECT id FROM ab_role")],
    )


def _rights(connection: psycopg.Connection) -> frozenset[tuple[int, int]]:
    return frozenset(connection.execute("SELECT permission_view_id, role_id FROM ab_permission_view_role").fetchall())
