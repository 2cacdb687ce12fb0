"""What nobody sees in a text, and what looks so but is part of an emoji or a character."""

from __future__ import annotations

import pytest

from models.values.visible_text import shows, visible


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("株式会社\u200bあおぞら", "株式会社あおぞら"),
        ("\ufeff株式会社あおぞら", "株式会社あおぞら"),
        ("\u202a0312345678\u202c", "0312345678"),
        ("\u202eらぞおあ", "らぞおあ"),
        ("\u2066A\u2069\u200e\u200f\u061c", "A"),
        ("soft\u00adhyphen\u2060", "softhyphen"),
        ("青\u200d空\u200c", "青空"),
        ("\U000e0041青", "青"),
        ("青　空\n一", "青　空\n一"),
    ],
)
def test_what_nobody_sees_is_taken_out(typed, kept):
    assert visible(typed) == kept


@pytest.mark.parametrize(
    "text",
    [
        "家族👨‍👩‍👧",
        "整備士👩🏽‍🔧",
        "❤️‍🔥",
        "🏳️‍🌈",
        "🙂‍↔️",
        "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
        "葛\U000e0100城",
        "辻\ufe00",
        "ﾊﾞ・ガ\u3099",
    ],
)
def test_emoji_and_variants_of_characters_stay_whole(text):
    assert visible(text) == text


@pytest.mark.parametrize("text", ["", " ", "　", "\u200b", "\ufeff", "\u202e", "\u3164", "\u2800", "\ufe0f", "\u3099"])
def test_blank_texts_show_nothing(text):
    assert not shows(text)


@pytest.mark.parametrize("text", ["a", "ー", "、", "😀", "\ue000", "0"])
def test_letters_signs_emoji_and_gaiji_show(text):
    assert shows(text)
