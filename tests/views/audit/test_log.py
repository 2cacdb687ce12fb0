"""The audit log on screen: of the tenant for its people, of all tenants for NEC staff."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from models import audit
from models.accounts import user_rules
from models.actor import SYSTEM, Actor
from tests.support.pages import Page


@pytest.fixture
def other(make, operator):
    """Another tenant; both have an entry, and there is one outside of any tenant."""
    tenant = make.tenant()
    by = Actor("hanako@example.jp", address="203.0.113.9", request_id="r-1")
    audit.record(
        make.session,
        "customer.changed",
        ("Customer", "C00000001"),
        by=by,
        tenant_id=operator.tenant.id,
        before={"name": "旧", "memo1": None},
        after={"name": "新<b>", "memo1": "x"},
    )
    audit.record(make.session, "utm.removed", ("Utm", "7"), by=SYSTEM, tenant_id=tenant.id)
    audit.record(make.session, "sign_in.failed", ("User", "8"), by=by)
    make.session.commit()
    return tenant


def listed(client, url: str) -> list[dict[str, str]]:
    return Page(client.get(url).text).rows


def test_the_people_of_a_tenant_see_its_entries_only(operator, other):
    (row,) = listed(operator, "/audit-log/")

    assert [row[name] for name in ("操作者", "操作", "対象")] == ["hanako@example.jp", "変更", "顧客 C00000001"]
    assert [operator.get(f"/audit-log/{key}").status_code for key in (1, 2, 3)] == [200, 404, 404]
    assert operator.get("/staff/audit-log/1").status_code == 403


def test_an_entry_shows_the_values_before_and_after_with_the_labels_of_its_screen(operator, other):
    text = operator.get("/audit-log/1").text

    assert Page(text).rows == [
        {"項目": "メモ1", "変更前": "-", "変更後": "***"},
        {"項目": "会社名", "変更前": "旧", "変更後": "新<b>"},
    ]
    assert "203.0.113.9" in text
    assert "<b>" not in text


def newest(make, client) -> list[dict[str, str]]:
    """The changes on the page of the newest entry."""
    make.session.commit()
    key = make.session.scalar(select(func.max(audit.AuditEntry.id)))
    return listed(client, f"/staff/audit-log/{key}")


def test_the_entry_of_a_deleted_user_says_where_the_user_belonged(make, signed_in):
    admin, tenant = signed_in(make.elevated("NEC Admin")), make.tenant()
    user = make.member(tenant, "Partner Viewer", email="hanako@example.jp")

    user_rules.delete_user(make.session, user, by=SYSTEM)

    assert newest(make, admin) == [
        {"項目": "メールアドレス", "変更前": "hanako@example.jp", "変更後": "-"},
        {"項目": "全テナントでのロール", "変更前": "-", "変更後": "-"},
        {"項目": "所属テナント", "変更前": tenant.id, "変更後": "-"},
    ]


def test_the_entry_of_a_row_below_another_one_names_that(make, signed_in):
    user = make.portal_user(customer_row=make.customer())
    audit.record(make.session, "portal_user.created", user, by=SYSTEM, after=audit.values_of(user))

    changes = newest(make, signed_in(make.elevated("NEC Staff")))

    assert {"項目": "会社ID", "変更前": "-", "変更後": user.customer_id} in changes
    assert {"ユーザID", "テナントID"} & {each["項目"] for each in changes} == set()


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("actor=HANAKO", 1),
        ("actor=taro", 0),
        ("action=changed", 1),
        ("action=removed", 0),
        ("subject_type=Customer", 1),
        ("subject_type=Utm", 0),
        ("subject_id=C0000", 1),
        ("at_from=2020-01-01", 1),
        ("at_to=2020-01-01", 0),
    ],
)
def test_entries_are_found_by_person_action_subject_and_period(operator, other, search, found):
    assert len(listed(operator, f"/audit-log/?{search}")) == found


def test_staff_see_the_entries_of_all_tenants_and_of_none(make, signed_in, operator, other):
    staff = signed_in(make.elevated("NEC Staff"))

    rows = listed(staff, "/staff/audit-log/")

    assert [(row["テナントID"], row["操作"]) for row in rows] == [
        ("-", "ログイン失敗"),
        (other.id, "削除済み"),
        (operator.tenant.id, "変更"),
    ]
    assert len(listed(staff, f"/staff/audit-log/?tenant_id={other.id}")) == 1
    assert staff.get("/staff/audit-log/2").status_code == 200
