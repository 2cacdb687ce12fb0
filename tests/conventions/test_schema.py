"""What the database must hold true of every table, read from its catalogue."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from flask_appbuilder import Model
from sqlalchemy.engine import make_url

from models.scope import TenantScoped

ROOT = Path(__file__).parents[2]
# Read before a tenant is known, or across tenants by nature.
UNSCOPED_WITH_TENANT = {"ab_role", "membership", "user_session"}


@pytest.fixture
def catalogue(app, service_env):
    url = make_url(service_env["SUPERUSER_URL"]).set(drivername="postgresql").render_as_string()
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


def flask(env, *words) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "flask", "--app", "app", *words],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin"} | env,
        capture_output=True,
        text=True,
        check=False,
    )


def names(rows) -> set[str]:
    return {name for (name,) in rows}


def test_every_table_with_a_tenant_is_behind_row_level_security(catalogue):
    with_tenant = names(
        catalogue.execute(
            "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'"
            " WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition"
        )
    )
    secured = names(
        catalogue.execute(
            "SELECT relname FROM pg_class c WHERE relrowsecurity AND NOT relforcerowsecurity"
            " AND EXISTS (SELECT FROM pg_policy WHERE polrelid = c.oid)"
        )
    )

    assert with_tenant - UNSCOPED_WITH_TENANT <= secured, "Give the table to app.migrating.scoped_table()."
    scoped = {
        mapper.class_.__tablename__ for mapper in Model.registry.mappers if issubclass(mapper.class_, TenantScoped)
    }
    assert scoped | {"audit_entry", "mail_message"} == with_tenant - UNSCOPED_WITH_TENANT, (
        "Let the model inherit TenantScoped."
    )


def test_every_scoped_table_has_an_index_that_starts_with_its_tenant(catalogue):
    indexed = names(
        catalogue.execute(
            "SELECT DISTINCT i.indrelid::regclass::text FROM pg_index i"
            " JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0] WHERE a.attname = 'tenant_id'"
        )
    )
    secured = names(catalogue.execute("SELECT relname FROM pg_class WHERE relrowsecurity AND NOT relispartition"))

    # Alerts are always looked for by customer.
    assert secured - indexed == {"alert"}


def test_the_app_may_do_what_it_needs_and_no_more(catalogue):
    rows = catalogue.execute(
        "SELECT c.relname, string_agg(p.privilege_type, ',' ORDER BY p.privilege_type) FROM pg_class c"
        " CROSS JOIN LATERAL aclexplode(c.relacl) p"
        " WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')"
        " AND p.grantee = 'portal_app'::regrole AND c.relname NOT LIKE 'ab_%' GROUP BY 1 ORDER BY 1"
    ).fetchall()

    assert dict(rows) == {
        "access_origin": "DELETE,INSERT,SELECT,UPDATE",
        "access_review": "INSERT,SELECT",
        "address_link": "DELETE,INSERT,SELECT,UPDATE",
        "alembic_version": "SELECT",
        "alert": "INSERT,SELECT,UPDATE",
        "alert_daily": "DELETE,INSERT,SELECT,UPDATE",
        "alert_mail_batch": "INSERT,SELECT,UPDATE",
        "alert_mail_due": "DELETE,INSERT,SELECT,UPDATE",
        "announcement": "DELETE,INSERT,SELECT,UPDATE",
        "announcement_read": "INSERT,SELECT",
        "application_answer": "DELETE,INSERT,SELECT,UPDATE",
        "application_field": "DELETE,INSERT,SELECT,UPDATE",
        "application_user": "DELETE,INSERT,SELECT,UPDATE",
        "application_view": "DELETE,INSERT,SELECT,UPDATE",
        "audit_entry": "INSERT,SELECT",
        "charge": "DELETE,INSERT,SELECT,UPDATE",
        "comparison_count": "DELETE,INSERT,SELECT,UPDATE",
        "comparison_month": "DELETE,INSERT,SELECT,UPDATE",
        "comparison_participant": "DELETE,INSERT,SELECT,UPDATE",
        "contract": "DELETE,INSERT,SELECT,UPDATE",
        "contract_line": "DELETE,INSERT,SELECT,UPDATE",
        "correction": "DELETE,INSERT,SELECT,UPDATE",
        "customer": "DELETE,INSERT,SELECT,UPDATE",
        "customer_answer": "DELETE,INSERT,SELECT,UPDATE",
        "dashboard_figures": "DELETE,INSERT,SELECT,UPDATE",
        "device_token": "DELETE,INSERT,SELECT,UPDATE",
        "form_key": "DELETE,INSERT,SELECT,UPDATE",
        "idempotency_key": "DELETE,INSERT,SELECT,UPDATE",
        "identity_domain": "DELETE,INSERT,SELECT,UPDATE",
        "identity_provider": "INSERT,SELECT,UPDATE",
        "identity_subject": "DELETE,INSERT,SELECT",
        "import_row": "DELETE,INSERT,SELECT,UPDATE",
        "import_run": "DELETE,INSERT,SELECT,UPDATE",
        "invoice": "INSERT,SELECT,UPDATE",
        "invoice_line": "INSERT,SELECT",
        "level_policy": "INSERT,SELECT",
        "mail_message": "DELETE,INSERT,SELECT",
        "mail_template": "DELETE,INSERT,SELECT",
        "mail_template_version": "INSERT,SELECT",
        "membership": "DELETE,INSERT,SELECT,UPDATE",
        "monthly_report": "INSERT,SELECT",
        "notification_address": "DELETE,INSERT,SELECT,UPDATE",
        "passkey": "DELETE,INSERT,SELECT,UPDATE",
        "password_link": "DELETE,INSERT,SELECT,UPDATE",
        "password_request": "DELETE,INSERT,SELECT,UPDATE",
        "portal_link": "DELETE,INSERT,SELECT,UPDATE",
        "portal_token": "DELETE,INSERT,SELECT,UPDATE",
        "portal_user": "DELETE,INSERT,SELECT,UPDATE",
        "portal_user_link": "DELETE,INSERT,SELECT,UPDATE",
        "product": "DELETE,INSERT,SELECT,UPDATE",
        "rate_plan": "DELETE,INSERT,SELECT,UPDATE",
        "reboot": "INSERT,SELECT,UPDATE",
        "recovery_code": "DELETE,INSERT,SELECT,UPDATE",
        "rights_version": "SELECT",
        "scheduled_task": "DELETE,INSERT,SELECT,UPDATE",
        "service_application": "DELETE,INSERT,SELECT,UPDATE",
        "service_delivery": "DELETE,INSERT,SELECT,UPDATE",
        "shortage_notice": "DELETE,INSERT,SELECT,UPDATE",
        "sms_message": "DELETE,INSERT,SELECT,UPDATE",
        "support_page": "INSERT,SELECT,UPDATE",
        "tenant": "DELETE,INSERT,SELECT,UPDATE",
        "tenant_settings": "DELETE,INSERT,SELECT,UPDATE",
        "threat_stat": "DELETE,INSERT,SELECT,UPDATE",
        "ticket": "INSERT,SELECT,UPDATE",
        "ticket_file": "DELETE,INSERT,SELECT,UPDATE",
        "ticket_file_content": "INSERT,SELECT",
        "ticket_message": "INSERT,SELECT",
        "totp": "DELETE,INSERT,SELECT,UPDATE",
        "usage": "DELETE,INSERT,SELECT,UPDATE",
        "user_invitation": "DELETE,INSERT,SELECT,UPDATE",
        "user_session": "DELETE,INSERT,SELECT,UPDATE",
        "utm": "DELETE,INSERT,SELECT,UPDATE",
        "utm_application": "DELETE,INSERT,SELECT,UPDATE",
        "utm_delivery": "DELETE,INSERT,SELECT,UPDATE",
        "utm_mismatch": "DELETE,INSERT,SELECT,UPDATE",
        "wholesale_price": "DELETE,INSERT,SELECT,UPDATE",
    }


def test_partitions_are_reached_through_their_table_alone(catalogue):
    granted = names(
        catalogue.execute(
            "SELECT c.relname FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) p"
            " WHERE c.relispartition AND p.grantee <> c.relowner"
        )
    )

    assert granted == set(), "A partition has no policies of its own: nobody but its owner may read it."


def test_functions_of_the_owner_have_a_fixed_search_path(catalogue):
    loose = names(
        catalogue.execute(
            "SELECT proname FROM pg_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace"
            " AND NOT coalesce(proconfig::text, '') LIKE '%search_path=%'"
        )
    )

    assert loose == set()


def test_the_app_without_a_tenant_sees_no_row(app, world, engine, catalogue):
    from sqlalchemy import text

    with engine.connect() as connection:
        for table in names(
            catalogue.execute("SELECT relname FROM pg_class WHERE relrowsecurity AND NOT relispartition")
        ):
            assert connection.scalar(text(f"SELECT count(*) FROM {table}")) == 0, table


def test_the_apps_role_owns_nothing_and_inherits_nothing(app, engine):
    from app.database.role_check import check_role

    with engine.connect() as connection:
        check_role(connection)


def test_a_role_that_sees_past_the_wall_is_refused(service_env, tmp_path):
    # On a server of its own: roles are the whole server's.
    from app.local.embedded import EmbeddedPostgres

    granted = "GRANT portal_all_tenants TO portal_app WITH INHERIT"
    postgres = EmbeddedPostgres(tmp_path / "postgres", durable=False)
    postgres.start()
    env = service_env | {
        "DATABASE_URL": postgres.url("portal_app", "portal"),
        "DATABASE_OWNER_URL": postgres.url("portal_owner", "portal"),
    }
    answers = []
    try:
        for break_it, mend_it in (
            ("ALTER ROLE portal_app BYPASSRLS", "ALTER ROLE portal_app NOBYPASSRLS"),
            (f"{granted} TRUE", f"{granted} FALSE, SET TRUE"),
        ):
            with postgres.connect() as connection:
                connection.execute(break_it)
            answers.append(flask(env, "portal", "upgrade"))
            with postgres.connect() as connection:
                connection.execute(mend_it)
    finally:
        postgres.stop()

    assert [answer.returncode for answer in answers] == [1, 1]
    assert "bypasses row-level security" in answers[0].stderr
    assert "inherits portal_all_tenants" in answers[1].stderr


def test_production_does_not_start_past_the_wall(service_env):
    answer = subprocess.run(
        [sys.executable, "-c", "from app import create_app; create_app()"],
        cwd=ROOT,
        env=service_env
        | {
            "PATH": "/usr/bin:/bin",
            "PORTAL_ENV": "production",
            "SECRET_KEY": "x" * 32,
            "PORTAL_URL": "https://portal.example.jp",
            "CUSTOMER_PORTAL_URL": "https://customer.example.jp",
            "DATABASE_URL": service_env["SUPERUSER_URL"],
            "PASSWORD_HASH_MEMORY_KIB": "19456",
            "PASSWORD_HASH_PASSES": "2",
        },
        capture_output=True,
        text=True,
        check=False,
    )

    assert answer.returncode == 1
    assert "bypasses row-level security" in answer.stderr


def test_migrations_go_down_and_up_and_match_the_models(servers, service_env, worker_id):
    name = f"migrated_{worker_id}"
    superuser = make_url(servers["superuser"]).set(drivername="postgresql").render_as_string()
    env = {
        key: make_url(value).set(database=name).render_as_string(hide_password=False)
        for key, value in service_env.items()
        if key.startswith("DATABASE")
    } | {"REDIS_URL": service_env["REDIS_URL"], "PORTAL_INSTANCE": service_env["PORTAL_INSTANCE"]}
    with psycopg.connect(superuser, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} OWNER portal_owner TEMPLATE portal")
        try:
            down = flask(env, "db", "downgrade", "base")
            again = flask(env, "portal", "upgrade")
            check = flask(env, "db", "check")
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")

    assert [down.returncode, again.returncode] == [0, 0], down.stderr + again.stderr
    assert check.returncode == 0, f"Write a migration: {check.stdout} {check.stderr}"
