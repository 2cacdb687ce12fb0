"""Invented names, addresses and numbers that look real.

Company names are combined from ordinary words, the towns do not exist, telephone numbers start with 0000 after the area
code, and e-mail addresses use domains that are reserved for examples.
"""

from __future__ import annotations

import random

_FIRST = (
    "あおぞら",
    "ひだまり",
    "こもれび",
    "みなもと",
    "しらなみ",
    "はるかぜ",
    "ほしぞら",
    "あさつゆ",
    "わかくさ",
    "ゆうなぎ",
    "そよかぜ",
    "つきあかり",
    "なのはな",
    "ふたば",
    "にじいろ",
    "すずかぜ",
)
_SECOND = (
    "製作所",
    "工務店",
    "商事",
    "印刷",
    "電機",
    "物流",
    "食品",
    "建設",
    "デザイン事務所",
    "設備",
    "不動産",
    "木材",
    "金属工業",
    "クリーニング",
    "園芸",
    "システム",
    "整骨院",
    "税理士事務所",
)
_FORMS = ("株式会社{}", "株式会社{}", "株式会社{}", "{}株式会社", "有限会社{}", "合同会社{}", "{}")
LONG_NAME = "一般社団法人こもれびの里ひだまりの丘地域産業振興支援ネットワーク協議会連絡事務局"
"""A name with 40 characters, the maximum of the form."""

_FAMILY = (
    ("青空", "aozora"),
    ("若葉", "wakaba"),
    ("白波", "shiranami"),
    ("朝霧", "asagiri"),
    ("夕凪", "yunagi"),
    ("春風", "harukaze"),
    ("月見里", "tsukimi"),
    ("花咲", "hanasaki"),
    ("小鳥", "kotori"),
    ("虹野", "nijino"),
)
_GIVEN = ("花子", "太郎", "みどり", "一郎", "さくら", "次郎", "ゆき", "健", "あかり", "誠")
_DEPARTMENTS = ("", "総務部", "情報システム課", "管理部", "経理部 総務課", "店舗運営部")
_TITLES = ("", "部長", "課長", "主任", "代表取締役", "店長")

# Prefecture, telephone area code, first digits of the postcode.
_PLACES = (
    ("北海道", "011", "060"),
    ("宮城県", "022", "980"),
    ("東京都", "03", "105"),
    ("東京都", "03", "160"),
    ("神奈川県", "045", "220"),
    ("愛知県", "052", "460"),
    ("京都府", "075", "604"),
    ("大阪府", "06", "530"),
    ("兵庫県", "078", "650"),
    ("広島県", "082", "733"),
    ("福岡県", "092", "810"),
    ("沖縄県", "098", "900"),
)
_TOWNS = ("空見市若葉町", "星待市中央", "花野原市緑台", "白波市港町", "月影町大字朝日", "風待市本町")
_BUILDINGS = ("", "", "こもれびビル3階", "ひだまりプラザ 2F", "第一あおぞらビル")

_MEMOS = (
    "月1回の定例訪問あり。",
    "ご連絡は平日9時から17時まで。\n電話よりメールを希望。",
    "機器は1階サーバー室に設置。入館には事前の申請が必要。",
    "来年度に拠点追加の予定あり。",
)


def company_names(pick: random.Random, number: int) -> list[str]:
    """Return a number of distinct company names."""
    names = pick.sample([first + second for first in _FIRST for second in _SECOND], number)
    return [pick.choice(_FORMS).format(name) for name in names]


def contact(pick: random.Random, domain: str) -> dict[str, str]:
    """Return a contact person: the values of the ``contact_`` columns.

    :param domain: the domain of the e-mail address.
    """
    family, latin = pick.choice(_FAMILY)
    return {
        "contact_last_name": family,
        "contact_first_name": pick.choice(_GIVEN),
        "contact_department": pick.choice(_DEPARTMENTS),
        "contact_title": pick.choice(_TITLES),
        "contact_email": f"{latin}@{domain}",
    }


def place(pick: random.Random) -> dict[str, str]:
    """Return a consistent postcode, prefecture, address and telephone number."""
    prefecture, area, postcode = pick.choice(_PLACES)
    building = pick.choice(_BUILDINGS)
    street = f"{pick.choice(_TOWNS)}{pick.randint(1, 5)}-{pick.randint(1, 20)}-{pick.randint(1, 15)}"
    return {
        "postcode": f"{postcode}-{pick.randint(0, 99):04d}",
        "prefecture": prefecture,
        "address": f"{street} {building}".strip(),
        "contact_phone": (area + "0" * 8)[:6] + f"{pick.randint(1, 9999):04d}",
    }


def memos(pick: random.Random) -> dict[str, str]:
    """Return the memos of a customer; about a third of the customers have some."""
    if pick.random() > 0.35:
        return {}
    chosen = pick.sample(_MEMOS, pick.randint(1, 3))
    return {f"memo{number}": memo for number, memo in enumerate(chosen, 1)}
