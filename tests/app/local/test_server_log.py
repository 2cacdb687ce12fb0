"""What the embedded servers write down, and who may read it."""

from __future__ import annotations

import psycopg
import pytest

from app.local.embedded import EmbeddedPostgres, services


def test_only_the_owner_may_read_the_logs(tmp_path):
    with services(tmp_path, {}, durable=False) as started:
        modes = {each.title: oct(each.log.stat().st_mode & 0o777) for each in started.servers}

    assert modes == {"PostgreSQL": "0o600", "Redis": "0o600"}


def test_logs_that_others_could_read_are_closed_at_the_next_start(tmp_path):
    postgres = EmbeddedPostgres(tmp_path / "postgres", durable=False)
    postgres.log.parent.mkdir()
    earlier = postgres.log.with_suffix(".log.1")
    for log in (postgres.log, earlier):
        log.touch(mode=0o644)

    postgres.start()
    postgres.stop()

    assert [oct(each.stat().st_mode & 0o777) for each in (postgres.log, earlier)] == ["0o600", "0o600"]


def test_the_log_of_postgresql_has_no_value_of_a_statement_that_failed(tmp_path):
    postgres = EmbeddedPostgres(tmp_path, durable=False)
    postgres.start()
    try:
        with postgres.connect() as connection:
            connection.execute("CREATE TABLE person (email text PRIMARY KEY)")
            connection.execute("INSERT INTO person VALUES ('hanako@example.jp')")
            for statement in (
                "INSERT INTO person VALUES ('hanako@example.jp')",
                "SELECT 'hanako@example.jp'::int",
                "SELECT 1 / 0, 'hanako@example.jp'",
                "DO $$ BEGIN RAISE WARNING 'hanako@example.jp'; END $$",
            ):
                try:
                    connection.execute(statement)
                except psycopg.Error:
                    continue
            with pytest.raises(psycopg.Error):
                connection.execute("SELECT %s::int", ["hanako@example.jp"])
    finally:
        postgres.stop()

    written = postgres.log.read_text()
    assert "hanako" not in written
    assert "database system is ready to accept connections" in written
