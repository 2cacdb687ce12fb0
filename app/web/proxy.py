"""Where a request comes from and where it was sent to: what reverse proxies in front say of it, and what is believed."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask, abort, request
from werkzeug.middleware.proxy_fix import ProxyFix

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
    """Take the caller's address, scheme, host and prefix from as many proxies as there are, and refuse a host that is none."""
    count = app.config["PROXY_COUNT"]
    checked: Application = Checked(app.wsgi_app, behind_proxies=bool(count))
    if count:
        checked = ProxyFix(checked, x_for=count, x_proto=count, x_host=count, x_port=count, x_prefix=count)
    app.wsgi_app = checked  # type: ignore[method-assign, assignment]


def refuse_bad_hosts(app: Flask) -> None:
    """Answer 400 to requests for what can be no host. After what numbers requests, so that the answer has its number."""
    app.before_request(_refuse)


def _refuse() -> None:
    if _REFUSED in request.environ:
        abort(400)


class Checked:
    """WSGI middleware that lets only addresses, hosts and prefixes through to an application that can be ones.

    :param behind_proxies: whether the prefix was taken from a header.
    """

    def __init__(self, application: Application, *, behind_proxies: bool) -> None:
        self._application = application
        self._behind_proxies = behind_proxies

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer a request."""
        _check_address(environ)
        if self._behind_proxies:
            environ["SCRIPT_NAME"] = _prefix(environ.get("SCRIPT_NAME", ""))
        if not _is_host(environ.get("HTTP_HOST", "")):
            # Routes and pages are made with the host: with this one, not even those of errors.
            environ["HTTP_HOST"] = "localhost"
            environ[_REFUSED] = True
        return self._application(environ, start_response)


def client_address(text: str) -> str | None:
    """The IP address in what a proxy says of its client, which may be with a port or in brackets; None when it is none.

    >>> client_address("[2001:db8::1]:443")
    '2001:db8::1'
    """
    plain = text.strip().strip('"')
    found = _WITH_PORT.fullmatch(plain)
    try:
        address = ipaddress.ip_address((found["ipv6"] or found["ipv4"] or "") if found else plain.partition("%")[0])
    except ValueError:
        return None
    # One client, one address, whichever way it comes.
    return str(getattr(address, "ipv4_mapped", None) or address)


def _check_address(environ: dict[str, Any]) -> None:
    """Leave nothing but an IP address as the caller's: the proxy's own where the proxy tells none."""
    peer = environ.get("werkzeug.proxy_fix.orig", {}).get("REMOTE_ADDR") or ""
    address = client_address(environ.get("REMOTE_ADDR") or "") or client_address(peer)
    if address is None:
        # As of a server behind a Unix socket.
        environ.pop("REMOTE_ADDR", None)
    else:
        environ["REMOTE_ADDR"] = address


def _prefix(text: str) -> str:
    plain = text.rstrip("/")
    return plain if _PREFIX.fullmatch(plain) else ""


def _is_host(text: str) -> bool:
    """Whether a Host header can be one: empty, as HTTP/1.0 may leave it, or a name or address with a port or without."""
    if not text:
        return True
    found = _HOST.fullmatch(text)
    if found is None or int(found["port"] or 0) > _LARGEST_PORT:
        return False
    try:
        if found["ipv6"] is not None:
            ipaddress.IPv6Address(found["ipv6"])
            return True
        # Punycode that spells nothing.
        found["name"].removesuffix(".").encode().decode("idna")
    except ValueError:
        return False
    return len(found["name"]) <= _LONGEST_NAME
