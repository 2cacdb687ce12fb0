"""Talks to the portal's device API as one UTM.

Sending is safe to repeat: the portal knows a line again by its alert ID and time. So whatever may pass is tried again (a lost
connection, 429, 5xx), with growing waits and an end to them; what will not pass (a wrong token, a body too large) ends at once with
one sentence.
"""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Self
from urllib.parse import urlsplit

import requests

BATCH_LINES = 5_000
BATCH_BYTES = 8 * 1024 * 1024
MAX_REASONS = 10
_ATTEMPTS = 6
_LONGEST_WAIT = 60.0
_TIMEOUT = (10, 120)  # seconds to connect, seconds without a byte of the answer

_PLAIN_ERRORS = {
    401: "The portal does not know this token (401): it was replaced, or the UTM was removed. A new one is made on the UTM's page.",
    403: "The portal does not allow this UTM to do that (403).",
    404: "There is no device API at this address (404): check the URL.",
    413: "The portal or a proxy before it refuses a body of this size (413).",
}


class DeviceError(Exception):
    """The portal could not be reached or refused the call; the text is one line for the person who ships."""


@dataclass
class Sent:
    """What became of the lines that were sent.

    :ivar rejected: how many the portal refused.
    :ivar reasons: the first of these: line number as sent from 1, alert ID, reason.
    """

    sent: int = 0
    received: int = 0
    stored: int = 0
    duplicate: int = 0
    rejected: int = 0
    reasons: list[tuple[int, str, str]] = field(default_factory=list)

    def add(self, other: Sent) -> None:
        """Add what became of the next lines."""
        room = MAX_REASONS - len(self.reasons)
        self.reasons += [(self.sent + line, alert_id, reason) for line, alert_id, reason in other.reasons[:room]]
        self.sent += other.sent
        self.received += other.received
        self.stored += other.stored
        self.duplicate += other.duplicate
        self.rejected += other.rejected


class _Token(requests.auth.AuthBase):
    """Sets the token. Without an object of ours here, requests would replace the header by what a ~/.netrc has for the host."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class DeviceClient:
    """One UTM's connection to the portal.

    :param url: where the portal is, e.g. ``https://portal.example``.
    :param token: the UTM's bearer token.
    :param sleep: waits that many seconds; a test gives one that does not.
    :param attempts: how often a call is tried in all.
    :raises DeviceError: the URL or the token cannot be used.
    """

    def __init__(
        self, url: str, token: str, *, sleep: Callable[[float], None] = time.sleep, attempts: int = _ATTEMPTS
    ) -> None:
        try:
            parts = urlsplit(url)
            usable = parts.scheme in {"http", "https"} and parts.hostname and (parts.port is None or parts.port > 0)
        except ValueError:
            usable = False
        if not usable:
            raise DeviceError(f"{url!r} is not a URL of a portal: it has to look like https://portal.example.")
        if not token or not token.isascii() or not token.isprintable() or " " in token:
            raise DeviceError("The token is empty or has characters that no token has.")
        self.url = url.rstrip("/")
        self._sleep = sleep
        self._attempts = attempts
        self._session = requests.Session()
        self._session.auth = _Token(token)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections to the portal."""
        self._session.close()

    def send_alerts(self, lines: Iterable[dict[str, Any]], *, progress: Sent | None = None) -> Sent:
        """Send alert lines in batches and return the totals.

        :param progress: counts on while batches go out, so that the caller knows how far it came when this raises.
        :raises DeviceError: a batch could not be delivered; those before it were.
        """
        total = Sent() if progress is None else progress
        for ids, body in _batches(lines):
            headers = {"Content-Type": "application/x-ndjson", "Content-Encoding": "gzip"}
            answer = self._post("alerts", gzip.compress(body, 6, mtime=0), headers)
            total.add(_result(answer, ids))
        return total

    def heartbeat(self, *, version: str, ip: str, mac: str | None = None) -> dict[str, Any]:
        """Report that the UTM is alive; returns the portal's answer with ``commands`` (a list) and ``next_seconds``.

        :raises DeviceError: it could not be delivered, or the answer is none.
        """
        body = {"version": version, "ip": ip} | ({"mac": mac} if mac else {})
        answer = self._post("heartbeat", json.dumps(body).encode(), {"Content-Type": "application/json"})
        if not isinstance(answer.get("commands"), list):
            raise DeviceError("The portal answered a heartbeat without a list of commands.")
        return answer

    def _post(self, call: str, body: bytes, headers: dict[str, str]) -> dict[str, Any]:
        url = f"{self.url}/api/device/v1/{call}"
        problem = ""
        for attempt in range(1, self._attempts + 1):
            wait = min(_LONGEST_WAIT, 2.0 ** (attempt - 1))
            try:
                # A redirect would turn the POST into a GET, or carry the token elsewhere.
                answer = self._session.post(url, data=body, headers=headers, timeout=_TIMEOUT, allow_redirects=False)
            except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError):
                problem = f"The portal at {self.url} cannot be reached"
            except requests.RequestException as error:
                raise DeviceError(f"The portal at {self.url} cannot be called ({type(error).__name__}).") from None
            else:
                if answer.status_code == requests.codes.ok:
                    return _json_object(answer)
                if (
                    answer.status_code != requests.codes.too_many_requests
                    and answer.status_code < requests.codes.server_error
                ):
                    raise DeviceError(_explain(answer))
                problem = f"The portal at {self.url} answered {answer.status_code}"
                wait = _retry_after(answer) or wait
            if attempt < self._attempts:
                self._sleep(wait)
        raise DeviceError(f"{problem}, {self._attempts} times. It is safe to run this again later.")


