"""テナントのユーザ: read-only, with a ticket for what is to change."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.support.pages import Page


def test_the_users_of_the_tenant_are_listed_and_nobody_elses(make, operator):
    make.member(
        operator.tenant,
        "Partner Viewer",
        last_name="青空",
        email="aozora@example.jp",
        last_login=datetime(2026, 11, 1, 3, 0),  # noqa: DTZ001  (FAB's column has no time zone)
        active=False,
    )
    make.member(make.tenant(), "Partner Viewer", last_name="他社", email="other@example.com")
    make.elevated("NEC Staff", email="staff@example.com")

    page = Page(operator.get("/tenant-users/?sort=email").text)

    assert [list(row.values()) for row in page.rows] == [
        ["青空 花子", "aozora@example.jp", "Partner Viewer", "いいえ", "2026-11-01 12:00:00"],
        ["見守 花子", operator.user.email, "Partner Operator", "はい", "-"],
    ]
    assert Page(operator.get("/tenant-users/?email=AOZORA@").text).column("氏名") == ["青空 花子"]
    assert Page(operator.get("/tenant-users/?name=青空 花").text).column("氏名") == ["青空 花子"]
    for sort in ("name", "role", "last_login"):
        assert len(Page(operator.get(f"/tenant-users/?sort={sort}&direction=desc").text).rows) == 2


def test_a_user_who_is_locked_after_wrong_passwords_is_shown_as_locked(make, operator):
    make.member(operator.tenant, "Partner Viewer", last_name="青空", locked_until=datetime(2999, 1, 1, tzinfo=UTC))
    make.member(operator.tenant, "Partner Viewer", last_name="海原", locked_until=datetime(2026, 1, 1, tzinfo=UTC))

    page = Page(operator.get("/tenant-users/").text)

    assert {row["氏名"].split()[0]: row["ログイン可"] for row in page.rows} == {
        "青空": "ロック中",
        "海原": "はい",
        "見守": "はい",
    }


def test_a_change_is_asked_for_by_a_prepared_ticket(make, signed_in, operator):
    page = Page(operator.get("/tenant-users/").text)
    (link,) = (each for each in page.links if each.startswith("/tickets/create"))
    viewer = signed_in(make.member(operator.tenant, "Partner Viewer"), operator.tenant)

    form = next(each for each in Page(operator.get(link).text).forms if "title" in each.names)

    assert form.sent()["title"] == "テナントのユーザの変更"
    assert form.sent()["kind"] == "work"
    assert "メールアドレス：" in form.sent()["body"]
    assert not [each for each in Page(viewer.get("/tenant-users/").text).links if each.startswith("/tickets/create")]
    unknown = next(each for each in Page(operator.get("/tickets/create?purpose=x").text).forms if "title" in each.names)
    assert unknown.sent()["title"] == ""


@pytest.mark.parametrize("typed", ["見守花子", "見守　花子", "見 守花", "髙 ﾊﾅ花", "ﾊﾅ"])
def test_a_user_is_found_by_any_variant_of_the_name(make, operator, typed):
    make.member(operator.tenant, "Partner Viewer", last_name="高", first_name="ハナ花子")

    found = Page(operator.get("/tenant-users/", query_string={"name": typed}).text).column("氏名")

    assert found == (["見守 花子"] if "守" in typed else ["高 ハナ花子"])
