"""Client of the portal's device API for one UTM.

Sending is idempotent, since the portal recognises a line by its alert ID and time. So transient errors (a lost connection, 429, 5xx) are
retried with increasing delays, up to a limit; permanent errors (an invalid token, a body that is too large, a certificate that is refused)
are raised at once.
"""

from __future__ import annotations

import gzip
import http.client
import json
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Self, TypeVar
from urllib.parse import quote, urlsplit

import requests

from app.shipper.batch import Batch, batches
from app.shipper.send_result import SendResult
from app.shipper.tls import tls_failure

T = TypeVar("T")
_ATTEMPTS = 6
_MAX_WAIT = 60.0
_SLOW_PIECES, _SLOW_PAUSE = 8, 0.5  # seconds
_TIMEOUT = (10, 120)  # seconds to connect, seconds without a byte of the answer

_STATUS_MESSAGES = {
    401: "The portal does not know this token (401): it was replaced, or the UTM was removed. A new one is made on the UTM's page.",
    403: "The portal does not allow this UTM to do that (403).",
    404: "There is no device API at this URL (404).",
    413: "The portal or a proxy before it refuses a body of this size (413).",
}


class DeviceError(Exception):
    """The portal cannot be reached or refuses a request; the text is one line for the user."""


class _NotFoundError(DeviceError):
    """The portal has no such call."""


class _RetryableError(Exception):
    """A request failed but may succeed later; ``wait`` is the delay in seconds that the portal asked for, or None."""

    def __init__(self, problem: str, wait: float | None = None) -> None:
        super().__init__(problem)
        self.wait = wait


