"""``flask portal demo``, and what can be done with a new demo."""

from __future__ import annotations

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select, text

from app.demo import creation
from models import clock
from models.accounts.user import User
from models.actor import SYSTEM
from models.alerts.alert import Alert, AlertDaily
from models.alerts.comparison import ComparisonMonth
from models.alerts.threat_stat import ThreatStat
from models.contracts import ending
from models.contracts.contract import Contract
from models.contracts.invoice import Correction, Invoice
from models.customers.customer import Customer
from models.scope import tenant_session
from models.tenants.tenant import Tenant
from models.utms.device_token import DeviceToken, hash_token
from models.utms.utm import Utm
from tests.app.demo.queries import row_counts
from tests.factories import PASSWORD


@pytest.mark.parametrize("settings", [{"PORTAL_DEMO": False}, {"PORTAL_DEMO": True, "PRODUCTION": True}])
def test_without_the_setting_and_in_production_nothing_is_made(app, make, monkeypatch, settings):
    for name, value in settings.items():
        monkeypatch.setitem(app.config, name, value)

    result = app.test_cli_runner().invoke(args=["portal", "demo"])

    assert (result.exit_code, result.output) == (1, "Error: Demo data can be created only if PORTAL_DEMO=1 is set.\n")
    assert make.session.scalars(select(Tenant)).all() == []


def test_every_account_signs_in(app, new_demo):
    lands_on = {}
    for email in new_demo.scalars(select(User.email)):
        answer = app.test_client().post("/login/", data={"email": email, "password": PASSWORD})
        lands_on[email] = answer.location

    assert lands_on == {
        "operator@example.jp": "/",
        "multi@example.jp": "/tenants/",
        "viewer@example.jp": "/",
        "staff@example.jp": "/tenants/",
        "admin@example.jp": "/tenants/",
    }


def test_the_pages_of_every_customer_contract_and_invoice_open(app, new_demo):
    client = app.test_client()
    client.post("/login/", data={"email": "operator@example.jp", "password": PASSWORD})
    tenant_id = new_demo.scalars(select(Customer.tenant_id).order_by(Customer.id)).first()
    below = {"contracts": Contract, "invoices": Invoice}
    urls = [
        f"/customers/{key}"
        for key in new_demo.scalars(select(Customer.id).filter_by(tenant_id=tenant_id, deleted_at=None))
    ]
    for name, model in below.items():
        keys = new_demo.execute(select(model.customer_id, model.id).filter_by(tenant_id=tenant_id))
        urls += [f"/customers/{customer_id}/{name}/{key}" for customer_id, key in keys]

    assert len(urls) > 100
    assert {url: client.get(url).status_code for url in urls} == dict.fromkeys(urls, 200)


def test_alerts_and_their_daily_counts(run, make):
    assert run().startswith("Demo data created: 2 tenants, 44 customers, 15 UTMs, 6,000 alerts.\n")

    demo = make.session
    assert demo.scalar(select(func.count()).select_from(Alert)) == 6_000
    assert demo.scalar(select(func.sum(AlertDaily.count))) == 6_000
    removed = demo.scalars(select(Utm).where(Utm.removed_at.is_not(None), Utm.name == "旧事務所")).one()
    kept = select(func.count()).select_from(Alert).where(Alert.utm_id == removed.id)
    assert demo.scalar(kept) == 350
    oldest, newest = demo.execute(select(func.min(Alert.occurred_at), func.max(Alert.occurred_at))).one()
    now = _now(demo)
    assert now - timedelta(days=31) < oldest < now - timedelta(days=25)
    assert now - timedelta(days=4) < newest <= now

    stored = select(Alert.utm_id, Alert.function, func.count()).group_by(Alert.utm_id, Alert.function)
    counted = select(ThreatStat.utm_id, ThreatStat.function, func.sum(ThreatStat.count)).group_by(
        ThreatStat.utm_id, ThreatStat.function
    )
    alerts, statistics = ({row[:2]: row[2] for row in demo.execute(each)} for each in (stored, counted))
    assert statistics.keys() == alerts.keys()
    assert all(statistics[key] >= alerts[key] for key in alerts)
    assert len(set(demo.scalars(select(ThreatStat.category).where(ThreatStat.function == "url_filter")))) > 10
    assert min(demo.scalars(select(ComparisonMonth.companies).order_by(ComparisonMonth.month.desc()).limit(2))) > 5


def test_each_tenant_has_a_correction_on_any_day(run, make, few_alerts, monkeypatch):
    """Made in the last minutes of last month; how many random numbers the alerts take depends on the weekday."""
    this_month = clock.month_start(clock.tokyo_day(clock.utc_now()))
    monkeypatch.setattr(clock, "utc_now", lambda: clock.day_start(this_month) - timedelta(minutes=1))
    run()

    corrections = make.session.execute(
        select(Correction.tenant_id, Customer.balance > 0).join(Customer, Customer.id == Correction.customer_id)
    )
    assert sorted(map(tuple, corrections)) == [("T8000000", True), ("T8000001", True)]
    months = set(make.session.scalars(select(Invoice.month)))
    assert (len(months), max(months)) == (6, clock.months_before(this_month, 2))


