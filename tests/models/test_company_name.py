from __future__ import annotations

import pytest

from models.company_name import search_key


@pytest.mark.parametrize(
    ("typed", "key"),
    [
        ("株式会社あおぞら", "株式会社あおぞら"),
        ("㈱あおぞら", "株式会社あおぞら"),
        ("(株)あおぞら", "株式会社あおぞら"),
        ("（株）あおぞら", "株式会社あおぞら"),
        ("あおぞら ( 株 )", "あおぞら株式会社"),
        ("㈲すずかぜ", "有限会社すずかぜ"),
        ("（有）すずかぜ", "有限会社すずかぜ"),
        ("ＡＢＣ　商事", "abc商事"),
        ("Abc 商事", "abc商事"),
        ("ｱｵｿﾞﾗ製作所", "アオゾラ製作所"),
        ("", ""),
    ],
)
def test_width_case_blanks_and_the_legal_forms_spelling_do_not_matter(typed, key):
    assert search_key(typed) == key
