from __future__ import annotations

from datetime import date

import pytest

from views import arguments

NO_NUMBERS = ["", " ", "x", "-1", "+1", " 1", "1_0", "1.0", "1e3", "０", "²", "٣", "1" * 5_000, None]


@pytest.mark.parametrize("text", NO_NUMBERS)
def test_what_is_not_written_in_ascii_digits_alone_is_no_whole_number(text):
    assert arguments.whole_number(text, most=999) is None


@pytest.mark.parametrize(
    ("text", "number"), [("0", 0), ("7", 7), ("07", 7), ("99", 99), ("100", None), ("007", None), ("999", None)]
)
def test_a_whole_number_goes_from_nought_to_its_limit(text, number):
    assert arguments.whole_number(text, most=99) == number


def test_nothing_is_a_place_in_an_empty_list():
    assert arguments.whole_number("0", most=-1) is None


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("1", 1),
        ("9223372036854775807", 9_223_372_036_854_775_807),
        ("9223372036854775808", None),
        ("0", None),
        ("x", None),
        (None, None),
    ],
)
def test_a_key_is_a_number_that_a_row_can_have(text, key):
    assert arguments.key_or_none(text) == key


@pytest.mark.parametrize(("text", "expected"), [("", False), ("0123", True), ("１", False), ("1-2", False)])
def test_only_ascii_digits_are_digits(text, expected):
    assert arguments.only_digits(text) == expected


@pytest.mark.parametrize(
    ("query", "page"),
    [
        ("", 1),
        ("?page=3", 3),
        ("?page=0", 1),
        ("?page=-1", 1),
        ("?page=x", 1),
        ("?page=999999", 100_000),
        ("?page=1000000", 1),
        ("?other=3", 1),
    ],
)
def test_a_page_number_that_makes_no_sense_is_the_first(app, query, page):
    with app.test_request_context(f"/{query}"):
        assert arguments.page_number() == page


@pytest.mark.parametrize(
    ("query", "chosen"), [("", "asc"), ("?way=desc", "desc"), ("?way=up", "asc"), ("?way=", "asc")]
)
def test_a_choice_is_one_of_those_there_are(app, query, chosen):
    with app.test_request_context(f"/{query}"):
        assert arguments.choice("way", ("asc", "desc"), "asc") == chosen


def test_a_search_text_comes_without_surrounding_blanks_and_characters_nobody_sees(app):
    with app.test_request_context("/", query_string={"text": " 青\u200b森 "}):
        assert (arguments.search_text("text"), arguments.search_text("other")) == ("青森", "")


@pytest.mark.parametrize(
    ("text", "day"),
    [("2026-11-22", date(2026, 11, 22)), ("2026-02-30", None), ("22.11.2026", None), ("", None), (None, None)],
)
def test_a_day_is_one_that_there_is(text, day):
    assert arguments.iso_day(text) == day
