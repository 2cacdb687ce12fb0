"""The commands of the device API: a reboot from its request to its result, and what a UTM may repeat (§7.12)."""

from __future__ import annotations

import itertools
from datetime import timedelta

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import (
    content_type_conformance,
    not_a_server_error,
    response_schema_conformance,
    status_code_conformance,
)

from models import clock
from models.actor import SYSTEM
from models.utms import device_token

NOW = clock.utc_now()
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


@pytest.fixture
def utm(make):
    return make.utm(last_seen_at=NOW)


@pytest.fixture
def token(make, utm):
    issued = device_token.issue(make.session, utm, now=NOW, by=SYSTEM)
    make.session.commit()
    return issued


@pytest.fixture
def send(app, token):
    return lambda path, **body: app.test_client().post(
        f"/api/device/v1/{path}", json=body, headers={"Authorization": f"Bearer {token}"}
    )


@pytest.fixture
def commands(send):
    """The IDs of the commands in the response to a heartbeat."""

    def beat(**body):
        told = send("heartbeat", **body).json["commands"]
        assert {each["type"] for each in told} <= {"reboot"}
        return [each["id"] for each in told]

    return beat


@pytest.fixture
def requested(make, utm):
    return make.reboot(utm_row=utm, state="requested", due_at=clock.utc_now(), planned=False)


def kept(make, reboot):
    make.session.rollback()
    make.session.refresh(reboot)
    return reboot


def test_a_request_is_in_every_heartbeat_until_its_result_arrives(make, requested, send, commands):
    key = str(requested.id)
    first, again = commands(boot_id="a"), commands(boot_id="a")
    delivered_at = kept(make, requested).delivered_at

    started = send(f"commands/{key}/result", state="started", at="2026-11-29T12:00:00", message="going down\nnow")
    after_start = commands(boot_id="a")
    done = send(f"commands/{key}/result", state="succeeded")

    assert (first, again, after_start, commands(boot_id="a")) == ([key], [key], [], [])
    assert (started.status_code, started.data, done.status_code) == (204, b"", 204)
    row = kept(make, requested)
    assert (row.state, row.failure, row.verified_at) == ("succeeded", None, None)
    assert delivered_at == row.delivered_at


def test_a_new_boot_after_the_command_is_a_verified_success(make, requested, commands):
    commands(boot_id="a")

    assert commands(boot_id="b") == []
    row = kept(make, requested)
    assert (row.state, row.ended_at, row.verified_at is not None) == ("succeeded", row.verified_at, True)


def test_a_success_that_was_reported_is_verified_by_the_next_boot(make, requested, send, commands):
    commands(boot_id="a")
    send(f"commands/{requested.id}/result", state="succeeded", message="ok")
    before = kept(make, requested).verified_at
    commands(boot_id="b")

    assert (before, kept(make, requested).verified_at is not None) == (None, True)


def test_without_the_identifier_of_a_boot_nothing_is_verified(make, requested, commands):
    assert commands() == commands(boot_id="b") == commands() == [str(requested.id)]
    assert kept(make, requested).state == "requested"


def test_a_second_result_is_answered_alike_and_changes_nothing(make, requested, send, commands):
    commands()
    path = f"commands/{requested.id}/result"

    answers = [
        send(path, state="failed", message="disk busy").status_code,
        send(path, state="failed", message="again").status_code,
        send(path, state="succeeded").status_code,
        send(path, state="started").status_code,
    ]

    row = kept(make, requested)
    assert answers == [204] * 4
    assert (row.state, row.failure, row.message, row.started_at) == ("failed", "reported", "disk busy", None)


def test_a_command_that_the_utm_was_not_given_is_404(make, utm, requested, send):
    others = make.reboot(utm_row=make.utm(customer_row=utm.customer), state="requested", delivered_at=NOW)
    plan = make.reboot(utm_row=utm)
    unknown = [others.id, plan.id, requested.id, 0, "abc", 2**70, "９"]

    answers = [send(f"commands/{each}/result", state="succeeded") for each in unknown]

    assert [(each.status_code, each.mimetype) for each in answers] == [(404, "application/problem+json")] * len(unknown)
    assert [kept(make, each).state for each in (others, plan, requested)] == ["requested", "scheduled", "requested"]


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({}, "state: not one of started, succeeded, failed"),
        ({"state": ["started"]}, "state: not one of started, succeeded, failed"),
        ({"state": "started", "at": "yesterday"}, "at: not a time in ISO 8601"),
        ({"state": "started", "at": 5}, "at: not a printable text of at most 40 characters"),
        ({"state": "started", "message": "x" * 501}, "message: not a printable text of at most 500 characters"),
        ({"state": "started", "message": "\0"}, "message: not a printable text of at most 500 characters"),
    ],
)
def test_a_result_that_is_refused_is_told_what_is_wrong(make, requested, send, commands, body, detail):
    commands()

    answer = send(f"commands/{requested.id}/result", **body)

    assert (answer.status_code, answer.mimetype) == (400, "application/problem+json")
    assert answer.json["detail"] == detail
    assert kept(make, requested).reported_at is None


def test_a_boot_id_that_is_none_is_refused(send):
    assert send("heartbeat", boot_id=5).json["detail"] == "boot_id: not a printable text of at most 64 characters"


def test_a_heartbeat_looks_for_commands_with_one_statement(make, requested, send, statements):
    send("heartbeat")
    send(f"commands/{requested.id}/result", state="succeeded")
    statements.clear()

    send("heartbeat")

    assert len([each for each in statements if "reboot" in each]) == 1


def test_responses_are_as_described(app, make, utm, token):
    schema = schemathesis.openapi.from_wsgi("/api/device/v1/openapi.json", app)
    operations = {found.ok().label: found.ok() for found in schema.get_all_operations()}
    statuses, given_id = set(), []
    for label, mode in itertools.product(("POST /heartbeat", "POST /commands/{id}/result"), GenerationMode):
        reboot = make.reboot(utm_row=utm, state="requested", due_at=NOW, delivered_at=NOW)
        given_id.append(reboot.id)

        @settings(
            max_examples=10, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
        )
        @given(operations[label].as_strategy(generation_mode=mode))
        def call(case):
            if case.path_parameters and case.meta.generation.mode is GenerationMode.POSITIVE:
                case.path_parameters = {"id": str(given_id[-1])}
            response = case.call_and_validate(headers={"Authorization": f"Bearer {token}"}, checks=CHECKS)
            statuses.add(response.status_code)

        call()
        make.session.refresh(reboot)
        reboot.state, reboot.ended_at, reboot.failure = "cancelled", NOW + timedelta(minutes=1), None
        make.save(reboot)

    assert {200, 204, 400} <= statuses