class _SlowBody:
    """A request body that is read in pieces with pauses; can be sent several times."""

    def __init__(self, body: bytes, sleep: Callable[[float], None]) -> None:
        self._body = body
        self._sleep = sleep

    def __len__(self) -> int:
        return len(self._body)

    def __iter__(self) -> Iterator[bytes]:
        """Yield the pieces."""
        size = max(1, -(-len(self._body) // _SLOW_PIECES))
        for at in range(0, len(self._body), size):
            self._sleep(_SLOW_PAUSE)
            yield self._body[at : at + size]


class _Token(requests.auth.AuthBase):
    """Sets the token. Without an auth object, requests would replace the header by the credentials of ~/.netrc for the host."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def validate_url(url: str) -> None:
    """Check that a URL is valid for a portal and contains no credentials, so that it can be printed.

    :raises DeviceError: it is invalid or contains credentials, which are not in the text.
    """
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    # In an invalid URL, the text before any @ may be a password.
    if "@" in (parts.netloc if usable else url):
        raise DeviceError(
            "The URL has a name or password in it: leave them out, the portal asks for nothing but the UTM's token."
        )
    if not usable:
        raise DeviceError(f"{url!r} is not a URL of a portal: it has to look like https://portal.example.")


class DeviceClient:
    """Sends requests for one UTM.

    :param url: URL of the portal, e.g. ``https://portal.example``.
    :param token: the UTM's bearer token.
    :param sleep: waits that many seconds, or raises to cancel the request.
    :param attempts: maximum number of attempts of a request; None for no limit.
    :param notify: receives a message when the portal becomes unavailable, and when it is available again.
    :ivar utm: ID of the UTM to which the token belongs; None until the portal has returned it.
    :raises DeviceError: the URL or the token cannot be used.
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        sleep: Callable[[float], None] = time.sleep,
        attempts: int | None = _ATTEMPTS,
        notify: Callable[[str], None] = lambda _: None,
    ) -> None:
        validate_url(url)
        if not token or not token.isascii() or not token.isprintable() or " " in token:
            raise DeviceError("The token is empty or has characters that no token has.")
        self.url = url.rstrip("/")
        self.utm: str | None = None
        self._sleep = sleep
        self._attempts = attempts
        self._notify = notify
        self._has_threat_stats = True
        self._session = requests.Session()
        self._token = token
        self._session.auth = _Token(token)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def fetch_utm_id(self) -> str | None:
        """Return the ID of the UTM to which the token belongs, from the portal if it is not known yet; None if the portal does not return it.

        :raises DeviceError: the request failed.
        """
        if self.utm is None:
            self.send_batch(Batch(), compressed=False)
        return self.utm

    def send_alerts(self, lines: Iterable[dict[str, Any]], *, progress: SendResult | None = None) -> SendResult:
        """Send alert lines in batches and return the total outcome.

        :param progress: updated after each batch, so that the caller has the counts if this raises.
        :raises DeviceError: a batch could not be delivered; the batches before it were.
        """
        total = SendResult() if progress is None else progress
        for batch in batches(lines):
            total.add(self.send_batch(batch))
        return total

    def send_batch(self, batch: Batch, *, compressed: bool = True, slowly: bool = False) -> SendResult:
        """Send one batch and return the outcome.

        :param compressed: whether to compress the body with gzip.
        :param slowly: send the body in pieces with pauses, to simulate a slow connection.
        :raises DeviceError: it could not be delivered.
        """
        headers = {"Content-Type": "application/x-ndjson"} | ({"Content-Encoding": "gzip"} if compressed else {})
        body = gzip.compress(batch.body, 6, mtime=0) if compressed else bytes(batch.body)

        def read(answer: dict[str, Any]) -> SendResult:
            self.utm = _utm(answer) or self.utm
            return _result(answer, batch.ids)

        return self._post("alerts", _SlowBody(body, self._sleep) if slowly else body, headers, read)

    def send_threat_stats(self, lines: Iterable[dict[str, Any] | str], *, attempts: int | None = None) -> SendResult:
        """Send hourly counts and return the outcome; an empty one if the portal is older and has no such call.

        :param attempts: maximum number of attempts; None for that of the client.
        :raises DeviceError: they could not be delivered.
        """
        total = SendResult()
        for batch in batches(lines):
            if not self._has_threat_stats:
                break

            def read(answer: dict[str, Any], ids: list[str] = batch.ids) -> SendResult:
                return _parse_result(answer | {"duplicate": answer.get("duplicate", 0)}, ids)

            try:
                headers = {"Content-Type": "application/x-ndjson"}
                total.add(self._post("threat-stats", bytes(batch.body), headers, read, attempts=attempts))
            except _NotFoundError:
                self._has_threat_stats = False
                self._notify(
                    "The portal does not take threat statistics, because it is an older version: only alerts are sent."
                )
        return total

    def send_partial(self, batch: Batch, *, share: float) -> SendResult:
        """Send only a part of a batch and read the response, to simulate a lost connection.

        :param share: fraction of the body to send, 0 to 1.
        :returns: the outcome of that part; empty if the portal does not respond to an incomplete body.
        :raises DeviceError: the portal cannot be reached.
        """
        to = urlsplit(self.url)
        new = http.client.HTTPSConnection if to.scheme == "https" else http.client.HTTPConnection
        connection = new(to.hostname or "", to.port, timeout=_TIMEOUT[0])
        try:
            connection.putrequest("POST", f"{to.path}/api/device/v1/alerts")
            for name, value in {
                "Authorization": f"Bearer {self._token}",
                "Content-Type": "application/x-ndjson",
                "Content-Length": str(len(batch.body)),
            }.items():
                connection.putheader(name, value)
            connection.endheaders(bytes(batch.body[: int(len(batch.body) * share)]))
        except OSError as error:
            connection.close()
            if problem := tls_failure(error):
                raise self._tls_error(problem) from None
            raise DeviceError(f"The portal at {self.url} cannot be reached.") from None
        try:
            # SSLSocket.shutdown() would also end the TLS session, so that the response could not be read.
            socket.socket.shutdown(connection.sock, socket.SHUT_WR)
            result = SendResult.of(json.loads(connection.getresponse().read()), batch.ids)
        except (OSError, http.client.HTTPException, KeyError, TypeError, ValueError):
            return SendResult()
        else:
            result.sent = result.answered
            return result
        finally:
            connection.close()

    def heartbeat(
        self, *, version: str, ip: str, mac: str | None = None, booted_at: datetime | None = None
    ) -> dict[str, Any]:
        """Send a heartbeat; return the response with ``commands`` (a list) and ``next_seconds``.

        :param booted_at: when the UTM was started, with a time zone; sent as the ID of the boot.
        :raises DeviceError: the request failed, or the response is invalid.
        """
        body = {"version": version, "ip": ip} | ({"mac": mac} if mac else {})
        body |= _boot(booted_at) if booted_at else {}
        answer = self._post("heartbeat", json.dumps(body).encode(), {"Content-Type": "application/json"}, lambda it: it)
        if not isinstance(answer.get("commands"), list):
            raise DeviceError("The portal answered a heartbeat without a list of commands.")
        return answer

    def send_command_result(self, command_id: int | str, state: str, *, at: datetime, message: str = "") -> bool:
        """Report what became of a command; return False if the portal does not know it, or no longer.

        :param state: started, succeeded or failed.
        :param at: when, with a time zone.
        :raises DeviceError: the request failed.
        """
        body = {"state": state, "at": at.isoformat(timespec="seconds")} | ({"message": message} if message else {})
        call = f"commands/{quote(str(command_id), safe='')}/result"
        try:
            self._post(call, json.dumps(body).encode(), {"Content-Type": "application/json"}, lambda _: None)
        except _NotFoundError:
            return False
        return True

    def _post(
        self,
        call: str,
        body: bytes | _SlowBody,
        headers: dict[str, str],
        read: Callable[[dict[str, Any]], T],
        *,
        attempts: int | None = None,
    ) -> T:
        """Send a request, with retries, and return the response as parsed by ``read``."""
        attempts = attempts or self._attempts
        failed = 0
        while True:
            try:
                read_answer = read(self._try(call, body, headers))
            except _RetryableError as error:
                failed += 1
                if failed == attempts:
                    raise DeviceError(
                        f"The portal at {self.url} {error}, {failed} times. It is safe to run this again later."
                    ) from None
                if failed == 1:
                    self._notify(f"The portal at {self.url} {error}; trying again.")
                self._sleep(error.wait or min(_MAX_WAIT, 2.0 ** min(failed - 1, 10)))
            else:
                if failed:
                    self._notify(f"The portal at {self.url} answers again.")
                return read_answer

    def _try(self, call: str, body: bytes | _SlowBody, headers: dict[str, str]) -> dict[str, Any]:
        url = f"{self.url}/api/device/v1/{call}"
        try:
            # Following a redirect would turn the POST into a GET, or send the token to another host.
            answer = self._session.post(url, data=body, headers=headers, timeout=_TIMEOUT, allow_redirects=False)
        except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError) as error:
            if problem := tls_failure(error):
                raise self._tls_error(problem) from None
            raise _RetryableError("cannot be reached") from None
        except requests.RequestException as error:
            raise DeviceError(f"The portal at {self.url} cannot be called ({type(error).__name__}).") from None
        except OSError as error:
            # REQUESTS_CA_BUNDLE refers to a missing file.
            raise DeviceError(f"The portal at {self.url} cannot be called: {error}.") from None
        if answer.status_code == requests.codes.no_content:
            return {}
        if answer.status_code == requests.codes.ok:
            return _json_object(answer)
        if answer.status_code == requests.codes.too_many_requests or answer.status_code >= requests.codes.server_error:
            raise _RetryableError(f"answered {answer.status_code}", _retry_after(answer))
        if answer.status_code == requests.codes.not_found:
            raise _NotFoundError(_describe_error(answer))
        raise DeviceError(_describe_error(answer))

    def _tls_error(self, problem: str) -> DeviceError:
        return DeviceError(f"The portal at {self.url} cannot be called over TLS: {problem}.")


