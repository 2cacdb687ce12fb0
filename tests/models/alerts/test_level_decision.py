"""The level of an alert by a policy: what each condition means, and that Python and SQL decide the same."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text

from models.actor import SYSTEM
from models.alerts import ingest as alert_ingest
from models.alerts import level_policy, policy_rules
from models.alerts import line as alert_line
from models.alerts.alert import Alert
from models.alerts.level_decision import level_expression
from models.alerts.level_policy import FIRST, LevelPolicy, LevelRule
from tests.support.alerts import line

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


def decided(rules, default="low", **values) -> str:
    levels = alert_line.level_decider(LevelPolicy(2, tuple(rules), default))
    row = alert_line.parse(line(at=NOW, **values), oldest=NOW, newest=NOW, levels=levels)
    return row[alert_line.COLUMNS.index("level")]


@pytest.mark.parametrize(
    ("condition", "met", "missed"),
    [
        ({"function": "ips"}, {"type": "ips"}, {"type": "antivirus"}),
        ({"sender_level": "low"}, {"alert_severity": "Low"}, {"alert_severity": None}),
        ({"severity": "major"}, {"severity": "Major"}, {"severity": "Major 1"}),
        ({"action": "BLOCK"}, {"act": "block"}, {"act": "pass"}),
        ({"category": "Games"}, {"cname": "games"}, {"cname": "games and more"}),
        ({"category": "104"}, {"cid": 104}, {"cid": "1040"}),
        ({"signature": "2000001"}, {"sid": 2000001}, {"sid": "20000012"}),
        ({"signature": "trojan"}, {"virus": "W32/Trojan.A"}, {"subject": "trojan"}),
        ({"signature": "et scan"}, {"msg": "1 ET SCAN Nmap"}, {"msg": "ET-SCAN"}),
        ({"function": "ips", "action": "pass"}, {"act": "Pass"}, {"act": "block"}),
    ],
)
def test_a_rule_applies_if_all_its_conditions_are_met(condition, met, missed):
    rules = [LevelRule("high", **condition)]

    assert decided(rules, **met) == "high"
    assert decided(rules, **missed) == "low"


def test_the_first_rule_that_applies_decides():
    rules = [LevelRule("low", function="ips", action="block"), LevelRule("high", function="ips")]

    assert decided(rules, act="block") == "low"
    assert decided(rules, act="pass") == "high"
    assert decided(rules, default="high", type="web_guard") == "high"


@pytest.mark.parametrize(("sent", "level"), [("high", "high"), ("HIGH", "high"), ("low", "low"), (None, "low")])
def test_by_the_first_policy_the_sender_decides(sent, level):
    assert decided(FIRST.rules, FIRST.default_level, alert_severity=sent) == level


TEXTS = st.sampled_from(
    ["", "a", "A", "aB", "ß", "Ä", "ä", "İ", "ı", "K", "k", "%", "_", "\\", "日本", "１", "\u0345", "😀"]
)
TEXT = st.lists(TEXTS, max_size=3).map("".join)
LEVELS = st.sampled_from(["high", "low"])
FUNCTIONS = st.sampled_from(["antivirus", "ips", "web_guard", "url_filter", "app_guard"])
RULES = st.builds(
    LevelRule,
    LEVELS,
    function=st.just("") | FUNCTIONS,
    sender_level=st.just("") | LEVELS,
    severity=st.just("") | TEXT,
    action=st.just("") | st.sampled_from(["pass", "BLOCK", "ä", "a"]),
    category=st.just("") | TEXT,
    signature=st.just("") | TEXT,
)
ALERTS = st.fixed_dictionaries(
    {"type": FUNCTIONS, "act": st.sampled_from(["pass", "Block", "A", "Ä", "bloc\u212a"])},
    optional=dict.fromkeys(("severity", "cname", "cid", "sid", "virus", "msg"), TEXT) | {"alert_severity": LEVELS},
)


@settings(max_examples=30, suppress_health_check=list(HealthCheck))
@given(rules=st.lists(RULES, max_size=4), default=LEVELS, alerts=st.lists(ALERTS, min_size=1, max_size=12))
def test_python_and_sql_decide_the_same(in_tenant, ours, rules, default, alerts):
    policy = LevelPolicy(9, tuple(rules), default)
    found = [line(number, at=NOW, **({"alert_severity": None} | values)) for number, values in enumerate(alerts)]
    levels = alert_line.level_decider(policy)
    rows = [alert_line.parse(raw, oldest=NOW, newest=NOW, levels=levels) for raw in found]

    with in_tenant(ours.tenant_id) as session:
        sender = alert_ingest.Sender(ours.tenant_id, ours.customer.id, ours.utm.id)
        alert_ingest.store(session, sender, enumerate(found, 1), now=NOW, retention_months=13)
        by_sql = session.execute(select(Alert.alert_id, level_expression(policy, Alert))).all()

    assert dict(by_sql) == {row[0]: row[alert_line.COLUMNS.index("level")] for row in rows}


def test_a_new_version_decides_about_what_arrives_from_then_on(make, ours, arrive):
    arrive(ours.utm, [(1, line(1, at=NOW))])
    policy_rules.save(make.session, [LevelRule("high", function="ips")], "low", shown=1, by=SYSTEM)
    make.session.commit()
    arrive(ours.utm, [(1, line(2, at=NOW))])

    assert level_policy.in_force(make.session).version == 2
    assert make.session.execute(text("SELECT level, policy_version FROM alert ORDER BY seq")).all() == [
        ("low", 1),
        ("high", 2),
    ]
