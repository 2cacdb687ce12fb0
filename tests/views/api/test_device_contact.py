"""What the device API takes from UTMs that speak a little differently, and when it counts a UTM as connected."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
import time_machine
from sqlalchemy import text

from models import clock
from models.actor import SYSTEM
from models.utms import device_token
from tests.support.alerts import line
from tests.support.pages import Page

NOW = clock.utc_now()


@pytest.fixture
def utm(make, operator):
    _, utm = make.customer_with_utm(operator.tenant, utm_id="a1b2c3d4e5f6")
    return utm


@pytest.fixture
def send(app, make, utm):
    token = device_token.issue(make.session, utm, now=NOW, by=SYSTEM)
    make.session.commit()
    return lambda path, body: app.test_client().post(
        f"/api/device/v1/{path}", data=body, headers={"Authorization": f"Bearer {token}"}
    )


def kept(make, column: str):
    make.session.rollback()
    return make.session.scalar(text(f"SELECT {column} FROM utm"))


def alert(number: int) -> bytes:
    return line(number, at=clock.utc_now() - timedelta(minutes=1))


@pytest.mark.parametrize("between", [b",", b",\n", b"\n,"], ids=["one line", "comma before", "comma behind"])
@pytest.mark.parametrize("before", [b"[", b" [", b"[\n", b"\n\n[ \n", b"\xef\xbb\xbf["], ids=range(5))
def test_a_json_array_is_refused_whole(make, send, before, between):
    answer = send("alerts", before + alert(1) + between + alert(2) + b"\n]")

    assert answer.status_code == 400
    assert answer.json["title"] == "the body is a JSON array: send one JSON object a line"
    assert make.session.scalar(text("SELECT count(*) FROM alert")) == 0


def test_an_array_behind_a_good_line_is_one_bad_line(send):
    answer = send("alerts", alert(1) + b"\n[]\n" + alert(2))

    assert (answer.status_code, answer.json["stored"]) == (200, 2)
    assert [each["line"] for each in answer.json["rejected"]] == [2]


@pytest.mark.parametrize("written", ["A1B2.C3D4.E5F6", "a1b2c3d4e5f6", "A1-B2-C3-D4-E5-F6", "a1 b2 c3 d4 e5 f6"])
def test_the_mac_address_of_a_heartbeat_is_kept_in_one_notation(make, send, written):
    assert send("heartbeat", json.dumps({"mac": written})).status_code == 200
    assert kept(make, "reported_mac") == "a1:b2:c3:d4:e5:f6"


@pytest.mark.parametrize("written", ["unknown", "", "x" * 5_000, "a\0", 5, None, ["a1:b2:c3:d4:e5:f6"], "eth0 a1:b2"])
def test_a_heartbeat_counts_whatever_stands_for_its_mac_address(make, send, written):
    answer = send("heartbeat", json.dumps({"version": "1.4.4", "mac": written}))

    assert (answer.status_code, kept(make, "firmware"), kept(make, "reported_mac")) == (200, "1.4.4", None)


@pytest.mark.parametrize(
    ("reported", "shown"),
    [
        ("A1B2.C3D4.E5F6", "a1:b2:c3:d4:e5:f6"),
        ("a1:b2:c3:d4:e5:f7", "a1:b2:c3:d4:e5:f7（UTM IDのものと異なります）"),
    ],
    ids=["its own", "another"],
)
def test_a_mac_address_of_another_utm_is_told_on_its_page(operator, utm, send, reported, shown):
    send("heartbeat", json.dumps({"mac": reported}))

    page = Page(operator.get(f"/customers/{utm.customer_id}/utms/{utm.id}").text)

    assert shown in [each.text for each in page.root.all("dd")]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [("alerts", b"", 200), ("alerts", b"not JSON", 200), ("alerts", b"[]", 400), ("heartbeat", b"not JSON", 400)],
)
def test_any_call_with_a_token_in_force_is_a_contact(make, send, path, body, status):
    assert send(path, body).status_code == status

    assert clock.utc_now() - kept(make, "last_seen_at") < timedelta(minutes=1)


def test_a_call_without_a_token_in_force_is_none(make, app, utm):
    app.test_client().post("/api/device/v1/alerts", data=b"", headers={"Authorization": "Bearer utm_x"})

    assert kept(make, "last_seen_at") is None


def test_contacts_within_seconds_are_noted_once(make, send):
    with time_machine.travel(NOW, tick=False) as moment:
        send("alerts", b"")
        moment.shift(10)
        send("alerts", b"")
        early = kept(make, "last_seen_at")
        moment.shift(10)
        send("alerts", b"")

    assert (early, kept(make, "last_seen_at")) == (NOW, NOW + timedelta(seconds=20))


def test_many_calls_at_once_are_all_answered_and_noted_with_one_update(make, send):
    calls = [("alerts", alert(number)) for number in range(6)] + [("alerts", b"")] * 2
    together = Barrier(len(calls))

    def call(path: str, body: bytes) -> int:
        together.wait(timeout=20)
        return send(path, body).status_code

    with ThreadPoolExecutor(len(calls)) as pool:
        answers = list(pool.map(lambda each: call(*each), calls))
    version = kept(make, "xmin::text")
    later = send("alerts", alert(9))

    assert answers == [200] * len(calls)
    assert later.status_code == 200
    assert kept(make, "xmin::text") == version
    assert clock.utc_now() - kept(make, "last_seen_at") < timedelta(minutes=1)


def test_a_heartbeat_that_reports_nothing_new_is_one_statement(make, send, statements):
    body = json.dumps({"version": "1.4.4", "ip": "192.0.2.1", "mac": "a1:b2:c3:d4:e5:f6"})
    send("heartbeat", body)
    statements.clear()

    assert send("heartbeat", body).json["commands"] == []
    assert [each.split()[0] for each in statements] == ["SET", "WITH"]

    send("heartbeat", json.dumps({"version": "1.4.5"}))
    assert (kept(make, "firmware"), kept(make, "ip_address")) == ("1.4.5", "192.0.2.1")
