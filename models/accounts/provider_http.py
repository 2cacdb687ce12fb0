"""HTTP requests to OpenID providers, whose addresses are settings of tenants: limited in target, time and size."""

from __future__ import annotations

import ipaddress
import socket
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError

TIMEOUT = 5.0
"""Seconds to connect, and to wait for the next bytes of an answer."""
TOTAL_TIMEOUT = 10.0
"""Seconds for a whole answer: a provider that sends a byte at a time must not hold a thread of the web server."""
MAX_BYTES = 256 * 1024
"""The size of the largest answer. The keys and metadata of the large providers have less than a tenth of it."""


@dataclass(frozen=True, slots=True)
class Network:
    """Which providers may be asked.

    :ivar allow_private: those whose host has a private address, such as a Keycloak inside.
    :ivar allow_http: those without TLS, for tests and development.
    :ivar ca_file: certificates of the authorities that may sign theirs; None for the usual ones.
    """

    allow_private: bool
    allow_http: bool
    ca_file: str | None


class ProviderError(Exception):
    """The provider cannot be used: it does not answer, answers something unusable, or must not be asked."""


class _LimitedAdapter(HTTPAdapter):
    """Sends requests of one session."""

    def __init__(self, network: Network) -> None:
        self._network = network
        super().__init__()

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        """Send a request and read the answer."""
        _check_target(str(request.url), self._network)
        deadline = time.monotonic() + TOTAL_TIMEOUT
        response = super().send(request, *args, **options | {"timeout": TIMEOUT, "stream": True})
        try:
            _read(response, deadline)
        finally:
            response.raw.release_conn()
        return response


def limit(session: requests.Session, network: Network) -> None:
    """Let a session obey the limits."""
    session.trust_env = False
    # A provider's metadata is where the standard says; nothing of it redirects.
    session.max_redirects = 0
    session.verify = network.ca_file or True
    for prefix in list(session.adapters):
        session.mount(prefix, _LimitedAdapter(network))


def _read(response: requests.Response, deadline: float) -> None:
    """Read the body of a response, at most ``MAX_BYTES``, before the deadline."""
    body = bytearray()
    try:
        while chunk := response.raw.read1(16 * 1024, decode_content=True):
            body += chunk
            if len(body) > MAX_BYTES:
                raise ProviderError("Its answer is too large.")
            if time.monotonic() > deadline:
                raise ProviderError("Its answer takes too long.")
    except HTTPError as error:
        raise ProviderError(f"Its answer cannot be read: {type(error).__name__}.") from error
    setattr(response, "_content", bytes(body))  # noqa: B010  (where requests keeps a body that has been read)


def _check_target(url: str, network: Network) -> None:
    """Refuse a URL that must not be asked.

    The name is resolved once more when the connection is made. That the answers differ would need a provider that NEC's
    staff have entered and that attacks the portal's network: the check is for mistakes and for URLs in its metadata.
    """
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and network.allow_http):
        raise ProviderError("It has a URL without TLS.")
    if network.allow_private:
        return
    try:
        found = socket.getaddrinfo(parts.hostname, parts.port or 443, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise ProviderError("Its host is unknown.") from error
    if not all(_is_public(str(address[4][0])) for address in found):
        raise ProviderError("Its host has a private address.")


def _is_public(text: str) -> bool:
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped.is_global
    return address.is_global and not address.is_multicast
