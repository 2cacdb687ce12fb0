"""Validate URLs that people type and browsers send, and extract their origins."""

from __future__ import annotations

import ipaddress
import re

import idna

from models.errors import N_, DomainError

ORIGIN_LENGTH = 255
"""The maximum length of an origin, in characters."""

NOT_AN_ORIGIN = N_("Enter http:// or https:// and a host name, such as https://www.example.jp/.")
WITH_A_PATH = N_("Enter only the scheme and the host name, without a path.")
TOO_LONG_AN_ORIGIN = N_("Enter 255 characters or fewer.")
NOT_A_WEB_ADDRESS = N_("Enter a URL that begins with http:// or https://.")

_DEFAULT_PORTS = {"http": 80, "https": 443}
_LARGEST_PORT = 65_535
# The host ends where it ends for browsers. User names and passwords are not accepted, because they are misleading.
_ADDRESS = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[[0-9a-f:.]+\]|[^\s/?#@:\\\[\]]+)(?::(?P<port>[0-9]{0,5}))?(?P<rest>[/?#\\]\S*)?",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")


def origin(text: str) -> str:
    """Normalize an origin that a person typed: scheme, host and port.

    The result is in lower case, with the host in ASCII (IDNA), without a default port and without a trailing slash.

    :raises DomainError: the text is not an origin, or contains more than an origin.
    """
    if len(text) > ORIGIN_LENGTH:
        raise DomainError(TOO_LONG_AN_ORIGIN)
    found = _ADDRESS.fullmatch(text)
    if found is None:
        raise DomainError(NOT_AN_ORIGIN)
    if found["rest"] not in {None, "/"}:
        raise DomainError(WITH_A_PATH)
    made = _origin(found)
    if made is None:
        raise DomainError(NOT_AN_ORIGIN)
    if len(made) > ORIGIN_LENGTH:
        raise DomainError(TOO_LONG_AN_ORIGIN)
    return made


def origin_of(address: str) -> str | None:
    """Return the origin of a URL, such as one from a ``Referer`` header; None if it has none."""
    found = _ADDRESS.fullmatch(address)
    return _origin(found) if found else None


def check_page(text: str) -> None:
    """Check that a text is the URL of a web page, and not one that runs code or misleads when it is clicked.

    :raises DomainError: it is not such a URL.
    """
    if not text.isprintable() or origin_of(text) is None:
        raise DomainError(NOT_A_WEB_ADDRESS)


def _origin(found: re.Match[str]) -> str | None:
    scheme = found["scheme"].lower()
    host = _host(found["host"])
    port = int(found["port"] or _DEFAULT_PORTS[scheme])
    if host is None or not 1 <= port <= _LARGEST_PORT:
        return None
    return f"{scheme}://{host}" + ("" if port == _DEFAULT_PORTS[scheme] else f":{port}")


def _host(text: str) -> str | None:
    """Normalize a host name like browsers do; return None if it is invalid."""
    try:
        if text.startswith("["):
            return f"[{ipaddress.IPv6Address(text[1:-1])}]"
        host = idna.encode(text, uts46=True).decode().lower().removesuffix(".")
        # Browsers treat a host that ends in a number as an IPv4 address in any notation. Accept only the usual one.
        return str(ipaddress.IPv4Address(host)) if _NUMBER.fullmatch(host.rpartition(".")[2]) else host
    except (ValueError, UnicodeError):
        return None
