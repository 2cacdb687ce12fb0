"""The device API: tokens, heartbeats, and bodies of every kind."""

from __future__ import annotations

import gzip
import json
import resource
import zlib
from datetime import UTC, datetime, timedelta

import pytest
from gunicorn.config import Config
from gunicorn.http.parser import RequestParser
from sqlalchemy import text

from models import clock
from models.actor import SYSTEM
from models.utms import device_token
from tests.support.alerts import line

NOW = clock.utc_now()


@pytest.fixture
def utm(make):
    _, utm = make.customer_with_utm(make.tenant(), utm_id="a1b2c3d4e5f6")
    return utm


@pytest.fixture
def token(make, utm):
    token = device_token.issue(make.session, utm, now=NOW, by=SYSTEM)
    make.session.commit()
    return token


@pytest.fixture
def send(app, token):
    def send_body(body, *, path="alerts", bearer=token, **headers):
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return app.test_client().post(
            f"/api/device/v1/{path}", data=body, headers={"Authorization": f"Bearer {bearer}"} | named
        )

    return send_body


def body(count: int, start: int = 0) -> bytes:
    at = clock.utc_now() - timedelta(minutes=5)
    return b"\n".join(line(number, at=at) for number in range(start, start + count))


def stored(make) -> int:
    return make.session.scalar(text("SELECT count(*) FROM alert"))


@pytest.mark.parametrize(
    "header", [{}, {"Authorization": "Bearer "}, {"Authorization": "Bearer x"}, {"Authorization": "Basic x"}]
)
def test_without_a_token_in_force_nobody_gets_in(app, utm, header):
    answer = app.test_client().post("/api/device/v1/alerts", data=b"", headers=header)

    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")


def test_a_removed_utms_token_has_ended(make, send, utm):
    make.session.execute(text("UPDATE utm SET removed_at = now()"))
    make.session.commit()

    assert send(b"{}", path="heartbeat").status_code == 401


def test_a_heartbeat_is_noted_and_told_what_waits(make, send):
    answer = send(b'{"version": "1.4.4", "ip": "192.168.10.123", "mac": "AA-BB-CC-DD-EE-FF"}', path="heartbeat")

    assert (answer.status_code, answer.json) == (200, {"commands": [], "next_seconds": 60})
    row = make.session.execute(
        text("SELECT firmware, ip_address, reported_mac, mac_address, last_seen_at FROM utm")
    ).one()
    assert tuple(row[:4]) == ("1.4.4", "192.168.10.123", "aa:bb:cc:dd:ee:ff", None)
    assert datetime.now(UTC) - row.last_seen_at < timedelta(minutes=1)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"", 400),
        (b"[]", 400),
        (b"{", 400),
        (b"\xff", 400),
        (b"[" * 10_000, 400),
        (b'{"version": 1}', 400),
        (b'{"version": "' + b"x" * 65 + b'"}', 400),
        (b'{"version": "a\\u0000"}', 400),
        (b'{"version": "\\ud800"}', 400),
        (b'{"ip": "1.2.3"}', 400),
        (b'{"x": "' + b"y" * 20_000 + b'"}', 413),
    ],
    ids=range(11),
)
def test_a_heartbeat_of_nonsense_is_refused(send, sent, status):
    answer = send(sent, path="heartbeat")

    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")


def test_good_lines_are_stored_and_bad_ones_told(make, send):
    answer = send(body(2) + b"\n{broken\n\n" + body(1, start=2) + b'\r\n{"type": "ips"}')

    assert answer.status_code == 200
    assert answer.json == {
        "utm": "a1b2c3d4e5f6",
        "received": 5,
        "stored": 3,
        "duplicate": 0,
        "rejected_count": 2,
        "rejected": [{"line": 3, "reason": "not JSON"}, {"line": 6, "reason": "time: missing"}],
    }
    assert stored(make) == 3


def test_threat_statistics_are_stored_for_the_utm_of_the_token(make, send, utm):
    hour = clock.utc_now().replace(minute=0, second=0, microsecond=0)
    sent = {"hour": hour.isoformat(), "function": "app_guard", "category": "P2P", "count": 7}

    answer = send(json.dumps(sent).encode() + b"\n{}", path="threat-stats")

    assert (answer.status_code, answer.json["stored"]) == (200, 1)
    assert answer.json["rejected"] == [{"line": 2, "reason": "hour: missing"}]
    row = make.session.execute(text("SELECT tenant_id, customer_id, utm_id, count FROM threat_stat")).one()
    assert tuple(row) == (utm.tenant_id, utm.customer_id, utm.id, 7)


