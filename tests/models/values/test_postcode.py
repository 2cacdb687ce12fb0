"""The address a postcode stands for, from Japan Post's list."""

from __future__ import annotations

import pytest

from models.values import postcode


@pytest.mark.parametrize(
    ("code", "prefecture", "address"),
    [
        ("733-0001", "広島県", "広島市西区大芝"),
        ("7330001", "広島県", "広島市西区大芝"),
        ("060-0000", "北海道", "札幌市中央区"),
        ("100-8111", "東京都", "千代田区千代田1-1"),
        ("522-0317", "滋賀県", "犬上郡多賀町一円"),
        ("409-0142", "山梨県", "北都留郡小菅村"),
        ("409-0211", "山梨県", "北都留郡小菅村"),
        ("766-0002", "香川県", "仲多度郡琴平町"),
    ],
)
def test_one_place_is_the_address(code, prefecture, address):
    assert postcode.address_of(code) == (prefecture, address, [])


@pytest.mark.parametrize(
    ("code", "prefecture", "address", "places"),
    [
        ("029-5501", "岩手県", "和賀郡西和賀町", ["和賀郡西和賀町下左草", "和賀郡西和賀町左草"]),
        ("761-4101", "香川県", "小豆郡土庄町", ["小豆郡土庄町甲", "小豆郡土庄町乙"]),
        ("498-0000", "", "", ["愛知県弥富市", "三重県桑名郡木曽岬町"]),
        ("871-0000", "", "", ["福岡県築上郡吉富町", "大分県中津市"]),
    ],
)
def test_of_several_places_the_address_is_what_they_share(code, prefecture, address, places):
    found = postcode.address_of(code)

    assert (found.prefecture, found.address) == (prefecture, address)
    assert sorted(found.places) == sorted(places)


def test_there_is_no_place_of_a_code_nobody_has():
    assert postcode.address_of("000-0000") is None
