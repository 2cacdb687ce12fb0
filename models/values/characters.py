"""Characters that are used interchangeably in names: the mapping that every search by name applies.

Each group is replaced by its first character. The mapping is applied after NFKC, which already unifies widths and most
compatibility characters. Stored search keys depend on it, so a change needs a migration that recomputes them.
"""

from __future__ import annotations

import re

VARIANT_GROUPS = (
    # Hyphens, dashes, the minus sign, box-drawing lines, and the long-vowel mark.
    "-ー‐‑‒–—―−─━",
    "~〜",
    "ケヶ",
    "カヵ",
    "吉𠮷",
    "高髙",
    "崎﨑嵜碕",
    "斎齋斉齊",
    "辺邊邉",
    "沢澤",
    "浜濱濵",
    "島嶋嶌",
    "広廣",
    "国國",
    "桜櫻",
    "竜龍",
    "富冨",
    "真眞",
    "恵惠",
    "徳德",
    "橋槗𣘺",
    "柳栁",
    "館舘",
    "関關",
    "栄榮",
    "万萬",
    "与與",
    "円圓",
    "会會",
    "学學",
    "実實",
    "宝寶",
    "寿壽",
    "条條",
    "来來",
    "黒黑",
    "塩鹽",
    "滝瀧",
    "鉄鐵鐡",
    "蔵藏",
    "緑綠",
    "桑桒",
    "土𡈽圡",
    "曽曾",
    "薮藪籔",
)
"""Groups of characters that are considered equal; the first one replaces the others."""

_TRANSLATION = str.maketrans({char: group[0] for group in VARIANT_GROUPS for char in group[1:]})
SHAPES = r"\ufe00-\ufe0f\U000e0100-\U000e01ef"
"""Variation selectors, as a character range for Python and PostgreSQL: 葛 has two glyphs, but is typed without one."""
_SHAPES = re.compile(f"[{SHAPES}]")


def unified(text: str) -> str:
    """Return a text with each variant replaced by the first character of its group.

    >>> unified("髙﨑 霞ヶ関")
    '高崎 霞ケ関'
    """
    return _SHAPES.sub("", text).translate(_TRANSLATION)