@pytest.mark.parametrize(
    ("sent", "headers"),
    [(b"", {}), (b"", {"Content_Type": "application/x-ndjson"}), (gzip.compress(b""), {"Content_Encoding": "gzip"})],
    ids=["nothing", "no lines", "no lines in gzip"],
)
def test_an_empty_body_asks_whose_token_it_is(make, send, sent, headers):
    answer = send(sent, **headers)

    assert answer.status_code == 200
    assert answer.json == {
        "utm": "a1b2c3d4e5f6", "received": 0, "stored": 0, "duplicate": 0, "rejected_count": 0, "rejected": []
    }  # fmt: skip
    assert stored(make) == 0


def test_a_replaced_token_is_told_the_same_utm(make, send, utm):
    new = device_token.issue(make.session, utm, now=NOW, by=SYSTEM)
    make.session.commit()

    assert send(b"").status_code == 401
    assert send(b"", bearer=new).json["utm"] == "a1b2c3d4e5f6"


def test_sending_twice_stores_once(make, send):
    sent = body(10)

    first, second = send(sent).json, send(sent).json

    assert (first["stored"], first["duplicate"]) == (10, 0)
    assert (second["stored"], second["duplicate"]) == (0, 10)
    assert make.session.scalar(text("SELECT sum(count) FROM alert_daily")) == 10


def test_a_line_cannot_name_another_tenant(make, send, utm):
    other = make.tenant()

    send(line(at=clock.utc_now(), tenant_id=other.id, customer_id="A99999999", utm_id=99))

    row = make.session.execute(text("SELECT tenant_id, customer_id, utm_id FROM alert")).one()
    assert tuple(row) == (utm.tenant_id, utm.customer_id, utm.id)


