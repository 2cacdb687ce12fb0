"""Heartbeats at a fixed rate through gunicorn: how much longer the slow ones take than those in the middle."""

from __future__ import annotations

import itertools
import json
import secrets
import socket
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from statistics import median, quantiles

from models.tokens import hash_token
from tests.bench.datasets import Dataset
from tests.bench.finding import Finding, times
from tests.bench.throughput import read_page
from tests.bench.web import WORKERS, gunicorn

TITLE = "Heartbeats at a fixed rate"
ABOUT = (
    "Each heartbeat is of the next of the database's UTMs and has a planned time, whether or not those before it are"
    " answered; it takes from the planned time to the end of its answer, so that waiting in line counts. gunicorn with"
    " two workers of four threads, connections that are kept open. Medians of the rounds."
)
RUNS = 5
RATE = 500
SPREAD = 5.0
KEPT_UP = 0.95
"""The share of the rate at which the answers must come: of a line that only grows, all wait about as long."""
_CONNECTIONS = 8 * WORKERS
_FIRMWARE = "bench"
_PATH = "/api/device/v1/heartbeat"


def measure(dataset: Dataset, *, runs: int = RUNS, rate: int = RATE, seconds: float = 10.0) -> list[Finding]:
    """Send rounds of heartbeats.

    :param rate: heartbeats a second.
    :param seconds: how long a round lasts.
    """
    with _tokens(dataset) as tokens, gunicorn(dataset, "portal") as web:
        requests = itertools.cycle([_request(token) for token in tokens])
        # The first round is not counted.
        rounds = [_round(web.port, requests, rate, seconds) for _ in range(1 + runs)][1:]
    p50, p95 = (median(each) for each in zip(*(p50_p95(latencies) for latencies, _ in rounds), strict=True))
    ratio = median(slow / middle for middle, slow in (p50_p95(latencies) for latencies, _ in rounds))
    answered = median(len(latencies) / took for latencies, took in rounds)
    figures = {
        "answered": f"{answered:.0f}/s",
        "p50": f"{p50 * 1000:.1f} ms",
        "p95": f"{p95 * 1000:.1f} ms",
        "ratio": times(ratio),
    }
    held = ratio <= SPREAD and answered >= KEPT_UP * rate
    return [Finding(f"{rate} a second", figures, f"at most {SPREAD:g}x, {KEPT_UP:.0%} of the rate", held)]


def p50_p95(latencies: Sequence[float]) -> tuple[float, float]:
    """Return the middle one, and the one that a twentieth exceeds."""
    twentieths = quantiles(latencies, n=20)
    return twentieths[9], twentieths[18]


def _request(token: str) -> bytes:
    """Return a heartbeat as it is sent."""
    body = json.dumps({"version": _FIRMWARE, "ip": "192.0.2.1", "boot_id": "1"}).encode()
    head = (
        f"POST {_PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _round(port: int, requests: Iterator[bytes], rate: int, seconds: float) -> tuple[list[float], float]:
    """Return how long each heartbeat of a round took from its planned time, and how long all of them took."""
    planned = iter([(number / rate, next(requests)) for number in range(max(2, round(rate * seconds)))])
    start = time.perf_counter() + 0.1
    with ThreadPoolExecutor(_CONNECTIONS) as threads:
        found = threads.map(lambda _: _send(port, planned, start), range(_CONNECTIONS))
        latencies = [latency for each in found for latency in each]
        return latencies, time.perf_counter() - start


def _send(port: int, planned: Iterator[tuple[float, bytes]], start: float) -> list[float]:
    """Send what is planned next over one connection, until nothing is left.

    :raises RuntimeError: an answer is not 200.
    """
    latencies = []
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        for after, request in planned:
            if (early := start + after - time.perf_counter()) > 0:
                time.sleep(early)
            connection.sendall(request)
            read_page(connection)
            latencies.append(time.perf_counter() - start - after)
    return latencies


@contextmanager
def _tokens(dataset: Dataset) -> Iterator[list[str]]:
    """Give each UTM a token until the end."""
    with dataset.owner() as owner:
        utms = owner.execute(
            "SELECT tenant_id, id FROM utm WHERE removed_at IS NULL"
            " AND NOT EXISTS (SELECT FROM device_token WHERE utm_id = utm.id AND revoked_at IS NULL) ORDER BY id"
        ).fetchall()
        tokens = [f"utm_{secrets.token_hex(32)}" for _ in utms]
        with (
            owner.cursor() as cursor,
            cursor.copy("COPY device_token (tenant_id, utm_id, token_hash) FROM STDIN") as copy,
        ):
            for utm, token in zip(utms, tokens, strict=True):
                copy.write_row((*utm, hash_token(token)))
        owner.execute("VACUUM (ANALYZE) device_token")
        try:
            yield tokens
        finally:
            owner.execute(
                "DELETE FROM device_token WHERE token_hash = ANY(%s)", [[hash_token(each) for each in tokens]]
            )
            owner.execute("UPDATE utm SET firmware = NULL, ip_address = NULL WHERE firmware = %s", [_FIRMWARE])
            owner.execute("VACUUM (ANALYZE) utm")
