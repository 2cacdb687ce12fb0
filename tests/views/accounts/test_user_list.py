"""FAB's list of users: whom it shows, in which order, and how it is searched and paged."""

from __future__ import annotations

import re
from datetime import datetime

import pytest
from sqlalchemy import text


@pytest.fixture
def admin(make, signed_in):
    return signed_in(make.elevated("NEC Admin", email="admin@example.jp", last_name="管理"))


def test_the_list_shows_who_holds_what_where(make, admin):
    tenant = make.tenant(name="ひばり商事")
    user = make.member(tenant, "Partner Viewer", last_name="青空", email="aozora@example.jp")
    make.join(user, make.tenant(name="つぐみ商会"), "Partner Operator")

    page = admin.get("/users/list/").text

    assert "青空 花子" in page
    assert "ひばり商事 (Partner Viewer), つぐみ商会 (Partner Operator)" in page
    assert "2件" in page


def test_the_list_shows_no_hash_and_sorts_by_none(make, admin):
    make.user(last_name="一", password="scrypt:a")
    make.user(last_name="二", password="scrypt:b")

    pages = [
        admin.get("/users/list/", query_string={"_oc_UserView": "password", "_od_UserView": direction}).text
        for direction in ("asc", "desc")
    ]

    assert "scrypt" not in pages[0]
    names = [re.findall(r"<span class=\"lines\">(. 花子)</span>", page) for page in pages]
    assert names[0] == names[1] == ["一 花子", "二 花子"]


def test_the_list_sorts_by_family_name_and_pages(make, admin):
    for number in range(30):
        make.user(last_name=f"人{number:02}")

    first = admin.get("/users/list/?_oc_UserView=get_full_name&_od_UserView=asc").text
    last = admin.get("/users/list/?_oc_UserView=get_full_name&_od_UserView=asc&page_UserView=1").text
    beyond = admin.get("/users/list/?_oc_UserView=get_full_name&_od_UserView=asc&page_UserView=99").text

    assert ("人00" in first, "人29" in first) == (True, False)
    assert ("人00" in last, "人29" in last) == (False, True)
    assert "人29" in beyond


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ({"_flt_0_email": "ZORA@"}, {"青空"}),
        ({"_flt_1_email": "a"}, {"青空", "管理"}),
        ({"_flt_2_email": "aozora@example.jp"}, {"青空"}),
        ({"_flt_0_active": "n"}, {"休み"}),
        ({"_flt_0_active": "y"}, {"青空", "管理"}),
        ({"_flt_0_email": "%"}, set()),
        ({"_flt_0_email": "\\"}, set()),
        ({"_flt_9_email": "x"}, {"青空", "管理", "休み"}),
        ({"_flt_0_active": "nonsense"}, {"青空", "管理", "休み"}),
        ({"_flt_0_roles": "99999999999"}, {"青空", "管理", "休み"}),
        ({"_flt_0_password": "scrypt"}, {"青空", "管理", "休み"}),
    ],
)
def test_conditions_narrow_and_nonsense_is_none(make, admin, condition, found):
    make.user(last_name="青空", email="aozora@example.jp", password="scrypt:x")
    make.user(last_name="休み", email="yasumi@example.jp", active=False)

    page = admin.get("/users/list/", query_string=condition).text

    assert {name for name in ("青空", "管理", "休み") if f'lines">{name} 花子</span>' in page} == found


def test_a_role_can_be_searched_for(make, admin):
    make.user(last_name="青空")
    role_id = make.session.execute(text("SELECT id FROM ab_role WHERE name = 'NEC Admin'")).scalar_one()

    page = admin.get(f"/users/list/?_flt_0_roles={role_id}").text

    assert ("管理 花子" in page, "青空 花子" in page) == (True, False)


@pytest.mark.parametrize(("direction", "order"), [("asc", ["早い", "遅い"]), ("desc", ["遅い", "早い"])])
def test_users_who_never_signed_in_come_last_both_ways(make, admin, direction, order):
    make.user(last_name="遅い", last_login=datetime(2026, 2, 1))  # noqa: DTZ001  (FAB's own column)
    make.user(last_name="早い", last_login=datetime(2026, 1, 1))  # noqa: DTZ001

    rows = admin.get(f"/users/list/?_oc_UserView=last_login&_od_UserView={direction}").text.partition("<tbody>")[2]

    assert list(dict.fromkeys(re.findall("遅い|早い|管理", rows))) == [*order, "管理"]


@pytest.mark.parametrize(("page", "last"), [(39, "41"), (40, "42"), (44, "45"), (9999, "45")])
def test_a_list_of_more_than_a_thousand_is_paged_to_its_end(make, admin, page, last):
    columns = "first_name, last_name, username, password, active, email"
    make.session.execute(
        text(
            f"INSERT INTO ab_user ({columns}) SELECT '花子', '見守', 'many' || n, '', true, 'many' || n || '@example.jp'"
            " FROM generate_series(1, 1120) n"
        )
    )
    make.session.commit()

    numbers = re.findall(r'<a class="page-link"[^>]*>(\d+)<', admin.get(f"/users/list/?page_UserView={page}").text)

    assert numbers[-1] == last


def test_a_list_of_many_costs_eight_statements_at_most(make, admin, statements):
    tenant = make.tenant()
    for _ in range(25):
        make.member(tenant, "Partner Viewer")
    admin.get("/users/list/")
    statements.clear()

    admin.get("/users/list/")

    assert len(statements) <= 8, statements


def test_only_roles_that_are_held_everywhere_are_searched_for(make, admin):
    make.role("係")

    offered = re.search(r'<select[^>]*id="search-roles".*?</select>', admin.get("/users/list/").text, re.DOTALL)[0]

    assert set(re.findall(r">\s*([^<>]+?)\s*</option>", offered)) == {"すべて", "NEC Admin", "NEC Staff"}


def test_without_javascript_the_condition_is_named_and_cannot_be_chosen(admin):
    page = re.sub(r"\s+", " ", admin.get("/users/list/?_flt_1_email=a").text)

    shown = re.search(
        r'<noscript> <span class="input-group-text">([^<]+)</span> </noscript> <select ([^>]*)email"', page
    )
    assert shown[1] == "で始まる"
    assert "hidden" in shown[2]


def test_another_order_begins_at_the_first_page_and_the_present_one_is_shown(make, admin):
    for number in range(30):
        make.user(last_name=f"人{number:02}")

    page = admin.get("/users/list/?page_UserView=1&_flt_0_email=example").text
    by_name, by_email = (
        re.search(rf'aria-sort="(\w+)">\s*<a class="sort" href="([^"]+)">{label}', page)
        for label in ("氏名", "メールアドレス")
    )

    assert by_name.groups() == (
        "ascending",
        "?_flt_0_email=example&amp;_oc_UserView=get_full_name&amp;_od_UserView=desc",
    )
    assert by_email.groups() == ("none", "?_flt_0_email=example&amp;_oc_UserView=email&amp;_od_UserView=asc")


def test_the_question_before_deleting_names_the_address_and_ones_own_account_has_none(make, admin):
    make.user(email="aozora@example.jp")

    page = admin.get("/users/list/").text

    assert "aozora@example.jp を削除します。" in page
    assert "admin@example.jp を削除します。" not in page
    assert page.count("ユーザの削除") == 1
