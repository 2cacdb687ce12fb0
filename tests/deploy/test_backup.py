"""The commands of docs/operations.md: what is restored from a dump is the whole portal, with its privileges."""

from __future__ import annotations

import re

import psycopg
import pytest
from psycopg import sql
from sqlalchemy.engine import make_url

from jobs import audit as audit_job
from models import audit, clock
from models.actor import SYSTEM
from models.db import db
from tests.factories import PASSWORD
from tests.support.alerts import line
from tests.support.fixtures import weak_hash
from tests.support.handbook import commands, replaced, restoring, run

RESTORED = "portal_restored"

CATALOGUE = {
    "columns": "SELECT table_name, column_name, data_type, is_nullable, column_default FROM information_schema.columns"
    " WHERE table_schema = 'public'",
    "owners and row-level security": "SELECT relname, relkind, pg_get_userbyid(relowner), relrowsecurity, relforcerowsecurity"
    " FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'S', 'v', 'm')",
    "policies": "SELECT tablename, policyname, permissive, roles, cmd, qual, with_check FROM pg_policies",
    "privileges of tables": "SELECT c.relname, p.grantee::regrole::text, p.privilege_type, p.is_grantable FROM pg_class c"
    # Without a list of privileges, those are in force that an owner has by default.
    " CROSS JOIN LATERAL aclexplode(coalesce(c.relacl, acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::\"char\","
    " c.relowner))) p WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'S', 'v', 'm')",
    "privileges of columns": "SELECT a.attrelid::regclass::text, a.attname, p.grantee::regrole::text, p.privilege_type"
    " FROM pg_attribute a CROSS JOIN LATERAL aclexplode(a.attacl) p",
    "functions": "SELECT proname, prosecdef, proconfig, proacl::text, pg_get_userbyid(proowner), md5(prosrc) FROM pg_proc"
    " WHERE pronamespace = 'public'::regnamespace AND prolang <> (SELECT oid FROM pg_language WHERE lanname = 'c')",
    "indexes": "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "constraints": "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
    " WHERE connamespace = 'public'::regnamespace",
    "triggers": "SELECT tgrelid::regclass::text, tgname, tgenabled FROM pg_trigger WHERE NOT tgisinternal",
    "extensions": "SELECT extname FROM pg_extension",
    "sequences": "SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = 'public'",
    "roles": "SELECT rolname, rolsuper, rolinherit, rolbypassrls, rolcanlogin, rolcreaterole, rolcreatedb FROM pg_roles"
    " WHERE rolname LIKE 'portal%'",
    "memberships": "SELECT roleid::regrole::text, member::regrole::text, inherit_option, set_option, admin_option"
    " FROM pg_auth_members WHERE member::regrole::text LIKE 'portal%'",
}


def rows(connection: psycopg.Connection) -> dict[str, int]:
    tables = connection.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
    ).fetchall()
    count = "SELECT count(*) FROM {}"
    return {name: connection.execute(sql.SQL(count).format(sql.Identifier(name))).fetchone()[0] for (name,) in tables}


def catalogue(connection: psycopg.Connection) -> dict[str, list]:
    return {
        name: sorted((tuple(map(plain, row)) for row in connection.execute(query)), key=repr)
        for name, query in CATALOGUE.items()
    }


def plain(value: object) -> object:
    """Without the casts and parentheses of a condition: PostgreSQL shows some elsewhere when it has read them once more."""
    return re.sub(r"::(character varying|text)(\[\])?|[()]", "", value) if isinstance(value, str) else value


@pytest.fixture
def portal(app, make, service_env):
    """Rows of two tenants in most areas, made by factories and by requests."""
    from models.utms import device_token

    operators = []
    for _ in range(2):
        tenant = make.tenant()
        operators.append(make.member(tenant, "Partner Operator", password=weak_hash()))
        customer, utm = make.customer_with_utm(tenant)
        make.contract_line(contract=make.contract(customer_row=customer))
        message = make.ticket_message(ticket_row=make.ticket(tenant=tenant))
        make.ticket_file(message=message, data=bytes(range(256)))
        make.mail_message(tenant_id=tenant.id)
        make.application_field(tenant=tenant)
        make.portal_user(customer_row=customer)
        token = device_token.issue(make.session, utm, now=clock.utc_now(), by=SYSTEM)
        audit.record(make.session, "test.done", ("Test", 1), by=SYSTEM, tenant_id=tenant.id)
        make.session.commit()
        sent = app.test_client().post(
            "/api/device/v1/alerts",
            data=b"\n".join(line(number, at=clock.utc_now()) for number in range(5)),
            headers={"Authorization": f"Bearer {token}"},
        )
        assert sent.status_code == 200, sent.text
    answer = app.test_client().post("/login/", data={"email": operators[0].email, "password": PASSWORD})
    assert answer.status_code == 302
    return operators


@pytest.fixture
def heads(app, portal, tmp_path, monkeypatch):
    """The file with the signed heads of the audit log at the time of the backup."""
    monkeypatch.setitem(app.config, "AUDIT_HEADS_FILE", str(tmp_path / "heads.jsonl"))
    with app.app_context():
        audit_job.record_heads()
    return app.config["AUDIT_HEADS_FILE"]


@pytest.fixture
def restored_app(portal, heads, service_env, other_postgres, tmp_path):
    """A portal on the restored database of another server."""
    from app import create_app

    source = make_url(service_env["SUPERUSER_URL"])
    back_up = replaced(commands("Back up"), "--file=portal.dump portal\n", f"--file=portal.dump {source.database}\n")
    run(back_up, tmp_path, host=source.query["host"])
    run(restoring("Restore"), tmp_path, host=str(other_postgres.sockets))
    settings = {"TESTING": True, "WTF_CSRF_ENABLED": False, "PROPAGATE_EXCEPTIONS": False}
    app = create_app(settings | {"SQLALCHEMY_DATABASE_URI": other_postgres.url("portal_app", RESTORED)})
    yield app
    with app.app_context():
        db.engine.dispose()
    other_postgres.drop_database(RESTORED)


def test_a_restored_portal_is_the_one_that_was_backed_up(portal, heads, restored_app, service_env, other_postgres):
    source = make_url(service_env["SUPERUSER_URL"]).set(drivername="postgresql").render_as_string()
    with psycopg.connect(source, autocommit=True) as before, other_postgres.connect(RESTORED) as after:
        there, here = rows(before), rows(after)
        wanted, found = catalogue(before), catalogue(after)

    assert here == there
    assert {name for name, count in there.items() if count} >= {
        "tenant", "ab_user", "customer", "utm", "alert", "contract_line", "ticket_file_content", "mail_message", "audit_entry",
    }  # fmt: skip
    for name in CATALOGUE:
        assert found[name] == wanted[name], name
        assert found[name] or name == "privileges of columns", name

    verified = restored_app.test_cli_runner().invoke(args=["portal", "audit", "verify", "--heads", heads])
    assert (verified.exit_code, verified.output) == (0, "The audit log is complete and unchanged.\n")

    client = restored_app.test_client()
    entered = client.post("/login/", data={"email": portal[0].email, "password": PASSWORD})
    assert entered.status_code == 302
    assert client.get("/customers/").status_code == 200
    checks = client.get("/readyz").json["checks"]
    assert (checks["database"], checks["migrations"]) == (True, True)
