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
        "XHanako@example.jp1",
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


def test_the_address_itself_is_refused_however_it_is_typed():
    assert password_policy.faults("Hanako1@Example.jp", "hanako1@example.jp") == [
        "The password must not be the email address."
    ]


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
