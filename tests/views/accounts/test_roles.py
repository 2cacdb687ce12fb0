"""Roles and rights, as an administrator sees them."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select, text

from models.accounts import role
from models.accounts.user import Role
from tests.support.pages import Page, answered


@pytest.fixture
def admin(make, signed_in):
    return signed_in(make.elevated("NEC Admin", email="admin@example.jp"))


def right_ids(make, *names):
    return [right.id for right in role.grantable(make.session) if role.right_name(right) in names]


def row(page, name):
    return next(each for each in Page(page).root.all("tr") if name in [cell.text for cell in each.all("td")])


def built_in_id(make, name):
    return make.session.scalars(select(Role.id).where(Role.name == name)).one()


def test_the_list_offers_no_change_of_built_in_roles(make, admin):
    own = make.role("閲覧係", "Customers can_list")

    page = admin.get("/roles/list/").text

    assert [each.attributes["href"] for each in row(page, "閲覧係").all("a")] == [
        f"/roles/show/{own.id}",
        f"/roles/edit/{own.id}",
    ]
    assert [each.attributes.get("formaction") for each in row(page, "閲覧係").all("button")] == [
        f"/roles/delete/{own.id}"
    ]
    built_in = row(page, "Partner Operator")
    assert [each.text for each in built_in.all("a")] == ["Partner Operator"]
    assert built_in.all("button") == []


def test_a_built_in_role_is_shown_with_its_rights_and_why_it_cannot_be_changed(make, admin):
    key = built_in_id(make, "Partner Viewer")

    page = admin.get(f"/roles/show/{key}").text
    edit = admin.get(f"/roles/edit/{key}")
    deleted = admin.post(f"/roles/delete/{key}", follow_redirects=True)

    assert "顧客管理: 一覧の表示, セキュリティサービスの表示, 詳細の表示" in page
    assert "標準のロールは表示のみです。" in page
    assert edit.location == f"/roles/show/{key}"
    assert "標準のロールは変更できません。" in deleted.text


def test_an_own_role_gives_its_holder_its_rights_and_no_others(make, admin, signed_in):
    sent = {"name": "閲覧係", "permissions": right_ids(make, "Customers can_list")}
    admin.post("/roles/add", data=sent)
    tenant = make.tenant()
    theirs = signed_in(make.member(tenant, "閲覧係"), tenant)

    assert theirs.get("/customers/").status_code == 200
    assert theirs.get("/customers/add").status_code == 403
    assert theirs.get("/users/list/").status_code == 403


def test_a_right_taken_from_an_own_role_is_gone_at_the_next_request(make, admin, signed_in):
    own = make.role("閲覧係", "Customers can_list", "Home can_index")
    tenant = make.tenant()
    theirs = signed_in(make.member(tenant, "閲覧係"), tenant)
    assert theirs.get("/customers/").status_code == 200

    url = f"/roles/edit/{own.id}"
    form = Page(admin.get(url).text).main_form

    answer = admin.post(url, data=answered(form.sent(permissions=right_ids(make, "Home can_index"))))

    assert answer.location == f"/roles/show/{own.id}"
    assert theirs.get("/customers/").status_code == 403
    audited = make.session.execute(text("SELECT action, actor FROM audit_entry WHERE action = 'role.changed'")).one()
    assert tuple(audited) == ("role.changed", "admin@example.jp")


def test_a_copy_starts_with_what_an_own_role_can_have(make, admin):
    page = admin.get(f"/roles/add?copy={built_in_id(make, 'NEC Admin')}").text

    ticked = re.findall(r"<input checked[^>]*>", page)
    assert len(ticked) == len(role.grantable(make.session))
    assert ">Users can_" not in page


@pytest.mark.parametrize(
    ("sent", "field", "told"),
    [
        ({"name": "㍿" * 17}, "name", "64文字以下で入力してください。"),
        ({"name": "partner operator"}, "name", "同じ名前のロールがすでにあります。"),
        ({"name": "NEC\u00a0Admin"}, "name", "同じ名前のロールがすでにあります。"),
        ({"name": "ＮＥＣ　Ａｄｍｉｎ"}, "name", "同じ名前のロールがすでにあります。"),
    ],
)
def test_a_fault_is_told_beside_its_field(make, admin, sent, field, told):
    answer = admin.post("/roles/add", data=sent)

    assert answer.status_code == 422
    assert told in re.search(rf'id="{field}-error">(.*?)</div>\s*</div>', answer.text, re.DOTALL)[1]


def test_a_role_somebody_holds_stays(make, admin):
    own = make.role("閲覧係", "Customers can_list")
    make.member(make.tenant(), "閲覧係")

    answer = admin.post(f"/roles/delete/{own.id}", follow_redirects=True)

    assert "このロールを持つユーザがいます。" in answer.text


def test_a_role_nobody_holds_is_deleted(make, admin):
    own = make.role("閲覧係", "Customers can_list")

    answer = admin.post(f"/roles/delete/{own.id}", follow_redirects=True)

    assert "ロールを削除しました。" in answer.text
    assert admin.get(f"/roles/show/{own.id}").status_code == 404


def test_an_upgrade_takes_from_own_roles_what_a_partner_operator_lost(make, service_env, context):
    from app.cli.upgrade import _narrow_own_roles

    own = make.role("閲覧係", "Customers can_list", "Home can_index")
    lost = right_ids(make, "Customers can_list")
    make.session.execute(
        text("DELETE FROM ab_permission_view_role WHERE permission_view_id = :lost AND role_id = :operator"),
        {"lost": lost[0], "operator": built_in_id(make, "Partner Operator")},
    )

    _narrow_own_roles(make.session)
    make.session.commit()
    make.session.expire_all()

    assert [role.right_name(right) for right in make.session.get(Role, own.id).permissions] == ["Home can_index"]


def test_rights_are_listed_with_the_roles_that_hold_them(admin):
    page = admin.get("/permissionviews/list/?sort=view_menu.name&direction=asc&size=100").text

    assert "NEC Admin, NEC Staff, Partner Operator, Partner Viewer" in page
    assert page.index(">Alerts<") < page.index(">Customers<")


@pytest.mark.parametrize(
    ("address", "name", "words"),
    [("/permissions/list/", "can_restore", "復元"), ("/viewmenus/list/", "Customers", "顧客管理")],
)
def test_permissions_and_views_are_listed_in_words_with_their_names_in_the_code(admin, address, name, words):
    page = Page(admin.get(address, query_string={"name": name, "name_is": "is"}).text)

    assert [list(row.values()) for row in page.rows] == [[f"{words} {name}"]]


@pytest.mark.parametrize(("language", "words"), [("ja", "アラート: ダウンロード"), ("en", "Security alerts: Download")])
def test_rights_are_offered_in_words_with_their_names_in_the_code(admin, language, words):
    admin.set_cookie("language", language)

    page = admin.get("/roles/add").text

    assert re.search(rf'{words} <span class="[^"]+">Alerts can_download</span>', page)


def test_the_same_permission_has_the_words_of_its_view(admin, make):
    made = make.role("係", "Contracts can_add", "Contracts can_cancel", "Reboots can_cancel")

    page = admin.get(f"/roles/show/{made.id}").text

    assert "契約管理: 作成, 契約の解約" in page
    assert "UTM再起動: 再起動予定の取り消し" in page


def test_the_change_of_a_role_is_told_in_the_words_of_its_rights(admin, make):
    form = Page(admin.get("/roles/add").text).main_form
    (key,) = right_ids(make, "Contracts can_add")
    admin.post("/roles/add", data=answered(form.sent({"name": "係", "permissions": [str(key)]})))
    made = make.session.scalar(text("SELECT id FROM ab_role WHERE name = '係'"))
    entry = make.session.scalar(text("SELECT id FROM audit_entry WHERE action = 'role.created'"))

    for address in (f"/roles/show/{made}", f"/staff/audit-log/{entry}"):
        rows = [each for each in Page(admin.get(address).text).rows if each.get("項目") == "権限"]
        assert [each["変更後"] for each in rows] == ["契約管理: 作成"]
