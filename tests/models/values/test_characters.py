from __future__ import annotations

import unicodedata

import pytest

from models.values.characters import VARIANT_GROUPS, unified
from models.values.company_name import search_key


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("髙橋商店", "高橋商店"),
        ("山﨑工業", "山崎工業"),
        ("𠮷野家", "吉野家"),
        ("霞ヶ関ビル", "霞ケ関ビル"),
        ("東京～大阪", "東京〜大阪"),
        ("サーバー", "サ−バ−"),
        ("サーバー", "ｻｰﾊﾞｰ"),
        ("サーバー", "サ‐バ―"),
        ("渡邉", "渡辺"),
        ("渡邊", "渡邉"),
        ("濵田", "浜田"),
        ("株式會社あおぞら", "㈱あおぞら"),
        ("葛\U000e0100城", "葛城"),
    ],
)
def test_names_that_differ_in_variants_have_one_key(one, other):
    assert search_key(one) == search_key(other)


@pytest.mark.parametrize(("one", "other"), [("高橋", "古橋"), ("ケ", "カ"), ("あおぞら", "アオゾラ"), ("大阪", "大坂")])
def test_other_names_keep_their_own(one, other):
    assert search_key(one) != search_key(other)


def test_each_character_stands_in_one_group_and_as_itself_after_nfkc():
    chars = "".join(VARIANT_GROUPS)

    assert len(set(chars)) == len(chars)
    assert all(len(group) > 1 for group in VARIANT_GROUPS)
    assert unified(unified(chars)) == unified(chars)
    # U+2011 alone is one that NFKC writes as another of its group.
    assert [char for char in chars if unicodedata.normalize("NFKC", char) != char] == ["‑"]
