from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from tests.load import chaos, checker
from tests.load.checker import Mail, OrderedReboot, State
from tests.load.evidence import Month

RIGHT = State(
    alerts={"a-1": True, "a-2": True, "a-3": False},
    stored={"a-1": 1, "a-2": 1},
    mails=[Mail("m-1", "sent", [10.0]), Mail("m-2", "sent", [99.0, 400.0])],
    mail_kills=[100.0],
    reboots=[
        OrderedReboot("1", "succeeded", due=True, executed=1),
        OrderedReboot("2", "cancelled", due=False),
        OrderedReboot("3", "scheduled", due=False),
    ],
    contracts=["C1 fee", "C2 fee"],
    invoiced=["C2 fee", "C1 fee"],
    reports_due=["A1", "A2"],
    reports=["A2", "A1"],
    report_mails=["a1@example.jp"],
)


def faults(**change):
    return {what: found for what, found in checker.check(replace(RIGHT, **change)).items() if found}


def test_nothing_is_said_of_a_state_that_is_right():
    assert faults() == {}
    assert {each.held for each in chaos.proof(RIGHT)} == {True}


def test_a_run_without_anything_proves_nothing():
    assert {each.held for each in chaos.proof(State())} == {False}


def test_an_alert_that_was_sent_but_not_acknowledged_may_be_stored_or_not():
    assert faults(stored={"a-1": 1, "a-2": 1, "a-3": 1}) == {}


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"stored": {"a-1": 1}}, "alert a-2 is lost"),
        ({"stored": {"a-1": 1, "a-2": 2}}, "alert a-2 is stored 2 times"),
        ({"stored": {"a-1": 1, "a-2": 1, "a-9": 1}}, "alert a-9 was not sent"),
        ({"counted": [(7, 3, 2)]}, "UTM 7 has 2 alerts but a count of 3"),
    ],
)
def test_alerts_that_are_lost_or_doubled_are_reported(change, fault):
    assert faults(**change) == {"alerts": [fault]}


@pytest.mark.parametrize(
    ("mail", "fault"),
    [
        (Mail("m", "pending"), "mail m is still waiting"),
        (Mail("m", "failed"), "mail m has failed"),
        (Mail("m", "sent"), "mail m is marked as sent but was not"),
        (Mail("m", "sent", [10.0, 20.0]), "mail m was sent 2 times"),
        (Mail("m", "sent", [90.0, 110.0]), "mail m was sent 2 times"),
        (Mail("m", "sent", [99.0, 101.0, 200.0]), "mail m was sent 3 times"),
    ],
)
def test_mails_that_are_lost_or_repeated_without_a_kill_in_between_are_reported(mail, fault):
    assert faults(mails=[mail]) == {"mails": [fault]}


def test_a_mail_may_be_repeated_after_a_kill_during_its_attempt():
    assert checker.repeated_mails(RIGHT) == 1
    assert checker.repeated_mails(replace(RIGHT, mail_kills=[])) == 0
    assert faults(mail_kills=[]) == {"mails": ["mail m-2 was sent 2 times"]}


def test_a_mail_that_is_in_no_outbox_is_reported():
    assert faults(unknown_mails=["m-9"]) == {"mails": ["mail m-9 was sent without a row"]}


@pytest.mark.parametrize(
    ("reboot", "fault"),
    [
        (OrderedReboot("1", "succeeded", due=True, executed=2), "reboot 1 was carried out 2 times"),
        (OrderedReboot("1", "requested", due=True), "reboot 1 is forgotten: it is still requested"),
        (OrderedReboot("1", "scheduled", due=True), "reboot 1 is forgotten: it is still scheduled"),
        (OrderedReboot("1", "failed", due=True), "reboot 1 is failed, and was carried out 0 times"),
        (OrderedReboot("1", "succeeded", due=True), "reboot 1 is succeeded, and was carried out 0 times"),
        (
            OrderedReboot("1", "cancelled", due=False, executed=1),
            "reboot 1 was carried out although it was cancelled",
        ),
    ],
)
def test_reboots_that_are_forgotten_or_repeated_are_reported(reboot, fault):
    assert faults(reboots=[reboot]) == {"reboots": [fault]}


@pytest.mark.parametrize(
    ("invoiced", "found"),
    [
        (["C1 fee"], ["contract C2 fee is missing"]),
        (["C1 fee", "C2 fee", "C2 fee"], ["contract C2 fee is there 2 times"]),
        (["C1 fee", "C2 fee", "C3 fee"], ["contract C3 fee was not expected"]),
        ([], ["contract C1 fee is missing", "contract C2 fee is missing"]),
    ],
)
def test_contracts_that_are_not_invoiced_once_are_reported(invoiced, found):
    assert faults(invoiced=invoiced) == {"invoices": found}


def test_contracts_that_were_not_billed_before_are_left_out():
    month = Month(date(2026, 10, 1), ["C1 1 fee", "C2 2 fee"], [])

    assert month.of_its_contracts(["C1 1 fee", "C1 1 fee", "C3 3 fee"]) == ["C1 1 fee", "C1 1 fee"]


def test_reports_that_are_missing_or_mailed_twice_are_reported():
    assert faults(reports=["A1"]) == {"monthly reports": ["customer A2 is missing"]}
    assert faults(report_mails=["a1@example.jp"] * 2) == {
        "monthly reports": ["report mail a1@example.jp is there 2 times"]
    }


def test_the_table_says_what_is_wrong_and_how_much_more():
    lost = {f"a-{number}": True for number in range(7)}

    alerts, *_ = chaos.proof(replace(RIGHT, alerts=lost, stored={}))

    assert not alerts.held
    assert alerts.figures["measured"] == "7 acknowledged, 0 stored"
    assert alerts.figures["remark"].startswith("alert a-0 is lost; alert a-1 is lost; ")
    assert alerts.figures["remark"].endswith("; alert a-4 is lost and 2 more")
