from __future__ import annotations

import json
import stat
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import func, select, text

from app.demo import creation
from models import clock
from models.accounts.membership import Membership
from models.accounts.user import User
from models.alerts.alert import Alert, AlertDaily
from models.alerts.comparison import ComparisonMonth
from models.alerts.threat_stat import ThreatStat
from models.audit import AuditEntry
from models.contracts.contract import Contract, allows_utm
from models.contracts.invoice import Correction, Invoice
from models.customers.customer import Customer
from models.mail.outbox import MailMessage
from models.reports.monthly import MonthlyReport
from models.tenants.tenant import Tenant
from models.utms.device_token import DeviceToken, hash_token
from models.utms.reboot import Reboot
from models.utms.utm import Utm, UtmState
from tests.app.demo.queries import row_counts
from tests.factories import PASSWORD


@pytest.mark.parametrize("settings", [{"PORTAL_DEMO": False}, {"PORTAL_DEMO": True, "PRODUCTION": True}])
def test_without_the_setting_and_in_production_nothing_is_made(app, make, monkeypatch, settings):
    for name, value in settings.items():
        monkeypatch.setitem(app.config, name, value)

    result = app.test_cli_runner().invoke(args=["portal", "demo"])

    assert (result.exit_code, result.output) == (1, "Error: Demo data can be created only if PORTAL_DEMO=1 is set.\n")
    assert make.session.scalars(select(Tenant)).all() == []


def test_the_tenants_and_their_people(demo):
    tenants = [(tenant.id, tenant.name) for tenant in demo.scalars(select(Tenant).order_by(Tenant.id))]
    assert tenants == [("T8000000", "サンプルパートナー"), ("T8000001", "テストパートナー")]
    held = {(each.user.email, each.tenant_id, each.role.name) for each in demo.scalars(select(Membership))}
    assert held == {
        ("operator@example.jp", "T8000000", "Partner Operator"),
        ("multi@example.jp", "T8000000", "Partner Operator"),
        ("multi@example.jp", "T8000001", "Partner Viewer"),
        ("viewer@example.jp", "T8000000", "Partner Viewer"),
    }
    everywhere = {user.email: [role.name for role in user.roles] for user in demo.scalars(select(User)) if user.roles}
    assert everywhere == {"staff@example.jp": ["NEC Staff"], "admin@example.jp": ["NEC Admin"]}
    operator = demo.scalars(select(User).where(User.email == "operator@example.jp")).one()
    assert operator.get_full_name() == "見守 花子"


def test_reboots_of_every_state_but_running_are_there_to_be_looked_at(demo):
    found = Counter(demo.scalars(select(Reboot.state)))

    assert found == {"succeeded": 3, "failed": 3, "scheduled": 2, "cancelled": 1}


def test_mails_of_every_state_are_there_to_be_looked_at(demo):
    mails = demo.scalars(select(MailMessage).order_by(MailMessage.id)).all()

    assert Counter(each.state for each in mails) == {"sent": 8, "failed": 1, "pending": 1}
    (failed,) = (each for each in mails if each.state == "failed")
    assert failed.last_error.startswith("550 5.1.1 <former.contact@partner.example.jp>: ")
    (waits,) = (each for each in mails if each.state == "pending")
    assert (waits.attempts, waits.last_error[:9]) == (2, "451 4.7.1")
    assert {each.tenant_id for each in mails} == {"T8000000", None}
    assert mails[0].refusal is not None  # its link was used
    assert all(each.created_at <= (each.sent_at or each.next_attempt_at) for each in mails)


def test_the_last_months_have_reports(demo):
    months = Counter(demo.scalars(select(MonthlyReport.month)))
    newest = demo.scalars(select(MonthlyReport).order_by(MonthlyReport.month.desc(), MonthlyReport.customer_id)).first()

    assert len(months) == 3
    assert min(months.values()) > 0
    assert "■ UTM 1/" in newest.text


def test_every_account_signs_in(app, demo):
    lands_on = {}
    for email in demo.scalars(select(User.email)):
        answer = app.test_client().post("/login/", data={"email": email, "password": PASSWORD})
        lands_on[email] = answer.location

    assert lands_on == {
        "operator@example.jp": "/",
        "multi@example.jp": "/tenants/",
        "viewer@example.jp": "/",
        "staff@example.jp": "/tenants/",
        "admin@example.jp": "/tenants/",
    }


def test_the_pages_of_every_customer_contract_and_invoice_open(app, demo):
    client = app.test_client()
    client.post("/login/", data={"email": "operator@example.jp", "password": PASSWORD})
    tenant_id = demo.scalars(select(Customer.tenant_id).order_by(Customer.id)).first()
    below = {"contracts": Contract, "invoices": Invoice}
    urls = [
        f"/customers/{key}" for key in demo.scalars(select(Customer.id).filter_by(tenant_id=tenant_id, deleted_at=None))
    ]
    for name, model in below.items():
        keys = demo.execute(select(model.customer_id, model.id).filter_by(tenant_id=tenant_id))
        urls += [f"/customers/{customer_id}/{name}/{key}" for customer_id, key in keys]

    assert len(urls) > 100
    assert {url: client.get(url).status_code for url in urls} == dict.fromkeys(urls, 200)


