from __future__ import annotations

import pytest

from models.values.phone import phone_digits, searched_digits


@pytest.mark.parametrize(
    "text",
    [
        "0312345678",
        "03-1234-5678",
        "(03)1234-5678",
        "(03) 1234 5678",
        "03.1234.5678",
        "０３（１２３４）５６７８",
        "03ー1234ー5678",
        "+81-3-1234-5678",
        "+81 3 1234 5678",
        "+81 (0)3-1234-5678",
        "＋８１−３−１２３４−５６７８",
        "+81312345678",
        "010-81-3-1234-5678",
        " 03-1234-5678 ",
    ],
)
def test_every_notation_of_a_number_is_the_same_number(text):
    assert phone_digits(text) == "0312345678"


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("090-1234-5678", "09012345678"),
        ("+81-90-1234-5678", "09012345678"),
        ("+81-120-123-456", "0120123456"),
        ("0120-123-456", "0120123456"),
        ("110", "110"),
        ("312345678", "312345678"),
        ("", ""),
    ],
)
def test_a_number_is_stored_as_it_is_dialled_in_japan(text, stored):
    assert phone_digits(text) == stored


@pytest.mark.parametrize("text", ["+1 212 555 1234", "03-1234-5678 ext. 9", "0120-ABC-DEF", "none"])
def test_what_is_no_number_of_japan_is_not_made_one(text):
    assert not phone_digits(text).isdecimal()


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("092/000/2701", "0920002701"),
        ("092・000・2701", "0920002701"),
        ("092･000･2701", "0920002701"),
        ("092_000_2701", "0920002701"),
        ("092,000,2701", "0920002701"),
        ("TEL 092-000-2701", "0920002701"),
        ("Tel.092(000)2701", "0920002701"),
        ("ＴＥＬ：092-000-2701", "0920002701"),
        ("℡092-000-2701", "0920002701"),
        ("電話番号：092-000-2701", "0920002701"),
        ("tel:0920002701", "0920002701"),
        ("tel:+81-92-000-2701;ext=12", "0920002701"),
        ("092-000-2701 内線 12", "0920002701"),
        ("092-000-2701（内線12）", "0920002701"),
        ("092-000-2701 ext. 12", "0920002701"),
        ("81920002701", "0920002701"),
        ("81 92 000 2701", "0920002701"),
        ("819000002701", "09000002701"),
        ("8192", "8192"),
        ("000/27", "00027"),
    ],
)
def test_a_number_is_searched_for_in_any_notation(text, digits):
    assert searched_digits(text) == digits


@pytest.mark.parametrize("text", ["0120-ABC-DEF", "none", "03%", "tel:", "-", ""])
def test_what_is_no_number_is_not_searched_for_as_one(text):
    assert not searched_digits(text).isdecimal()


@pytest.mark.parametrize("text", ["03-1234-5678/9", "03-1234-5678 内線 9", "03-1234-5678 x9"])
def test_what_would_be_lost_or_joined_is_not_stored(text):
    assert not phone_digits(text).isdecimal()
