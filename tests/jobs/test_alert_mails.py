"""§7.17: one mail for each UTM with its High alerts, exactly once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import text
from sqlalchemy.orm import Session

from jobs import alert_mails
from models.actor import SYSTEM
from models.alerts import alert_mail, level_policy, policy_rules
from models.alerts import ingest as alert_ingest
from models.alerts.level_policy import LevelRule
from models.utms import utm as utms
from models.utms.utm import Utm
from tests.support.alerts import line, lines

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
CUSTOMER, DESK = "owner@customer.example", "desk@partner.example"


@pytest.fixture(autouse=True)
def _now():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def utm(make):
    tenant = make.tenant()
    customer = make.customer(tenant=tenant, name="サンプル工業")
    make.contract(customer_row=customer)
    return make.utm(customer_row=customer, name="本社", customer_email1=CUSTOMER, desk_email2=DESK)


@pytest.fixture
def arrive(engine):
    def store(utm, found, now=NOW):
        with Session(engine, info={"tenant_scope": utm.tenant_id}) as session:
            sender = alert_ingest.Sender(utm.tenant_id, utm.customer_id, utm.id)
            alert_ingest.store(session, sender, found, now=now, retention_months=13)
            session.commit()

    return store


@pytest.fixture
def policy(make):
    def save(*rules, default="low"):
        number = level_policy.in_force(make.session).version
        policy_rules.save(make.session, rules, default, shown=number, by=SYSTEM)
        make.session.commit()

    return save


@pytest.mark.usefixtures("context")
def test_high_alerts_are_mailed_once_to_customer_and_desk_with_the_first_twenty(app, utm, arrive, mails):
    arrive(utm, lines(22, at=NOW, alert_severity="high", msg="ET SCAN", act="block"))
    arrive(utm, [(1, line(at=NOW - timedelta(hours=2), type="app_guard", app="P2P"))])

    alert_mails.send()
    alert_mails.send()

    to_customer, to_desk = mails()
    assert (to_customer.kind, to_customer.recipient) == ("alert_customer", CUSTOMER)
    assert (to_desk.kind, to_desk.recipient, to_desk.utm_id) == ("alert_desk", DESK, utm.id)
    assert "件数: 22\n\n2026-11-22 11:59:39 | IPS | ET SCAN | Block\n" in to_customer.body
    assert to_customer.body.count("ET SCAN") == 20
    assert "\nほか 2 件\n" in to_customer.body
    assert f"\n{app.config['CUSTOMER_PORTAL_URL']}\n" in to_customer.body
    with app.test_request_context():
        path = app.url_for("AlertView.list", customer_id=utm.customer_id)
    assert f"\n{app.config['PORTAL_URL']}{path}\n" in to_desk.body


@pytest.mark.usefixtures("context")
def test_what_a_utm_sent_stays_one_short_line(utm, arrive, mails):
    hostile = "a\r\nBcc: x@example.jp\x07\u2028\u202e{{Url}}\t" + "長" * 400
    arrive(utm, [(1, line(at=NOW, alert_severity="high", msg=hostile, act="x\ny"))])

    alert_mails.send()

    body = mails()[0].body
    (listed,) = [each for each in body.splitlines() if " | " in each]
    assert listed.startswith("2026-11-22 12:00:00 | IPS | a Bcc: x@example.jp {{Url}} 長")
    assert listed.endswith("長… | x y")
    assert len(listed) < 150


@pytest.mark.usefixtures("context")
def test_an_alert_that_is_no_longer_high_becomes_low_and_is_not_mailed(make, utm, arrive, mails, policy):
    arrive(utm, lines(3, at=NOW, alert_severity="high", msg="ET SCAN Nmap"))
    arrive(utm, [(1, line(9, at=NOW, alert_severity="high", msg="ET TROJAN"))])
    arrive(utm, [(1, line(10, at=NOW, msg="ET INFO"))])
    policy(LevelRule("low", signature="et scan"), LevelRule("high", function="ips"))

    alert_mails.send()

    assert "件数: 1\n" in mails()[0].body
    stored = make.session.execute(
        text("SELECT msg, level, sender_level, policy_version, lowered_by, count(*) FROM alert GROUP BY 1, 2, 3, 4, 5")
    ).all()
    assert sorted(stored) == [
        ("ET INFO", "low", "low", 1, None, 1),
        ("ET SCAN Nmap", "low", "high", 1, 2, 3),
        ("ET TROJAN", "high", "high", 1, None, 1),
    ]
    counts = make.session.execute(text("SELECT level, count FROM alert_daily ORDER BY level")).all()
    assert counts == [("high", 1), ("low", 4)]


@pytest.mark.usefixtures("context")
def test_an_alert_older_than_a_day_on_arrival_is_not_mailed(utm, arrive, mails):
    arrive(utm, [(1, line(1, at=NOW - timedelta(hours=24, seconds=1), alert_severity="high", msg="old"))])
    arrive(utm, [(1, line(2, at=NOW - timedelta(hours=24), alert_severity="high", msg="late"))])
    arrive(utm, [(1, line(3, at=NOW, alert_severity="high", msg="new"))])

    with time_machine.travel(NOW + timedelta(days=3)):
        alert_mails.send()  # the job itself was late: nothing is lost

    body = mails()[0].body
    assert "件数: 2\n" in body
    assert "late" in body
    assert "old" not in body


@pytest.mark.usefixtures("context")
def test_after_the_last_day_of_the_last_contract_nothing_is_mailed(make, utm, arrive, mails):
    make.session.execute(text("UPDATE contract SET status = 'cancelled', end_on = '2026-11-22'"))
    make.session.commit()
    arrive(utm, lines(1, at=NOW, alert_severity="high"))
    alert_mails.send()
    assert len(mails()) == 2

    tomorrow = NOW + timedelta(days=1)
    arrive(utm, lines(1, at=tomorrow, alert_severity="high"), now=tomorrow)
    with time_machine.travel(tomorrow):
        alert_mails.send()

    assert len(mails()) == 2
    assert make.session.scalar(text("SELECT count(*) FROM alert_mail_due")) == 0


@pytest.mark.usefixtures("context")
def test_removing_a_utm_drops_its_mails_that_were_not_sent(make, utm, arrive, mails, in_tenant):
    other = make.utm(customer_row=utm.customer, customer_email1="other@customer.example")
    for each in (utm, other):
        arrive(each, lines(1, at=NOW, alert_severity="high"))
    alert_mails.send()
    make.session.execute(text("UPDATE mail_message SET state = 'sent' WHERE kind = 'alert_desk'"))
    make.session.commit()
    arrive(utm, lines(1, at=NOW + timedelta(seconds=5), alert_severity="high"))

    with in_tenant(utm.tenant_id) as session:
        utms.remove(session, session.get_one(Utm, utm.id), now=NOW, by=SYSTEM)
        session.commit()
    # What a request stored while the UTM was removed is not mailed either.
    arrive(utm, lines(1, at=NOW + timedelta(seconds=9), alert_severity="high"))
    alert_mails.send()

    assert sorted((each.recipient, each.state) for each in mails()) == [
        (DESK, "sent"),
        ("other@customer.example", "pending"),
    ]


@pytest.mark.usefixtures("context")
def test_only_unsent_alert_mails_can_be_deleted(make, utm, in_tenant):
    make.mail_message(tenant_id=utm.tenant_id)
    with in_tenant(utm.tenant_id) as session:
        assert session.execute(text("DELETE FROM mail_message")).rowcount == 0
    assert make.session.execute(text("DELETE FROM mail_message")).rowcount == 0


@pytest.mark.usefixtures("context")
def test_a_run_that_is_killed_before_its_commit_loses_and_doubles_nothing(utm, arrive, mails, in_tenant):
    arrive(utm, lines(3, at=NOW, alert_severity="high"))
    with in_tenant(utm.tenant_id) as session:
        alert_mail.send(session, utm.id, customer_portal_url="", list_url=str, now=NOW)
        session.rollback()
    assert mails() == []

    alert_mails.send()

    assert len(mails()) == 2


def test_runs_at_the_same_time_mail_each_alert_once(app, utm, arrive, mails):
    found = lines(60, at=NOW, alert_severity="high")

    def run(number: int) -> None:
        with app.app_context():
            arrive(utm, found[number * 10 : number * 10 + 10])
            alert_mails.send()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(run, range(6)))
    with app.app_context():
        alert_mails.send()

    counts = [int(each.body.split("件数: ")[1].split("\n")[0]) for each in mails() if each.kind == "alert_desk"]
    assert sum(counts) == 60


@pytest.mark.usefixtures("context")
def test_a_utm_that_fails_does_not_stop_the_others(make, utm, arrive, mails, monkeypatch):
    broken = make.utm(customer_row=utm.customer)
    arrive(broken, lines(1, at=NOW - timedelta(minutes=1), alert_severity="high"))
    arrive(utm, lines(1, at=NOW, alert_severity="high"))
    real = alert_mail.send

    def send(session, utm_id, **values):
        if utm_id == broken.id:
            raise ValueError
        real(session, utm_id, **values)

    monkeypatch.setattr(alert_mail, "send", send)
    with pytest.raises(Exception, match="ValueError"):
        alert_mails.send()

    assert len(mails()) == 2
