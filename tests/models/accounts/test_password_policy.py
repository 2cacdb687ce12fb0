from __future__ import annotations

import pytest

from models.accounts import password_policy
from models.errors import DomainError

ADDRESS = "hanako@example.jp"


@pytest.mark.parametrize(
    "password",
    [
        "Mimamori-2026!",
        "Abcdefghij1=",
        "aB3" + "=+^$*.[]{}()?-\"!@#%&/\\,><':;_~`",
        "Aa1!" + "x" * 1020,
        "Hanak-o-2026!",
        "Hana-2026-ko!",
        "Example.jp-2026",
    ],
)
def test_a_password_of_the_manuals_characters_may_be_used(password):
    assert password_policy.faults(password, ADDRESS) == []


@pytest.mark.parametrize(
    ("password", "fault"),
    [
        ("Abcdefghi1=", "Use 12 characters or more."),
        ("Aa1!" + "x" * 1021, "Use 1024 characters or fewer."),
        ("Abcdefghij 1=", "Use only half-width letters, digits and the symbols listed below."),
        ("Abcdefghij|1=", "Use only half-width letters, digits and the symbols listed below."),
        ("Abcdefghijｋ1=", "Use only half-width letters, digits and the symbols listed below."),
        ("Abcdefghij¥1=", "Use only half-width letters, digits and the symbols listed below."),
        ("Abcdefghij\x001=", "Use only half-width letters, digits and the symbols listed below."),
    ],
)
def test_length_and_characters_are_checked(password, fault):
    assert password_policy.faults(password, ADDRESS) == [fault]


@pytest.mark.parametrize("password", ["abcdefghij1=", "ABCDEFGHIJ1=", "Abcdefghijk=", "Abcdefghijk1"])
def test_each_of_the_four_kinds_is_needed(password):
    assert password_policy.faults(password, ADDRESS) == [
        "Use at least one upper-case letter, one lower-case letter, one digit and one symbol."
    ]


@pytest.mark.parametrize(
    ("password", "email"),
    [
        ("Hanako1@Example.jp", "hanako1@example.jp"),
        ("XHanako@example.jp1", "hanako@example.jp"),
        ("Hanako-2026-x", "hanako@example.jp"),
        ("xX1!-HANAKO-xx", " ＨＡＮＡＫＯ＠example.jp "),
        ("My-Hana-2026!", "hana@example.jp"),
        ("Xho@example.jp1", "ho@example.jp"),
    ],
)
def test_a_password_with_the_address_or_what_stands_before_its_at_sign_is_refused(password, email):
    assert password_policy.faults(password, email) == [
        "The password must not contain the email address, or the part of it before the @."
    ]


@pytest.mark.parametrize("email", ["han@example.jp", "a@example.jp", "", "@example.jp"])
def test_what_stands_before_the_at_sign_may_be_contained_when_it_is_shorter_than_four(email):
    assert password_policy.faults("Hanabira-2026!", email) == []


def test_every_fault_is_told_at_once():
    assert password_policy.faults("あ", ADDRESS) == [
        "Use 12 characters or more.",
        "Use only half-width letters, digits and the symbols listed below.",
        "Use at least one upper-case letter, one lower-case letter, one digit and one symbol.",
    ]


def test_check_names_the_field():
    with pytest.raises(DomainError) as caught:
        password_policy.check("short", ADDRESS)

    assert (caught.value.message, caught.value.field) == ("Use 12 characters or more.", "password")