@pytest.mark.parametrize(
    ("pack", "good"),
    [
        (gzip.compress, 20),
        (lambda raw: gzip.compress(raw[: len(raw) // 2]) + gzip.compress(raw[len(raw) // 2 :]), 20),
    ],
    ids=["gzip", "two members"],
)
def test_gzip_is_read(send, pack, good):
    answer = send(pack(body(20)), Content_Encoding="gzip")

    assert (answer.status_code, answer.json["stored"], answer.json["rejected_count"]) == (200, good, 0)


@pytest.mark.parametrize(
    ("pack", "reason"),
    [
        (lambda raw: gzip.compress(raw)[:-20], "the gzip body ends before its end"),
        (lambda raw: gzip.compress(raw + b"\n") + b"garbage", "the body is not gzip from here on"),
    ],
    ids=["truncated", "garbage behind"],
)
def test_of_a_damaged_gzip_body_the_good_lines_are_stored(make, send, pack, reason):
    answer = send(pack(body(2_000)), Content_Encoding="gzip")

    assert answer.status_code == 200
    assert answer.json["stored"] == stored(make) > 1_000
    assert answer.json["rejected"][-1]["reason"] == reason
    assert answer.json["received"] == answer.json["stored"] + 1, "the broken end counts as a line"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize("head", [b"", b"Content-Encoding: gzip\r\n"], ids=["plain", "gzip"])
@pytest.mark.parametrize(
    ("framed", "status", "reason"),
    [
        (lambda half: CHUNKED + chunk(half) + b"ZZ\r\n", 400, "the body is not chunked as HTTP says from here on"),
        (lambda half: CHUNKED + chunk(half) + b"5\r\n{", 200, "the connection ended before the body"),
        (lambda half: CHUNKED + chunk(half), 200, "the connection ended before the body"),
        (lambda half: b"Content-Length: 900000\r\n\r\n" + half, 200, "the connection ended before the body"),
    ],
    ids=["size of a chunk", "in a chunk", "between chunks", "length"],
)
def test_of_a_body_that_the_server_cannot_read_to_its_end_the_good_lines_are_stored(
    make, app, token, head, framed, status, reason
):
    lines = body(2_000) + b"\n"
    half = gzip.compress(lines)[:-20] if head else lines
    come = next(RequestParser(Config(), iter([b"POST / HTTP/1.1\r\n" + head + framed(half)]), ("127.0.0.1", 1)))
    headers = dict(come.headers)
    length = {"CONTENT_LENGTH": headers["CONTENT-LENGTH"]} if "CONTENT-LENGTH" in headers else {}

    answer = app.test_client().post(
        "/api/device/v1/alerts",
        headers=headers | {"Authorization": f"Bearer {token}"},
        environ_overrides={"wsgi.input": come.body, "wsgi.input_terminated": True} | length,
    )

    assert (answer.status_code, answer.json["rejected"][-1]["reason"]) == (status, reason)
    assert 1_900 < answer.json["stored"] == stored(make) == answer.json["received"] - 1


@pytest.mark.parametrize(
    ("sent", "headers", "status", "reason"),
    [
        (b"no gzip", {"Content_Encoding": "gzip"}, 200, "the body is not gzip from here on"),
        (zlib.compress(b"{}"), {"Content_Encoding": "deflate"}, 415, "Content-Encoding: only gzip is understood"),
        ('{"msg": "攻撃"}'.encode("shift_jis"), {}, 200, "not UTF-8"),
        ('{"msg": "攻撃"}'.encode("utf-16"), {}, 200, "not UTF-8"),
    ],
    ids=["not gzip", "deflate", "Shift_JIS", "UTF-16"],
)
def test_a_body_in_another_form_is_told(make, send, sent, headers, status, reason):
    answer = send(sent, **headers)

    assert answer.status_code == status
    assert reason in [each["reason"] for each in answer.json["rejected"]]
    assert answer.json["received"] == answer.json["rejected_count"]
    assert stored(make) == 0


def test_after_ten_thousand_lines_the_rest_is_refused_by_number(make, send):
    answer = send(body(10_002))

    assert answer.status_code == 200
    assert (answer.json["received"], answer.json["stored"], stored(make)) == (10_002, 10_000, 10_000)
    assert answer.json["rejected"] == [
        {"line": 10_001, "reason": "after the first 10000 lines"},
        {"line": 10_002, "reason": "after the first 10000 lines"},
    ]


def test_refused_lines_are_told_up_to_a_thousand_and_counted(send):
    answer = send(b"x\n" * 3_000)

    assert (len(answer.json["rejected"]), answer.json["rejected_count"]) == (1_000, 3_000)


def test_of_a_body_over_16_mib_the_good_lines_are_stored(make, send):
    answer = send(body(100) + b"\n" + b"x" * (17 * 1024 * 1024))

    assert (answer.status_code, answer.json["stored"], stored(make)) == (413, 100, 100)


@pytest.mark.parametrize(
    ("unit", "reason"),
    [
        (b"\0", "the body unpacks to more than 67108864 bytes"),
        (b"x\n", "the body has more than 100000 lines"),
    ],
    ids=["one line", "many lines"],
)
def test_a_gzip_bomb_is_cut_off_and_takes_no_memory(make, send, unit, reason):
    packer = zlib.compressobj(9, wbits=31)
    bomb = packer.compress(body(5) + b"\n")
    piece = unit * (1024 * 1024 // len(unit))
    bomb += b"".join(packer.compress(piece) for _ in range(300)) + packer.flush()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    answer = send(bomb, Content_Encoding="gzip")

    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert (answer.status_code, stored(make)) == (413, 5)
    assert answer.json["title"] == reason
    assert grown < 64, f"{grown:.0f} MiB more"


def test_a_token_that_calls_too_often_is_told_when_to_come_back(send):
    answers = {send(b"", path="heartbeat").status_code for _ in range(60)}

    slowed = send(b"", path="heartbeat")

    assert answers == {400}
    assert (slowed.status_code, slowed.mimetype) == (429, "application/problem+json")


def test_the_api_describes_itself(app):
    described = app.test_client().get("/api/device/v1/openapi.json").json

    assert described["openapi"] == "3.1.0"
    assert sorted(described["paths"]) == ["/alerts", "/commands/{id}/result", "/heartbeat", "/threat-stats"]


def test_the_receipt_is_described_as_it_is_given(app, send):
    call = app.test_client().get("/api/device/v1/openapi.json").json["paths"]["/alerts"]["post"]
    schema = call["responses"]["200"]["content"]["application/json"]["schema"]

    assert set(send(b"").json) == set(schema["properties"]) == set(schema["required"])
    assert "shows which UTM the token belongs to" in call["description"]


@pytest.mark.parametrize(
    ("sent", "detail"),
    [
        (b"[]", "The body is not a JSON object."),
        (b'{"ip": "999"}', "ip: not an IP address"),
        (b'{"version": 5}', "version: not a printable text of at most 64 characters"),
    ],
)
def test_a_heartbeat_that_is_refused_is_told_what_is_wrong(send, sent, detail):
    told = send(sent, path="heartbeat").json

    assert (told["status"], told["title"], told["detail"]) == (400, "Invalid request", detail)


@pytest.mark.parametrize(("method", "path"), [("GET", "alerts"), ("PUT", "heartbeat"), ("POST", "openapi.json")])
def test_another_method_is_told_which_there_are(app, method, path):
    answer = app.test_client().open(f"/api/device/v1/{path}", method=method)

    assert (answer.status_code, answer.mimetype) == (405, "application/problem+json")
    assert ("GET" if path == "openapi.json" else "POST") in answer.headers["Allow"]
    assert answer.json["detail"] == "This URL does not accept this kind of request."


def test_an_address_that_is_none_is_told_in_english(app):
    answer = app.test_client().get("/api/device/v1/nothing", headers={"Accept-Language": "ja"})

    assert (answer.status_code, answer.json["title"]) == (404, "Page not found")