def test_the_utms_are_in_every_state(demo):
    now = _now(demo)
    states = Counter()
    for each in demo.scalars(select(Utm)):
        state = "removed" if each.removed_at else each.state(now=now, online_for=timedelta(minutes=10)).value
        states[each.tenant_id, state] += 1

    assert states == {
        ("T8000000", UtmState.ONLINE.value): 6,
        ("T8000000", UtmState.OFFLINE.value): 3,
        ("T8000000", UtmState.UNCONNECTED.value): 2,
        ("T8000000", "removed"): 2,
        ("T8000001", UtmState.ONLINE.value): 1,
        ("T8000001", UtmState.OFFLINE.value): 1,
    }
    per_customer = demo.execute(
        select(Utm.customer_id, func.count()).group_by(Utm.customer_id).order_by(Utm.customer_id)
    )
    assert per_customer.all()[:3] == [("A00000001", 4), ("A00000002", 3), ("A00000003", 1)]


def test_a_newcomer_finds_a_customer_to_register_a_utm_for_and_one_where_it_is_refused(demo):
    today = _today(demo)

    may = {key: allows_utm(demo, key, today=today) for key in ("A00000008", "A00000009", "A00000010", "A00000011")}
    assert may == {"A00000008": True, "A00000009": True, "A00000010": False, "A00000011": False}
    registered = demo.scalars(select(Utm.id).where(Utm.customer_id.in_(may))).all()
    assert registered == []


def test_a_mac_address_is_the_utm_id_with_colons(demo):
    macs = {each.utm_id: each.mac_address for each in demo.scalars(select(Utm))}

    assert macs["02005e100001"] == "02:00:5E:10:00:01"
    assert macs["02005e100003"] is None


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


def test_every_write_is_in_the_audit_log(demo):
    counts = demo.execute(select(AuditEntry.action, func.count()).group_by(AuditEntry.action)).all()

    paid = demo.scalar(select(func.count()).select_from(Invoice).where(Invoice.paid_on.is_not(None), Invoice.total > 0))
    assert dict(counts) == {
        "announcement.created": 5,
        "announcement.published": 4,
        "application_field.added": 3,
        "contract.changed": 1,
        "contract.created": 41,
        "customer.created": 45,
        "customer.deleted": 1,
        "invoice.corrected": 2,
        "invoice.issued": 12,
        "invoice.paid": paid,
        "level_policy.changed": 1,
        "membership.created": 4,
        "portal_user.created": 12,
        "product.created": 2,
        "rate_plan.created": 4,
        "reboot.scheduled": 9,
        "service_application.confirmed": 11,
        "support_page.changed": 1,
        "tenant.created": 2,
        "ticket.created": 6,
        "ticket.message_added": 11,
        "usage.recorded": 1,
        "user.created": 5,
        "user.role_granted": 2,
        "utm.exchanged": 1,
        "utm.registered": 15,
        "utm.removed": 2,
        "utm.token_issued": 15,
        "utm_application.received": 2,
    }


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


def test_the_tokens_file_has_every_utm_that_is_not_removed(demo, tmp_path):
    path = tmp_path / "demo-tokens.json"
    tokens = json.loads(path.read_text("utf-8"))

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    kept = demo.scalars(select(Utm.utm_id).where(Utm.removed_at.is_(None)).order_by(Utm.utm_id)).all()
    assert list(tokens) == kept
    assert len(tokens) == 13
    assert [each.name for each in tmp_path.iterdir()] == ["demo-tokens.json"]


def test_a_demo_utm_can_send_at_once(app, demo, tmp_path):
    token = json.loads((tmp_path / "demo-tokens.json").read_text("utf-8"))["02005e100004"]
    line = {"alert_id": "1-1", "time": _now(demo).isoformat(), "type": "ips", "act": "block"}

    answer = app.test_client().post(
        "/api/device/v1/alerts", data=json.dumps(line), headers={"Authorization": f"Bearer {token}"}
    )

    assert (answer.status_code, answer.json["stored"]) == (200, 1)


def test_a_second_run_changes_nothing(demo, run, tmp_path):
    path = tmp_path / "demo-tokens.json"
    before = path.read_bytes(), row_counts(demo)

    assert run() == "The demo data exists already.\n"

    assert (path.read_bytes(), row_counts(demo)) == before


def test_a_lost_tokens_file_is_made_again_with_new_tokens(demo, run, tmp_path):
    path = tmp_path / "demo-tokens.json"
    before = json.loads(path.read_text("utf-8"))
    path.unlink()

    assert run() == f"The demo data exists already. Its UTMs have new tokens, in {path}.\n"

    after = json.loads(path.read_text("utf-8"))
    assert list(after) == list(before)
    assert not set(after.values()) & set(before.values())
    in_force = demo.scalars(select(DeviceToken.token_hash).where(DeviceToken.revoked_at.is_(None))).all()
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


def _today(session) -> date:
    return session.scalar(text("SELECT (clock_timestamp() AT TIME ZONE 'Asia/Tokyo')::date"))
