from __future__ import annotations

import pytest

from models.values.mac_address import mac_address, mac_digits


@pytest.mark.parametrize(
    "text",
    [
        "a1:b2:c3:d4:e5:f6",
        "A1:B2:C3:D4:E5:F6",
        "a1-b2-c3-d4-e5-f6",
        "A1B2.C3D4.E5F6",
        "a1b2c3d4e5f6",
        "A1B2C3-D4E5F6",
        "a1 b2 c3 d4 e5 f6",
        "ａ１：ｂ２：ｃ３：ｄ４：ｅ５：ｆ６",
        " a1:b2:c3:d4:e5:f6\n",
    ],
)
def test_every_notation_is_read_as_the_same_address(text):
    assert mac_address(text) == "a1:b2:c3:d4:e5:f6"


def test_leading_zeros_may_be_left_out_between_separators():
    assert mac_address("0:1b:2:c3:4:d5") == "00:1b:02:c3:04:d5"


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "xx",
        "a1:b2:c3:d4:e5",
        "a1:b2:c3:d4:e5:f6:07",
        "a1b2c3d4e5f",
        "g1:b2:c3:d4:e5:f6",
        ":",
        "a1:b2:c3:d4:e5:f67",
    ],
)
def test_anything_else_is_no_address(text):
    assert mac_address(text) is None


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("2:0:5e:10:0:1", "02005e100001"),
        ("AA_BB_CC_DD_EE_FF", "aabbccddeeff"),
        ("AABB.CCDD.EEFF", "aabbccddeeff"),
        ("ａａ‐ｂｂ‐ｃｃ", "aabbcc"),
        ("a1:b2:c", "a1b2c"),
        ("a1:b2:c3:d4:e5:", "a1b2c3d4e5"),
        (":", ""),
    ],
)
def test_an_address_or_a_part_is_written_as_a_utm_id(text, digits):
    assert mac_digits(text) == digits
