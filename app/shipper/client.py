"""Talks to the portal's device API as one UTM.

Sending is safe to repeat: the portal knows a line again by its alert ID and time. So whatever may pass is tried again (a lost
connection, 429, 5xx), with growing waits and an end to them; what will not pass (a wrong token, a body too large, a certificate that
is refused) ends at once with one sentence.
"""

from __future__ import annotations

import gzip
import http.client
import json
import socket
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

import requests

from app.shipper.batch import Batch, batches
from app.shipper.send_result import Sent
from app.shipper.tls import refusal

T = TypeVar("T")
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


class _AwayError(Exception):
    """A call did not get through but may later; ``wait`` is how many seconds the portal asks to wait, if it does."""

    def __init__(self, problem: str, wait: float | None = None) -> None:
        super().__init__(problem)
        self.wait = wait


class _Token(requests.auth.AuthBase):
    """Sets the token. Without an object of ours here, requests would replace the header by what a ~/.netrc has for the host."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def check_url(url: str) -> None:
    """See to it that a URL can be a portal's and has no secret in it, so that it may be printed.

    :raises DeviceError: it cannot, or has; the text does not repeat the secret.
    """
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    # What precedes an @ may be a password, wherever it stands in what is no URL.
    if "@" in (parts.netloc if usable else url):
        raise DeviceError(
            "The URL has a name or password in it: leave them out, the portal asks for nothing but the UTM's token."
        )
    if not usable:
        raise DeviceError(f"{url!r} is not a URL of a portal: it has to look like https://portal.example.")


class DeviceClient:
    """One UTM's connection to the portal.

    :param url: where the portal is, e.g. ``https://portal.example``.
    :param token: the UTM's bearer token.
    :param sleep: waits that many seconds, or raises to end the waiting.
    :param attempts: how often a call is tried in all; None for until it gets through.
    :param say: is told in a sentence when the portal does not answer, once, and when it does again.
    :ivar utm: the ID of the UTM whose token it is; None until the portal has told it.
    :raises DeviceError: the URL or the token cannot be used.
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        sleep: Callable[[float], None] = time.sleep,
        attempts: int | None = _ATTEMPTS,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        check_url(url)
        if not token or not token.isascii() or not token.isprintable() or " " in token:
            raise DeviceError("The token is empty or has characters that no token has.")
        self.url = url.rstrip("/")
        self.utm: str | None = None
        self._sleep = sleep
        self._attempts = attempts
        self._say = say
        self._session = requests.Session()
        self._token = token
        self._session.auth = _Token(token)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections to the portal."""
        self._session.close()

    def ask_utm(self) -> str | None:
        """Return the ID of the UTM whose token it is, asked of the portal unless it was told before; None when the portal does not tell.

        :raises DeviceError: the portal could not be asked.
        """
        if self.utm is None:
            self.send_batch(Batch(), packed=False)
        return self.utm

    def send_alerts(self, lines: Iterable[dict[str, Any]], *, progress: Sent | None = None) -> Sent:
        """Send alert lines in batches and return the totals.

        :param progress: counts on while batches go out, so that the caller knows how far it came when this raises.
        :raises DeviceError: a batch could not be delivered; those before it were.
        """
        total = Sent() if progress is None else progress
        for batch in batches(lines):
            total.add(self.send_batch(batch))
        return total

    def send_batch(self, batch: Batch, *, packed: bool = True) -> Sent:
        """Send one batch and return what became of it.

        :param packed: whether the body goes out as gzip.
        :raises DeviceError: it could not be delivered.
        """
        headers = {"Content-Type": "application/x-ndjson"} | ({"Content-Encoding": "gzip"} if packed else {})
        body = gzip.compress(batch.body, 6, mtime=0) if packed else bytes(batch.body)

        def read(answer: dict[str, Any]) -> Sent:
            self.utm = _utm(answer) or self.utm
            return _result(answer, batch.ids)

        return self._post("alerts", body, headers, read)

    def break_off(self, batch: Batch, *, share: float) -> Sent:
        """Send a part of a batch and no more: what the portal sees when a UTM loses its line. Only here somebody still listens.

        :param share: how much of it, 0 to 1.
        :returns: what became of that part; of no line when the portal does not answer a body without an end.
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
            if problem := refusal(error):
                raise self._no_tls(problem) from None
            raise DeviceError(f"The portal at {self.url} cannot be reached.") from None
        try:
            # The method of a TLS socket would forget its keys, and not understand the answer.
            socket.socket.shutdown(connection.sock, socket.SHUT_WR)
            told = Sent.of(json.loads(connection.getresponse().read()), batch.ids)
        except (OSError, http.client.HTTPException, KeyError, TypeError, ValueError):
            return Sent()
        else:
            told.sent = told.answered
            return told
        finally:
            connection.close()

    def heartbeat(self, *, version: str, ip: str, mac: str | None = None) -> dict[str, Any]:
        """Report that the UTM is alive; returns the portal's answer with ``commands`` (a list) and ``next_seconds``.

        :raises DeviceError: it could not be delivered, or the answer is none.
        """
        body = {"version": version, "ip": ip} | ({"mac": mac} if mac else {})
        answer = self._post("heartbeat", json.dumps(body).encode(), {"Content-Type": "application/json"}, lambda it: it)
        if not isinstance(answer.get("commands"), list):
            raise DeviceError("The portal answered a heartbeat without a list of commands.")
        return answer

    def _post(self, call: str, body: bytes, headers: dict[str, str], read: Callable[[dict[str, Any]], T]) -> T:
        """Call the portal until it answers, and return what ``read`` makes of the answer."""
        failed = 0
        while True:
            try:
                read_answer = read(self._try(call, body, headers))
            except _AwayError as away:
                failed += 1
                if failed == self._attempts:
                    raise DeviceError(
                        f"The portal at {self.url} {away}, {failed} times. It is safe to run this again later."
                    ) from None
                if failed == 1:
                    self._say(f"The portal at {self.url} {away}; trying again.")
                self._sleep(away.wait or min(_LONGEST_WAIT, 2.0 ** min(failed - 1, 10)))
            else:
                if failed:
                    self._say(f"The portal at {self.url} answers again.")
                return read_answer

    def _try(self, call: str, body: bytes, headers: dict[str, str]) -> dict[str, Any]:
        url = f"{self.url}/api/device/v1/{call}"
        try:
            # A redirect would turn the POST into a GET, or carry the token elsewhere.
            answer = self._session.post(url, data=body, headers=headers, timeout=_TIMEOUT, allow_redirects=False)
        except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError) as error:
            if problem := refusal(error):
                raise self._no_tls(problem) from None
            raise _AwayError("cannot be reached") from None
        except requests.RequestException as error:
            raise DeviceError(f"The portal at {self.url} cannot be called ({type(error).__name__}).") from None
        except OSError as error:
            # REQUESTS_CA_BUNDLE names certificates that are not there.
            raise DeviceError(f"The portal at {self.url} cannot be called: {error}.") from None
        if answer.status_code == requests.codes.ok:
            return _json_object(answer)
        if answer.status_code == requests.codes.too_many_requests or answer.status_code >= requests.codes.server_error:
            raise _AwayError(f"answered {answer.status_code}", _retry_after(answer))
        raise DeviceError(_explain(answer))

    def _no_tls(self, problem: str) -> DeviceError:
        return DeviceError(f"The portal at {self.url} cannot be called over TLS: {problem}.")


def _result(answer: dict[str, Any], ids: list[str]) -> Sent:
    try:
        result = Sent.of(answer, ids)
    except (KeyError, TypeError, ValueError):
        raise DeviceError(
            "The portal's answer does not say what became of the lines: is this the device API?"
        ) from None
    if result.answered != result.sent:
        # Part of the body was lost on the way. What arrived is stored, and will be a duplicate.
        raise _AwayError(f"answered for {result.answered:,} of {result.sent:,} lines")
    return result


def _utm(answer: dict[str, Any]) -> str | None:
    """Return the ID of the UTM that an answer names; older portals name none."""
    told = answer.get("utm")
    return told if isinstance(told, str) and told and told.isprintable() else None


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
