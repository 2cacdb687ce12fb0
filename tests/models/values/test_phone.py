from __future__ import annotations

import pytest

from models.values.phone import phone_digits


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
