"""Requests over TLS, and TLS errors."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from app.shipper.batch import Batch
from app.shipper.client import DeviceClient, DeviceError
from app.shipper.command import utm

CERTIFICATE = Path(__file__).with_name("portal.example.pem")
SELF_SIGNED = r"cannot be called over TLS: its certificate is refused \(self.signed certificate\)\."
FAREWELL, BAD_RECORD, HANDSHAKE_FAILURE, INTERNAL_ERROR = 0, 20, 40, 80
Answer = Callable[[socket.socket], object]


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def serve() -> Iterator[Callable[[Answer], str]]:
    """Return a function that starts a server with a given response and returns its URL."""
    started: list[tuple[socket.socket, threading.Thread]] = []

    def serve(answer: Answer) -> str:
        server = socket.create_server(("127.0.0.1", 0))

        def accept() -> None:
            with contextlib.suppress(OSError):  # until it is closed
                while True:
                    connection, _ = server.accept()
                    with connection, contextlib.suppress(OSError):
                        answer(connection)

        thread = threading.Thread(target=accept)
        thread.start()
        started.append((server, thread))
        return f"https://127.0.0.1:{server.getsockname()[1]}"

    yield serve
    for server, thread in started:
        server.shutdown(socket.SHUT_RDWR)
        thread.join()
        server.close()


@pytest.fixture
def url(serve: Callable[[Answer], str]) -> str:
    """The URL of a server with a self-signed certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return serve(lambda connection: context.wrap_socket(connection, server_side=True).close())


def alert(code: int) -> Answer:
    """Return a response to the first bytes of a handshake: a TLS alert."""

    def answer(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(bytes([21, 3, 3, 0, 2, 2, code]))

    return answer


def reset(connection: socket.socket) -> None:
    connection.recv(1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def ending(url: str, *, attempts: int | None = None) -> tuple[str, list[float]]:
    """Return the error of a request, and the delays before it."""
    waits: list[float] = []
    with (
        DeviceClient(url, "secret-token", sleep=waits.append, attempts=attempts) as client,
        pytest.raises(DeviceError) as error,
    ):
        client.fetch_utm_id()
    return str(error.value).removeprefix(f"The portal at {url} "), waits


def test_a_certificate_that_is_refused_ends_it_at_once(url: str) -> None:
    message, waits = ending(url)

    assert re.fullmatch(SELF_SIGNED, message)
    assert waits == []


def test_a_certificate_of_another_host_ends_it_at_once(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(CERTIFICATE))

    message, waits = ending(url)

    assert message.startswith("cannot be called over TLS: its certificate is refused (IP address mismatch, ")
    assert waits == []


def test_https_to_a_port_of_http_ends_it_at_once(portal: Any) -> None:
    message, waits = ending(portal.url.replace("http:", "https:"))

    assert (message.split(" (")[0], waits) == ("cannot be called over TLS: the server does not use TLS", [])
    assert portal.calls == []


def test_a_handshake_that_is_refused_ends_it_at_once(serve: Callable[[Answer], str]) -> None:
    message, waits = ending(serve(alert(HANDSHAKE_FAILURE)))

    assert message.startswith("cannot be called over TLS: ")
    assert message.endswith("alert handshake failure.")
    assert waits == []


@pytest.mark.parametrize(
    "answer",
    [
        lambda _: None,
        lambda connection: connection.recv(4096),
        reset,
        alert(FAREWELL),
        alert(BAD_RECORD),
        alert(INTERNAL_ERROR),
    ],
    ids=["closed", "closed after the first bytes", "reset", "farewell", "bad record", "internal error"],
)
def test_an_interrupted_handshake_is_retried(serve: Callable[[Answer], str], answer: Answer) -> None:
    assert ending(serve(answer), attempts=3) == (
        "cannot be reached, 3 times. It is safe to run this again later.",
        [1, 2],
    )


def test_certificates_that_are_not_there_are_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/portal.pem")

    assert ending("https://127.0.0.1:1") == (
        "cannot be called: Could not find a suitable TLS CA certificate bundle, invalid path: /nowhere/portal.pem.",
        [],
    )


def test_a_body_that_is_to_break_off_is_refused_in_the_same_words(url: str) -> None:
    batch = Batch()
    batch.add({"alert_id": "1-1"})

    with DeviceClient(url, "token-1") as client, pytest.raises(DeviceError, match=r"over TLS: its certificate is"):
        client.send_partial(batch, share=0.5)


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize("how", [[], ["--follow"]], ids=["once", "followed"])
def test_it_is_reported_in_one_sentence_and_code_2(url: str, tmp_path: Path, how: list[str]) -> None:
    log = tmp_path / "eve.json"
    log.write_text('{"event_type":"alert","timestamp":"2026-11-22T03:04:05.678901+0000","alert":{}}\n')
    base = ["ship", "--quiet", "--format", "suricata", "--file", str(log), "--url", url]

    result = CliRunner().invoke(utm, [*base, *how, "--token", "secret-token"])

    assert result.exit_code == 2
    (message,) = result.stderr.splitlines()[len(how) :]
    assert re.fullmatch(f"Error: The portal at {url} {SELF_SIGNED}", message)
    assert "secret-token" not in result.output
