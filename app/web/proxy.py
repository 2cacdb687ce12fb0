"""The client IP address, host and prefix of requests: taken from the headers of reverse proxies, and validated."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask, abort, request
from werkzeug.middleware.proxy_fix import ProxyFix

from views.operations.metrics import UNREPORTED

_REFUSED = "portal.host_refused"

_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST = re.compile(
    rf"(?:(?P<name>{_LABEL}(?:\.{_LABEL})*\.?)|\[(?P<ipv6>[0-9A-Fa-f:.]+)\])(?::(?P<port>[0-9]{{0,5}}))?"
)
_LONGEST_NAME = 253
_LARGEST_PORT = 65_535
_PREFIX = re.compile(r"(?:/[A-Za-z0-9._~!$&'()*+,;=:@%-]+)+")
_WITH_PORT = re.compile(r"\[(?P<ipv6>[^\]]*)\](?::[0-9]+)?|(?P<ipv4>[0-9.]+)(?::[0-9]+)?")

Application = Callable[[dict[str, Any], Any], Iterable[bytes]]


def init_app(app: Flask) -> None:
    """Take client IP address, scheme, host, port and prefix from ``PROXY_COUNT`` proxies, and validate them."""
    count = app.config["PROXY_COUNT"]
    checked: Application = Checked(app.wsgi_app, behind_proxies=bool(count))
    if count:
        checked = _Proxies(checked, x_for=count, x_proto=count, x_host=count, x_port=count, x_prefix=count)
    app.wsgi_app = checked  # type: ignore[method-assign, assignment]


def refuse_bad_hosts(app: Flask) -> None:
    """Answer 400 to requests with an invalid host. Call it after ``logs.init_app``, so that the answer has a request ID."""
    app.before_request(_refuse)


def _refuse() -> None:
    if _REFUSED in request.environ:
        abort(400)


class _Proxies(ProxyFix):
    """ProxyFix that splits the headers at every comma.

    Werkzeug reads them as lists with quoted parts. Proxies append their value to what the client has sent: with a quotation
    mark there, their value would belong to the client's part, and the client would have the IP address of the proxy.
    """

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Replace the values of a request, and note if the proxies have not said who the client is."""
        forwarded = environ.get("HTTP_X_FORWARDED_FOR")
        if client_address(self._get_real_value(self.x_for, forwarded) or "") is None:
            environ[UNREPORTED] = forwarded or ""
        return super().__call__(environ, start_response)

    def _get_real_value(self, trusted: int, value: str | None) -> str | None:
        values = [each.strip() for each in (value or "").split(",")]
        return values[-trusted] or None if 0 < trusted <= len(values) else None


class Checked:
    """WSGI middleware that removes or replaces invalid client IP addresses, hosts and prefixes.

    :param behind_proxies: whether the prefix was taken from a header.
    """

    def __init__(self, application: Application, *, behind_proxies: bool) -> None:
        self._application = application
        self._behind_proxies = behind_proxies

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Validate a request and pass it to the application."""
        _check_address(environ)
        if self._behind_proxies:
            environ["SCRIPT_NAME"] = _prefix(environ.get("SCRIPT_NAME", ""))
        if not _is_host(environ.get("HTTP_HOST", "")):
            # With an invalid host, routing and URL building fail, so not even an error page could be rendered.
            environ["HTTP_HOST"] = "localhost"
            environ[_REFUSED] = True
        return self._application(environ, start_response)


def client_address(text: str) -> str | None:
    """Return the IP address in a proxy's header, which may contain brackets and a port; None if it is invalid.

    >>> client_address("[2001:db8::1]:443")
    '2001:db8::1'
    """
    plain = text.strip().strip('"')
    found = _WITH_PORT.fullmatch(plain)
    try:
        # Without the zone of a link-local address (%eth0): a client is the same one whether its proxy names it or not.
        address = ipaddress.ip_address((found["ipv6"] or found["ipv4"] or "" if found else plain).partition("%")[0])
    except ValueError:
        return None
    # Unwrap IPv4-mapped IPv6 addresses, so that a client has the same IP address over both protocols.
    return str(getattr(address, "ipv4_mapped", None) or address)


def _check_address(environ: dict[str, Any]) -> None:
    """Set the client's IP address to the one reported by the proxy, or to the proxy's own if that is missing or invalid.

    With the proxy's own, all such clients share the rate limits, so that none gets others by what it sends.
    """
    peer = environ.get("werkzeug.proxy_fix.orig", {}).get("REMOTE_ADDR") or ""
    address = client_address(environ.get("REMOTE_ADDR") or "") or client_address(peer)
    if address is None:
        # For example, behind a Unix socket.
        environ.pop("REMOTE_ADDR", None)
    else:
        environ["REMOTE_ADDR"] = address


def _prefix(text: str) -> str:
    plain = text.rstrip("/")
    return plain if _PREFIX.fullmatch(plain) else ""


def _is_host(text: str) -> bool:
    """Return whether a Host header is valid: empty (HTTP/1.0), or a host name or IP address, optionally with a port."""
    if not text:
        return True
    found = _HOST.fullmatch(text)
    if found is None or int(found["port"] or 0) > _LARGEST_PORT:
        return False
    try:
        if found["ipv6"] is not None:
            ipaddress.IPv6Address(found["ipv6"])
            return True
        # Fails for invalid Punycode.
        found["name"].removesuffix(".").encode().decode("idna")
    except ValueError:
        return False
    return len(found["name"]) <= _LONGEST_NAME