def test_a_demo_utm_can_send_at_once(app, new_demo, tmp_path):
    token = json.loads((tmp_path / "demo-tokens.json").read_text("utf-8"))["02005e100004"]
    line = {"alert_id": "1-1", "time": _now(new_demo).isoformat(), "type": "ips", "act": "block"}

    answer = app.test_client().post(
        "/api/device/v1/alerts", data=json.dumps(line), headers={"Authorization": f"Bearer {token}"}
    )

    assert (answer.status_code, answer.json["stored"]) == (200, 1)


def test_the_job_that_renews_and_ends_contracts_changes_nothing(app, new_demo):
    before = row_counts(new_demo)

    for tenant_id in new_demo.scalars(select(Tenant.id)):
        with app.app_context(), tenant_session(tenant_id) as session:
            today = clock.tokyo_day(clock.utc_now())
            assert ending.renew_and_expire(session, today=today, by=SYSTEM) == 0
            session.commit()

    assert row_counts(new_demo) == before


def test_a_second_run_changes_nothing(new_demo, run, tmp_path):
    path = tmp_path / "demo-tokens.json"
    before = path.read_bytes(), row_counts(new_demo)

    assert run() == "The demo data exists already.\n"

    assert (path.read_bytes(), row_counts(new_demo)) == before


def test_a_lost_tokens_file_is_made_again_with_new_tokens(new_demo, run, tmp_path):
    path = tmp_path / "demo-tokens.json"
    before = json.loads(path.read_text("utf-8"))
    path.unlink()

    assert run() == f"The demo data exists already. Its UTMs have new tokens, in {path}.\n"

    after = json.loads(path.read_text("utf-8"))
    assert list(after) == list(before)
    assert not set(after.values()) & set(before.values())
    in_force = new_demo.scalars(select(DeviceToken.token_hash).where(DeviceToken.revoked_at.is_(None))).all()
    assert set(in_force) == {hash_token(token) for token in after.values()}


@pytest.mark.usefixtures("few_alerts")
def test_connections_on_which_the_app_has_stored_alerts_do(run, engine):
    engine.dispose()  # tests before this one may have stored some on them
    with engine.connect() as first, engine.connect() as second:
        for connection in (first, second):
            connection.execute(text("CREATE TEMPORARY TABLE alert_arrival (alert_id text)"))
            connection.commit()

    output = run()
    engine.dispose()

    assert output.startswith("Demo data created: 2 tenants")


@pytest.mark.usefixtures("few_alerts")
def test_a_run_that_dies_in_the_middle_leaves_nothing_and_the_next_makes_all(run, make, monkeypatch, tmp_path):
    def die(*_args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(creation.utms, "make_utms", die)
        run()

    assert make.session.scalars(select(User)).all() == []
    assert make.session.scalars(select(Tenant)).all() == []
    assert list(tmp_path.iterdir()) == []
    make.session.rollback()
    assert run().startswith("Demo data created: 2 tenants, 44 customers")


@pytest.mark.usefixtures("run", "few_alerts")
def test_two_runs_at_once_make_one_demo(app, make, tmp_path):
    def in_context(_number):
        with app.app_context():
            return creation.create_demo()

    with ThreadPoolExecutor(2) as pool:
        said = sorted(pool.map(in_context, range(2)))

    assert said[0].startswith("Demo data created: 2 tenants")
    assert said[1] == "The demo data exists already."
    in_force = make.session.scalars(select(DeviceToken.token_hash).where(DeviceToken.revoked_at.is_(None))).all()
    tokens = json.loads((tmp_path / "demo-tokens.json").read_text("utf-8"))
    assert Counter(in_force) == Counter(hash_token(token) for token in tokens.values())


@pytest.mark.usefixtures("few_alerts")
def test_tokens_of_an_older_demo_are_not_kept(run, tmp_path, monkeypatch):
    path = tmp_path / "demo-tokens.json"
    path.write_text('{"02005e100001": "utm_old"}', "utf-8")

    def die(*_args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(creation.tokens_file, "write", die)  # killed behind the commit
        run()
    assert not path.exists()

    assert run() == f"The demo data exists already. Its UTMs have new tokens, in {path}.\n"


def test_an_installation_with_an_administrator_of_that_address_is_left_alone(run, make):
    make.elevated("NEC Admin", email="admin@example.jp")

    assert run() == "Error: The demo cannot be created: admin@example.jp is a user outside the demo.\n"

    assert make.session.scalars(select(Tenant)).all() == []
    assert len(make.session.scalars(select(User)).all()) == 1


def _now(session) -> datetime:
    return session.scalar(text("SELECT clock_timestamp()"))
