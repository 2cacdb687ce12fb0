from __future__ import annotations

import pytest

from models.accounts import password_policy
from models.errors import DomainError

ADDRESS = "hanako@example.jp"


@pytest.mark.parametrize(
    "password",
    [
        "Mimamori-2026!",
        "aB3" + "=+^$*.[]{}()?-\"!@#%&/\\,><':;_~`",
        "Aa1!" + "Aozora-Wakaba-7" * 68,
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


@pytest.mark.parametrize(
    "password", ["Password-2026!", "Welcome-2026!", "Qwertyuiop-1!", "P@ssw0rd1234!", "Aa1!xxxxxxxxxxxx"]
)
def test_a_password_that_is_guessed_early_is_refused(password):
    assert password_policy.faults(password, ADDRESS) == [
        "This password is easy to guess. Use several words that do not belong together, or a longer one."
    ]


@pytest.mark.parametrize(
    "password",
    ["Tsugumi-1234!", "!4321-imugusT", "Aozora-2026!!", "Network-2026!", "Portal-2026!!"],
)
def test_a_password_of_the_users_own_words_is_refused(password):
    words = ["ＴＳＵＧＵＭＩ", "花子", "Aozora Network"]

    (told,) = password_policy.faults(password, "hanako@corp.example.jp", words)

    assert told == (
        "This password is easy to guess, because it contains parts of the user's name, email address or company."
        " Use other words."
    )


def test_the_same_password_is_no_fault_for_somebody_else():
    assert password_policy.faults("Tsugumi-1234!", ADDRESS) == []


def test_the_words_of_a_user_are_the_names_of_person_and_tenants(make):
    user = make.member(make.tenant(name="青空商事"), "Partner Viewer", last_name="Aozora", first_name="Hanako")

    assert password_policy.words_of(user) == ["Aozora", "Hanako", "青空商事"]
