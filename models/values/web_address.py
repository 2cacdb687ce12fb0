"""Addresses of web pages as people type them and browsers send them, and the origins in them."""

from __future__ import annotations

import ipaddress
import re

import idna

from models.errors import N_, DomainError

ORIGIN_LENGTH = 255
"""Longest origin, in characters."""

NOT_AN_ORIGIN = N_("Enter http:// or https:// and a host name, such as https://www.example.jp/.")
WITH_A_PATH = N_("Leave out what follows the host name: no directory can be given.")
TOO_LONG_AN_ORIGIN = N_("Enter 255 characters or fewer.")
NOT_A_WEB_ADDRESS = N_("Enter the address of a web page that begins with http:// or https://.")

_DEFAULT_PORTS = {"http": 80, "https": 443}
_LARGEST_PORT = 65_535
# A host ends where a browser ends it; names and passwords in front of it are not taken: they only mislead.
_ADDRESS = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[[0-9a-f:.]+\]|[^\s/?#@:\\\[\]]+)(?::(?P<port>[0-9]{0,5}))?(?P<rest>[/?#\\]\S*)?",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")


def origin(text: str) -> str:
    """The origin a person typed: scheme, host and port in the one form in which they are compared.

    Lower case, the host in ASCII (IDNA), the scheme's own port and a closing slash left out.

    :raises DomainError: it is none, or says more than an origin.
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
    """The origin of a page's address, as a ``Referer`` header has it; None when it has none."""
    found = _ADDRESS.fullmatch(address)
    return _origin(found) if found else None


def check_page(text: str) -> None:
    """See to it that a text is the address of a web page, and nothing that runs or misleads when it is clicked.

    :raises DomainError: it is none.
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
    """A host in the form browsers send, None when there can be no such host."""
    try:
        if text.startswith("["):
            return f"[{ipaddress.IPv6Address(text[1:-1])}]"
        host = idna.encode(text, uts46=True).decode().lower().removesuffix(".")
        # What ends in a number is an address for browsers, however it is written; only the plain form is taken.
        return str(ipaddress.IPv4Address(host)) if _NUMBER.fullmatch(host.rpartition(".")[2]) else host
    except (ValueError, UnicodeError):
        return None