def _boot(booted_at: datetime) -> dict[str, str]:
    return {"boot_id": f"{int(booted_at.timestamp())}"}


def _parse_result(answer: dict[str, Any], ids: list[str]) -> SendResult:
    try:
        return SendResult.of(answer, ids)
    except (KeyError, TypeError, ValueError):
        raise DeviceError(
            "The portal's answer does not say what became of the lines: is this the device API?"
        ) from None


def _result(answer: dict[str, Any], ids: list[str]) -> SendResult:
    result = _parse_result(answer, ids)
    if result.answered != result.sent:
        # Only part of the body arrived. It is stored, and will be a duplicate.
        raise _RetryableError(f"answered for {result.answered:,} of {result.sent:,} lines")
    return result


def _utm(answer: dict[str, Any]) -> str | None:
    """Return the UTM ID in a response; older portals do not return it."""
    result = answer.get("utm")
    return result if isinstance(result, str) and result and result.isprintable() else None


def _json_object(answer: requests.Response) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise DeviceError("The portal's answer is not JSON: is this the device API?")
    return body


def _describe_error(answer: requests.Response) -> str:
    if answer.is_redirect:
        return f"The portal is elsewhere: it answered with a redirect to {answer.headers.get('Location', '?')[:200]!r}. Give that URL."
    text = " ".join(answer.text[:200].split())
    return _STATUS_MESSAGES.get(answer.status_code, f"The portal refused the call ({answer.status_code}): {text}")


def _retry_after(answer: requests.Response) -> float | None:
    """Return the delay of Retry-After, in seconds, limited; None if the header is missing or invalid."""
    value = answer.headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        return min(_MAX_WAIT, float(value))
    try:
        wait = (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError):
        return None
    return min(_MAX_WAIT, max(0.0, wait))
