"""The list of users: whom it shows, in which order, and how it is searched and paged."""

from __future__ import annotations

from datetime import datetime

import pytest
from sqlalchemy import text

from tests.support.pages import Page

LIST = "/users/list/"
NAME = "氏名"


@pytest.fixture
def admin(make, signed_in):
    return signed_in(make.elevated("NEC Admin", email="admin@example.jp", last_name="管理"))


@pytest.fixture
def users(admin):
    """The page of the list: ``users(email="a", email_is="starts")``."""
    return lambda **query: Page(admin.get(LIST, query_string=query).text)


def test_the_list_shows_who_holds_what_where(make, users):
    tenant = make.tenant(name="ひばり商事")
    user = make.member(tenant, "Partner Viewer", last_name="青空", email="aozora@example.jp")
    make.join(user, make.tenant(name="つぐみ商会"), "Partner Operator")

    page = users()

    assert page.column(NAME) == ["管理 花子", "青空 花子"]
    assert page.column("所属テナント") == ["-", "ひばり商事 (Partner Viewer), つぐみ商会 (Partner Operator)"]
    assert "2件" in page.main.text


def test_the_list_shows_no_hash_and_sorts_by_none(make, users):
    make.user(last_name="一", password="scrypt:b")
    make.user(last_name="二", password="scrypt:a")

    upward, downward = (users(sort="password", direction=direction) for direction in ("asc", "desc"))

    assert "scrypt" not in upward.root.text
    assert upward.column(NAME) == ["一 花子", "二 花子", "管理 花子"]
    assert downward.column(NAME) == ["管理 花子", "二 花子", "一 花子"]


def test_the_list_sorts_by_family_name_and_pages(make, users):
    for number in range(30):
        make.user(last_name=f"人{number:02}")

    first, last, beyond = (users(sort="get_full_name", direction="asc", page=page) for page in (1, 2, 99))

    assert first.column(NAME) == [f"人{number:02} 花子" for number in range(25)]
    assert last.column(NAME) == [*(f"人{number:02} 花子" for number in range(25, 30)), "管理 花子"]
    assert beyond.column(NAME) == last.column(NAME)


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ({"email": "ZORA@"}, {"青空"}),
        ({"email": "a", "email_is": "starts"}, {"青空", "管理"}),
        ({"email": "aozora@example.jp", "email_is": "is"}, {"青空"}),
        ({"email": "aozora@example", "email_is": "is"}, set()),
        ({"active": "n"}, {"休み"}),
        ({"active": "y"}, {"青空", "管理"}),
        ({"roles": "NEC Admin"}, {"管理"}),
        ({"last_name": "靑 空"}, set()),
        ({"last_name": "　青 空"}, {"青空"}),
        ({"last_name": "管　理", "last_name_is": "is"}, {"管理"}),
        ({"last_name": "休　", "last_name_is": "starts"}, {"休み"}),
        ({"first_name": "花 子"}, {"青空", "管理", "休み"}),
        ({"last_name": "%"}, set()),
        ({"email": "%"}, set()),
        ({"email": "\\"}, set()),
        ({"email": "yasumi", "email_is": "nonsense"}, {"休み"}),
        ({"active": "nonsense"}, {"青空", "管理", "休み"}),
        ({"roles": "99999999999"}, {"青空", "管理", "休み"}),
        ({"password": "scrypt"}, {"青空", "管理", "休み"}),
    ],
)
def test_conditions_narrow_and_nonsense_is_none(make, users, condition, found):
    make.user(last_name="青空", email="aozora@example.jp", password="scrypt:x")
    make.user(last_name="休み", email="yasumi@example.jp", active=False)

    assert {name.removesuffix(" 花子") for name in users(**condition).column(NAME)} == found


@pytest.mark.parametrize(("direction", "order"), [("asc", ["早い", "遅い"]), ("desc", ["遅い", "早い"])])
def test_users_who_never_signed_in_come_last_both_ways(make, users, direction, order):
    make.user(last_name="遅い", last_login=datetime(2026, 2, 1))  # noqa: DTZ001  (FAB's own column)
    make.user(last_name="早い", last_login=datetime(2026, 1, 1))  # noqa: DTZ001

    page = users(sort="last_login", direction=direction)

    assert page.column(NAME) == [f"{name} 花子" for name in (*order, "管理")]


@pytest.mark.parametrize(("page", "last"), [(40, "41"), (41, "42"), (45, "45"), (9999, "45")])
def test_a_list_of_more_than_a_thousand_is_paged_to_its_end(make, users, page, last):
    columns = "first_name, last_name, username, password, active, email"
    make.session.execute(
        text(
            f"INSERT INTO ab_user ({columns}) SELECT '花子', '見守', 'many' || n, '', true, 'many' || n || '@example.jp'"
            " FROM generate_series(1, 1120) n"
        )
    )
    make.session.commit()

    numbers = [each.text for each in users(page=page).root.classed("page-link") if each.text.isdecimal()]

    assert numbers[-1] == last


def test_only_roles_that_are_held_everywhere_are_searched_for(make, users):
    make.role("係")

    offered = [option.text for option in users().root.one("select", id="filter-roles").all("option")]

    assert sorted(offered) == ["NEC Admin", "NEC Staff", "すべて"]


def test_how_to_compare_is_chosen_beside_the_text_and_told_with_the_condition(users):
    page = users(email="a", email_is="starts")

    chosen = [each for each in page.root.one("select", name="email_is").all("option") if "selected" in each.attributes]
    assert [each.text for each in chosen] == ["で始まる"]
    assert [chip.text for chip in page.root.classed("chip")] == ["メールアドレス: a で始まる"]


def test_a_condition_that_is_too_long_is_told_beside_its_field(users):
    page = users(email="x" * 251)

    assert page.error_of("filter-email") == "250文字以下で入力してください。この条件は検索から除きました。"
    assert page.column(NAME) == ["管理 花子"]


def test_another_order_begins_at_the_first_page_and_the_present_one_is_shown(make, users):
    for number in range(30):
        make.user(last_name=f"人{number:02}")

    heads = {each.text: each for each in users(page=2, email="example").root.all("th")}
    by_name, by_email = (next(heads[each] for each in heads if each.startswith(label)) for label in (NAME, "メール"))

    assert (by_name.attributes["aria-sort"], by_email.attributes["aria-sort"]) == ("ascending", "none")
    assert by_name.one("a").attributes["href"] == "?email=example&sort=get_full_name&direction=desc"
    assert by_email.one("a").attributes["href"] == "?email=example&sort=email&direction=asc"


def test_the_question_before_deleting_names_the_address_and_ones_own_account_has_none(make, users):
    make.user(email="aozora@example.jp")

    asked = [each.attributes["value"] for each in users().root.all(name="question")]

    assert asked == ["aozora@example.jp を削除します。よろしいでしょうか。"]
