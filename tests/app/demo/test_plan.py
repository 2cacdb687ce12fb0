"""What the demo is made from; no database."""

from __future__ import annotations

import json
import random
from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest

from app.demo import alerts, plan, words
from app.demo.tenants import TENANTS
from models.contracts.contract import ContractStatus
from models.customers.customer import CustomerStatus

MONDAY_NOON = datetime(2026, 11, 16, 3, 0, tzinfo=UTC)


def test_about_two_in_a_hundred_alerts_are_high():
    lines = _lines(6_000)

    levels = Counter(line["alert_severity"] for line in lines)
    assert 90 <= levels["high"] <= 150
    assert {line["type"] for line in lines} == {"antivirus", "ips", "web_guard", "url_filter", "app_guard"}


def test_the_same_seed_makes_the_same_alerts():
    assert _lines(50) == _lines(50)


def test_a_few_alerts_are_one_of_each_function():
    assert sorted(line["type"] for line in _lines(5)) == ["antivirus", "app_guard", "ips", "url_filter", "web_guard"]


@pytest.mark.parametrize(
    ("function", "keys"),
    [
        ("antivirus", {"L7_proto", "virus", "vid", "file", "severity", "subject", "date"}),
        ("ips", {"msg", "sid"}),
        ("web_guard", {"url"}),
        ("url_filter", {"url", "ctype", "cname", "cid"}),
        ("app_guard", {"atype", "app", "aid"}),
    ],
)
def test_every_field_of_an_alerts_details_is_filled(function, keys):
    common = {"alert_id", "time", "act", "src-ip", "src-port", "dst-ip", "dst-port", "xff", "proto"}

    of_function = [line for line in _lines(200) if line["type"] == function]

    assert of_function
    assert all(line[key] for line in of_function for key in common | keys)


def test_only_addresses_and_names_that_are_nobodys_are_used():
    for line in _lines(300):
        inside, outside = line["src-ip"], line["dst-ip"]
        if line["type"] == "ips":
            inside, outside = outside, inside
        assert inside.startswith("192.168.")
        assert outside.startswith(("192.0.2.", "198.51.100.", "203.0.113."))
        if "url" in line:
            assert line["url"].split("/")[2].endswith(".example")


def test_alerts_keep_office_hours_and_end_with_the_last_sign_of_life():
    lines = _lines(2_000, until=MONDAY_NOON - timedelta(days=2))

    times = [datetime.fromisoformat(line["time"]) for line in lines]
    assert times == sorted(times)
    assert max(times) <= datetime(2026, 11, 14, 3, 0, tzinfo=UTC)
    assert min(times) >= datetime(2026, 10, 17, 15, 0, tzinfo=UTC)
    in_tokyo = [(each + timedelta(hours=9)).hour for each in times]
    day, night = sum(9 <= hour < 18 for hour in in_tokyo), sum(hour < 6 for hour in in_tokyo)
    assert day > 5 * night > 0
    ids = [line["alert_id"].split("-") for line in lines]
    assert [int(count) for _, count in ids] == list(range(1, 2_001))
    assert int(ids[0][0]) == int(times[0].timestamp())


@pytest.mark.parametrize(
    ("contract", "first", "last", "status"),
    [
        (plan.ContractPlan(plan.Term.RUNNING, 14), date(2025, 9, 1), date(2027, 8, 31), ContractStatus.ACTIVE),
        (plan.ContractPlan(plan.Term.RUNNING, 1), date(2026, 10, 1), date(2027, 9, 30), ContractStatus.ACTIVE),
        (plan.ContractPlan(plan.Term.TO_COME, 2), date(2027, 1, 1), date(2027, 12, 31), ContractStatus.ACTIVE),
        (plan.ContractPlan(plan.Term.LEAVING, 15), date(2025, 8, 1), date(2026, 12, 31), ContractStatus.CANCELLED),
        (plan.ContractPlan(plan.Term.CANCELLED, 9), date(2026, 2, 1), date(2026, 8, 31), ContractStatus.CANCELLED),
        (plan.ContractPlan(plan.Term.EXPIRED, 16), date(2025, 7, 1), date(2026, 6, 30), ContractStatus.EXPIRED),
    ],
)
def test_a_planned_contracts_days(contract, first, last, status):
    assert contract.dates(date(2026, 11, 22)) == (first, last, status)


def test_a_customers_status_follows_from_the_plan():
    today = date(2026, 11, 22)
    ended, running = plan.ContractPlan(plan.Term.CANCELLED, 9), plan.ContractPlan(plan.Term.RUNNING, 1)
    void = plan.ContractPlan(plan.Term.VOID, 2)

    assert plan.customer_status((), today) is CustomerStatus.DRAFT
    assert plan.customer_status((void,), today) is CustomerStatus.DRAFT
    assert plan.customer_status((ended,), today) is CustomerStatus.CANCELLED
    assert plan.customer_status((ended, running), today) is CustomerStatus.ACTIVE


def test_the_long_name_has_40_characters():
    assert len(words.LONG_NAME) == 40


def test_company_names_differ_and_fit():
    names = words.company_names(random.Random(1), 200)

    assert len(set(names)) == 200
    assert all(len(name) <= 40 for name in names)


def test_the_tenants_have_40_and_4_customers():
    assert [len(tenant.customers) for tenant in TENANTS] == [40, 4]


def _lines(number, until=MONDAY_NOON):
    made = alerts.lines(random.Random(7), number, now=MONDAY_NOON, until=until)
    return [json.loads(line) for line in made]
