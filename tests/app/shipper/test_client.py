"""Sending to the device API, and error handling."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.shipper.batch import BATCH_BYTES
from app.shipper.client import DeviceClient, DeviceError
from app.shipper.send_result import SendResult
from tests.app.shipper.client_helpers import lines


def test_alerts_go_out_in_batches_and_are_counted(portal: Any, connect: Callable[..., DeviceClient]) -> None:
    sent = connect().send_alerts(iter(lines(12_001, msg="表示")))

    assert portal.batches == [5000, 5000, 2001]
    assert sent == SendResult(sent=12_001, stored=12_001)
    assert portal.stored["token-1", "1-7", "2026-11-22T00:00:00+00:00"]["msg"] == "表示"
    path, headers = portal.calls[0]
    assert path == "/api/device/v1/alerts"
    assert (headers["authorization"], headers["content-encoding"]) == ("Bearer token-1", "gzip")
    assert headers["content-type"] == "application/x-ndjson"


def test_a_batch_is_also_limited_in_bytes(portal: Any, connect: Callable[..., DeviceClient]) -> None:
    connect().send_alerts(lines(300, subject="x" * 100_000))

    assert sum(portal.batches) == 300
    assert max(portal.batches) == BATCH_BYTES // 100_100


def test_nothing_to_send_makes_no_call(portal: Any, connect: Callable[..., DeviceClient]) -> None:
    assert connect().send_alerts([]) == SendResult()
    assert portal.calls == []


def test_sending_twice_stores_once(connect: Callable[..., DeviceClient]) -> None:
    connect().send_alerts(lines(3))

    assert connect().send_alerts(lines(4)) == SendResult(sent=4, stored=1, duplicate=3)


def test_rejected_lines_are_numbered_through_all_batches(connect: Callable[..., DeviceClient]) -> None:
    many = lines(5003)
    many[1]["act"] = "refuse-me"
    many[5001] |= {"type": ""}

    sent = connect().send_alerts(many)

    assert (sent.sent, sent.stored, sent.rejected) == (5003, 5001, 2)
    assert sent.reasons == [(2, "1-1", "act: refused"), (5002, "1-5001", "type: missing")]


def test_a_portal_that_lists_only_some_of_the_rejected_is_understood(
    portal: Any, connect: Callable[..., DeviceClient]
) -> None:
    portal.most_reasons = 3
    sent = connect().send_alerts(lines(50, act="refuse-me"))
    assert (sent.rejected, len(sent.reasons)) == (50, 3)

    portal.script = [
        (200, {}, b'{"received": 2, "stored": 1, "duplicate": 0, "rejected": [{"line": 2, "reason": "no"}]}')
    ]
    assert connect().send_alerts(lines(2)) == SendResult(sent=2, stored=1, rejected=1, reasons=[(2, "1-1", "no")])


def test_no_portal_is_reported_in_one_sentence(connect: Callable[..., DeviceClient]) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"

    with pytest.raises(DeviceError, match=f"^The portal at {url} cannot be reached, 2 times"):
        connect(url=url, attempts=2).send_alerts(lines(1))


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (401, "The portal does not know this token (401)"),
        (403, "The portal does not allow this UTM to do that (403)"),
        (404, "There is no device API at this URL (404)"),
        (413, "refuses a body of this size (413)"),
        (400, "The portal refused the call (400): no such thing"),
    ],
)
def test_permanent_errors_are_raised_at_once(
    portal: Any, connect: Callable[..., DeviceClient], waits: list[float], status: int, text: str
) -> None:
    portal.script = [(status, {}, b"no\r\nsuch   thing")]

    with pytest.raises(DeviceError) as error:
        connect().send_alerts(lines(1))
    assert text in str(error.value)
    assert "\n" not in str(error.value)
    assert (len(portal.calls), waits) == (1, [])


def test_a_wrong_token_is_reported_but_not_printed(connect: Callable[..., DeviceClient]) -> None:
    with pytest.raises(DeviceError, match="does not know this token") as error:
        connect("wrong-token").heartbeat(version="1.4.4", ip="192.168.10.123")
    assert "wrong-token" not in str(error.value)


def test_the_utm_id_of_a_token_is_requested_once(portal: Any, connect: Callable[..., DeviceClient]) -> None:
    client = connect("token-2")
    assert client.utm is None

    assert (client.fetch_utm_id(), client.fetch_utm_id(), client.utm) == ("0a0b0c0d0e0f",) * 3
    assert (portal.asked, portal.batches) == (["token-2"], [])
    assert "content-encoding" not in portal.calls[0][1]


def test_the_response_to_alerts_contains_the_utm_id_too(portal: Any, connect: Callable[..., DeviceClient]) -> None:
    client = connect()
    client.send_alerts(lines(1))

    assert (client.utm, client.fetch_utm_id(), portal.asked) == ("a1b2c3d4e5f6", "a1b2c3d4e5f6", [])


@pytest.mark.parametrize("message", [b"", b',"utm":null', b',"utm":""', b',"utm":7', b',"utm":"\\ud800"'])
def test_a_response_without_utm_id_is_accepted(
    portal: Any, connect: Callable[..., DeviceClient], message: bytes
) -> None:
    portal.script = [(200, {}, b'{"received":0,"stored":0,"duplicate":0,"rejected":[]' + message + b"}")]

    assert connect().fetch_utm_id() is None


def test_a_server_that_is_not_a_portal_is_reported_when_it_is_asked(
    portal: Any, connect: Callable[..., DeviceClient]
) -> None:
    portal.script = [(200, {}, b"{}")]

    with pytest.raises(DeviceError, match="is this the device API"):
        connect().fetch_utm_id()


def test_a_redirect_is_not_followed(portal: Any, connect: Callable[..., DeviceClient]) -> None:
    portal.script = [(302, {"Location": "https://portal.example/"}, b"")]

    with pytest.raises(DeviceError, match=r"redirect to 'https://portal\.example/'\. Give that URL"):
        connect().send_alerts(lines(1))


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"[]",
        b"",
        b"{}",
        b'{"received": 1, "stored": "x", "duplicate": 0}',
        b'{"received":1,"stored":1,"duplicate":0,"rejected":[1]}',
    ],
)
def test_a_response_of_another_server_is_reported(
    portal: Any, connect: Callable[..., DeviceClient], body: bytes
) -> None:
    portal.script = [(200, {}, body)]

    with pytest.raises(DeviceError, match="is this the device API"):
        connect().send_alerts(lines(1))


def test_a_heartbeat_says_who_and_gets_the_commands(portal: Any, connect: Callable[..., DeviceClient]) -> None:
    portal.commands = [{"id": 1, "type": "reboot"}]

    answer = connect().heartbeat(version="1.4.4", ip="192.168.10.123", mac="02:00:00:00:00:01")
    connect("token-2").heartbeat(version="1.4.4", ip="192.168.10.124")

    assert answer == {"commands": [{"id": 1, "type": "reboot"}], "next_seconds": 60}
    assert portal.heartbeats == [
        ("token-1", {"version": "1.4.4", "ip": "192.168.10.123", "mac": "02:00:00:00:00:01"}),
        ("token-2", {"version": "1.4.4", "ip": "192.168.10.124"}),
    ]


def test_a_heartbeat_without_commands_in_the_answer_is_reported(
    portal: Any, connect: Callable[..., DeviceClient]
) -> None:
    portal.script = [(200, {}, b'{"next_seconds": 60}')]

    with pytest.raises(DeviceError, match="without a list of commands"):
        connect().heartbeat(version="1.4.4", ip="192.168.10.123")


@pytest.mark.parametrize("url", ["", "portal.example", "ftp://portal.example", "http://", "http://[", "http://a:99999"])
def test_an_invalid_url_is_reported(url: str) -> None:
    with pytest.raises(DeviceError, match="is not a URL of a portal"):
        DeviceClient(url, "token-1")


@pytest.mark.parametrize(
    "url",
    [
        "https://user:s3cret@portal.example/",
        "https://s3cret@portal.example",
        "http://user:s3/cret@portal",
        "x:s3cret@y",
    ],
)
def test_a_url_with_a_name_or_password_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(DeviceError, match="The URL has a name or password in it") as error:
        DeviceClient(url, "token-1")
    assert "s3" not in str(error.value)


def test_an_at_sign_in_a_path_is_no_password() -> None:
    DeviceClient("https://portal.example/@utm", "token-1").close()


@pytest.mark.parametrize("token", ["", "a b", "a\r\nX: y", "トークン"])
def test_an_invalid_token_is_reported(token: str) -> None:
    with pytest.raises(DeviceError, match="token is empty or has characters"):
        DeviceClient("https://portal.example", token)


@pytest.mark.usefixtures("portal")
def test_a_netrc_does_not_replace_the_token(
    connect: Callable[..., DeviceClient], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password something\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))

    assert connect().send_alerts(lines(1)).stored == 1
