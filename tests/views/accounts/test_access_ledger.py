"""アクセス台帳: who has which role where, and its yearly review."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from models import clock
from models.accounts import access_review, user_rules
from models.accounts.access_review import AccessReview
from models.accounts.membership import Membership
from models.actor import SYSTEM
from models.audit import AuditEntry
from tests.support.pages import Page, answered

LIST = "/access-ledger/"
DUE = "年に1回"


@pytest.fixture
def admin(make, signed_in):
    return signed_in(make.elevated("NEC Admin", email="z-admin@example.jp", last_name="管理"))


def rows(client, query=""):
    return [list(row.values())[1:6] for row in Page(client.get(f"{LIST}?{query}").text).rows if "メールアドレス" in row]


def test_each_role_of_each_user_is_listed_and_those_without_any_are_too(make, admin):
    tenant, other = make.tenant(name="青空"), make.tenant(name="若葉")
    user = make.member(
        tenant,
        "Partner Operator",
        email="a@example.jp",
        last_login=datetime(2026, 11, 1, 3, tzinfo=UTC).replace(tzinfo=None),
    )
    make.join(user, other, "Partner Viewer")
    make.user(email="b@example.jp", active=False)
    today = clock.utc_now().astimezone(clock.TOKYO).date().isoformat()

    assert rows(admin) == [
        ["a@example.jp", "はい", f"{tenant.id} 青空", "Partner Operator", today],
        ["a@example.jp", "はい", f"{other.id} 若葉", "Partner Viewer", today],
        ["b@example.jp", "いいえ", "-", "ロールなし", "-"],
        ["z-admin@example.jp", "はい", "すべてのテナント", "NEC Admin", today],
    ]
    assert [row[0] for row in rows(admin, "role=-")] == ["b@example.jp"]
    assert [row[2] for row in rows(admin, f"tenant_id={other.id}")] == [f"{other.id} 若葉"]
    assert [row[0] for row in rows(admin, "active=n")] == ["b@example.jp"]
    file = list(csv.DictReader(io.StringIO(admin.get(f"{LIST}?csv=1").get_data().decode("utf-8-sig"))))
    assert len(file) == 4
    assert (file[0]["最終ログイン"], file[0]["テナント名"]) == ("2026-11-01 12:00:00", "青空")


def test_a_changed_role_is_held_since_the_change(make):
    membership = make.membership()
    membership.held_since = membership.created_at = datetime(2020, 1, 1, tzinfo=UTC)
    make.session.commit()

    user_rules.change_membership(make.session, membership, "Partner Viewer", by=SYSTEM)
    make.session.commit()

    held = make.session.scalars(select(Membership.held_since)).one()
    assert held > membership.created_at


def test_the_review_is_due_until_it_is_recorded_and_again_after_a_year(make, admin, monkeypatch):
    page = Page(admin.get(LIST).text)
    assert DUE in page.main.text

    answer = admin.post(f"{LIST}review", data=answered(page.form_to(f"{LIST}review").sent()))

    assert answer.location == LIST
    page = Page(admin.get(LIST).text)
    assert DUE not in page.main.text
    review = make.session.scalars(select(AccessReview)).one()
    assert (review.reviewed_by, review.rights) == ("z-admin@example.jp", 1)
    assert page.column("実施者") == ["z-admin@example.jp"]
    entry = make.session.scalars(select(AuditEntry)).one()
    assert (entry.action, entry.actor, entry.after) == ("access_review.recorded", "z-admin@example.jp", {"rights": 1})
    monkeypatch.setattr(access_review, "DUE_AFTER", timedelta(0))
    for path in (LIST, "/users/list/"):
        assert DUE in Page(admin.get(path).text).main.text


@pytest.mark.parametrize("role", ["NEC Staff", "Partner Operator"])
def test_the_ledger_is_administrators_alone(make, signed_in, role):
    tenant = make.tenant()
    client = signed_in(make.elevated(role) if role.startswith("NEC") else make.member(tenant, role), tenant)

    assert (client.get(LIST).status_code, client.post(f"{LIST}review").status_code) == (403, 403)


@pytest.mark.parametrize("typed", ["髙崎花子", "高﨑　花子", "高崎ﾊﾅ"])
def test_a_user_is_found_by_any_variant_of_the_name(make, admin, typed):
    make.user(last_name="髙﨑", first_name="花子", email="a@example.jp")

    assert [row[0] for row in rows(admin, f"name={typed}")] == ([] if "ﾊﾅ" in typed else ["a@example.jp"])
