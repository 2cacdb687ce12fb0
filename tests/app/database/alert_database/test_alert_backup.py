"""Backup and restore of the two databases with the commands of docs/operations.md."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import sql
from sqlalchemy.engine import make_url

import config
from models import clock
from models.db import db
from tests.app.database.alert_database.conftest import CITUS
from tests.factories import PASSWORD
from tests.support.alerts import line
from tests.support.fixtures import weak_hash
from tests.support.handbook import commands, replaced, restoring, run
from tests.support.pages import Page

MAIN, ALERTS = "portal_restored", "portal_alerts_restored"


def elsewhere(url: str, database: str) -> str:
    return make_url(url).set(database=database).render_as_string(hide_password=False)


@pytest.fixture
def restored(app, alert_env, tmp_path):
    """Back up both databases with the given call between the two dumps, and return a portal on what was restored."""
    from app import create_app

    source = make_url(alert_env["SUPERUSER_URL"])
    alerts = make_url(alert_env["ALERT_DATABASE_URL"]).database
    host = source.query["host"]
    made = []

    def restored(between):
        run(replaced(commands("Back up the alerts"), " portal_alerts\n", f" {alerts}\n"), tmp_path, host=host)
        between()
        back_up = replaced(
            commands("Back up"), "--file=portal.dump portal\n", f"--file=portal.dump {source.database}\n"
        )
        run(back_up, tmp_path, host=host)
        for title in ("Restore", "Restore the alerts"):
            run(restoring(title), tmp_path, host=host)
        urls = {name: elsewhere(alert_env[name], MAIN) for name in ("DATABASE_URL", "DATABASE_OWNER_URL")}
        names = ("ALERT_DATABASE_URL", "ALERT_DATABASE_OWNER_URL")
        urls |= {name: elsewhere(alert_env[name], ALERTS) for name in names}
        made.append(create_app(config.load(alert_env | urls) | {"TESTING": True, "WTF_CSRF_ENABLED": False}))
        return made[0]

    yield restored
    for each in made:
        with each.app_context():
            for engine in db.engines.values():
                engine.dispose()
    with psycopg.connect(source.set(drivername="postgresql").render_as_string(), autocommit=True) as connection:
        for name in (MAIN, ALERTS):
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.mark.skipif(bool(CITUS), reason="Citus has a procedure of its own to back up distributed tables")
def test_customers_and_their_alerts_are_restored_from_both_dumps(make, operator, utm, send, restored):
    user = make.member(operator.tenant, "Partner Operator", password=weak_hash())
    assert send(utm, [line(1, at=clock.utc_now(), alert_id="before")]).status_code == 200

    def between() -> None:
        later = make.utm(customer_row=utm.customer, name="新しい支店")
        assert send(later, [line(1, at=clock.utc_now(), alert_id="between")]).status_code == 200

    portal = restored(between)
    client = portal.test_client()
    entered = client.post("/login/", data={"email": user.email, "password": PASSWORD})
    assert entered.status_code == 302

    listed = Page(client.get(f"/customers/{utm.customer_id}/alerts/").text).main.text
    assert "before" in listed
    assert "between" not in listed
    assert "新しい支店" in client.get("/utms/").text
    checks = client.get("/readyz").json["checks"]
    names = ("database", "migrations", "alert_database", "alert_migrations")
    assert {name: checks[name] for name in names} == dict.fromkeys(names, True)
