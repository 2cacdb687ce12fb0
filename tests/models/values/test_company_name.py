from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.values.company_name import search_key


@pytest.mark.parametrize(
    ("typed", "key"),
    [
        ("株式会社あおぞら", "株式会社あおぞら"),
        ("㈱あおぞら", "株式会社あおぞら"),
        ("㍿あおぞら", "株式会社あおぞら"),
        ("(株)あおぞら", "株式会社あおぞら"),
        ("（株）あおぞら", "株式会社あおぞら"),
        ("(株）あおぞら", "株式会社あおぞら"),
        ("（　株　）あおぞら", "株式会社あおぞら"),
        ("あおぞら ( 株 )", "あおぞら株式会社"),
        ("あおぞら㈱", "あおぞら株式会社"),
        ("㈲すずかぜ", "有限会社すずかぜ"),
        ("（有）すずかぜ", "有限会社すずかぜ"),
        ("(合)すずかぜ", "合同会社すずかぜ"),
        ("(同)すずかぜ", "合同会社すずかぜ"),
        ("㈴すずかぜ", "合名会社すずかぜ"),
        ("㈾すずかぜ", "合資会社すずかぜ"),
        ("(財)すずかぜ", "(財)すずかぜ"),
        ("株あおぞら", "株あおぞら"),
        ("ＡＢＣ　商事", "abc商事"),
        ("Abc 商事", "abc商事"),
        ("\tABC\u00a0商\n事 ", "abc商事"),
        ("Straße", "strasse"),
        ("ｱｵｿﾞﾗ製作所", "アオゾラ製作所"),
        ("アオゾラ製作所", "アオゾラ製作所"),
        ("１２３号", "123号"),
        ("", ""),
        ("　", ""),
    ],
)
def test_width_case_blanks_and_the_legal_forms_spelling_do_not_matter(typed, key):
    assert search_key(typed) == key


@given(st.text(alphabet=st.sampled_from("㈱㈲(（株有）) 　AaＡａｱアßİǰ社"), max_size=12))
def test_a_key_is_its_own_key(typed):
    assert search_key(search_key(typed)) == search_key(typed)


@pytest.mark.parametrize(
    ("typed", "key"),
    [
        ("㊑あおぞら", "株式会社あおぞら"),
        ("㊒すずかぜ", "有限会社すずかぜ"),
        ("㊔すずかぜ", "合名会社すずかぜ"),
        ("㊮すずかぜ", "合資会社すずかぜ"),
        ("葛\U000e0100城商事", "葛城商事"),
        ("葛\ufe00城商事", "葛城商事"),
        ("葛\u200b城\u202e商事", "葛城商事"),
    ],
)
def test_the_shape_of_a_character_and_what_does_not_show_do_not_matter(typed, key):
    assert search_key(typed) == key