def _batches(lines: Iterable[dict[str, Any]]) -> Iterator[tuple[list[str], bytes]]:
    ids: list[str] = []
    body = bytearray()
    for line in lines:
        text = json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode("utf-8") + b"\n"
        if ids and (len(ids) >= BATCH_LINES or len(body) + len(text) > BATCH_BYTES):
            yield ids, bytes(body)
            ids, body = [], bytearray()
        ids.append(str(line.get("alert_id", "")))
        body += text
    if ids:
        yield ids, bytes(body)


def _result(answer: dict[str, Any], ids: list[str]) -> Sent:
    """Read the answer to one batch; a portal that refuses many lines may list only some and give their number beside the list."""
    rejected = answer.get("rejected", [])
    try:
        reasons = [(int(entry["line"]), str(entry["reason"])) for entry in rejected]
        return Sent(
            sent=len(ids),
            received=int(answer["received"]),
            stored=int(answer["stored"]),
            duplicate=int(answer["duplicate"]),
            rejected=max(int(answer.get("rejected_count") or 0), len(reasons)),
            reasons=[
                (line, ids[line - 1] if 0 < line <= len(ids) else "", reason) for line, reason in reasons[:MAX_REASONS]
            ],
        )
    except (KeyError, TypeError, ValueError):
        raise DeviceError(
            "The portal's answer does not say what became of the lines: is this the device API?"
        ) from None


def _json_object(answer: requests.Response) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise DeviceError("The portal's answer is not JSON: is this the device API?")
    return body


def _explain(answer: requests.Response) -> str:
    if answer.is_redirect:
        return f"The portal is elsewhere: it answered with a redirect to {answer.headers.get('Location', '?')[:200]!r}. Give that URL."
    said = " ".join(answer.text[:200].split())
    return _PLAIN_ERRORS.get(answer.status_code, f"The portal refused the call ({answer.status_code}): {said}")


def _retry_after(answer: requests.Response) -> float | None:
    """Read Retry-After, seconds or a date, capped; None when there is none that can be used."""
    value = answer.headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        return min(_LONGEST_WAIT, float(value))
    try:
        wait = (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError):
        return None
    return min(_LONGEST_WAIT, max(0.0, wait))
