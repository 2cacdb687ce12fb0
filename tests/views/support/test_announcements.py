"""お知らせ (§10.1), as staff write it and as tenants see it."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import select, text

from models.audit import AuditEntry
from models.support.announcement import Announcement
from tests.support.days import TODAY
from tests.support.pages import Page, answered

pytestmark = pytest.mark.usefixtures("on_today")

DAY = timedelta(days=1)
STAFF = "/staff/announcements"


@pytest.fixture
def staff(make, signed_in):
    """Staff who have chosen no tenant."""
    return signed_in(make.elevated("NEC Staff", email="staff@example.jp"))


def titles(client) -> list[str]:
    return Page(client.get("/announcements/").text).column("タイトル")


def test_a_tenant_sees_what_is_published_in_its_period_and_meant_for_it(operator, make):
    other = make.tenant()
    shown = {
        "全員宛て": {},
        "自社宛て": {"tenant_ids": sorted([operator.tenant.id, other.id])},
        "今日だけ": {"starts_on": TODAY, "ends_on": TODAY},
        "重要": {"important": True, "starts_on": date(2026, 1, 1)},
    }
    hidden = {
        "下書き": {"published_at": None},
        "明日から": {"starts_on": TODAY + DAY},
        "昨日まで": {"ends_on": TODAY - DAY},
        "他社宛て": {"tenant_ids": [other.id]},
    }
    rows = {title: make.announcement(title=title, **values) for title, values in (shown | hidden).items()}

    assert titles(operator) == ["重要", "今日だけ", "自社宛て", "全員宛て"]
    assert "並び順" not in operator.get("/announcements/").text
    dashboard = Page(operator.get("/").text).main.text
    for title, row in rows.items():
        assert operator.get(f"/announcements/{row.id}").status_code == (200 if title in shown else 404), title
        assert (title in dashboard) == (title in shown), title


def test_an_announcement_is_unread_until_the_user_opens_it(make, signed_in):
    tenant = make.tenant()
    one, other = (signed_in(make.member(tenant, role), tenant) for role in ("Partner Viewer", "Partner Operator"))
    row = make.announcement(body="1行目\n<b>2行目")

    def marks(client):
        return Page(client.get("/announcements/").text).column("既読状況"), "未読" in client.get("/").text

    assert marks(one) == (["未読"], True)
    for _ in range(2):
        assert "1行目\n&lt;b&gt;2行目" in one.get(f"/announcements/{row.id}").text

    assert marks(one) == (["-"], False)
    assert marks(other) == (["未読"], True)


def test_a_draft_is_written_published_withdrawn_and_deleted(staff, make, signed_in):
    tenant = make.tenant(name="宛先テナント")
    reader = signed_in(make.member(tenant, "Partner Viewer"), tenant)
    form = {"title": "停止のお知らせ", "body": "本文", "starts_on": TODAY.isoformat(), "tenants": [tenant.id]}

    staff.post(f"{STAFF}/add", data=form)
    row = make.session.scalars(select(Announcement)).one()
    assert (row.tenant_ids, row.published_at) == ([tenant.id], None)
    assert titles(reader) == []
    staff.post(f"{STAFF}/{row.id}/publish")
    assert titles(reader) == ["停止のお知らせ"]
    assert f"{tenant.id} 宛先テナント" in staff.get(f"{STAFF}/{row.id}").text
    reader.get(f"/announcements/{row.id}")
    staff.post(f"{STAFF}/{row.id}/withdraw")
    assert reader.get(f"/announcements/{row.id}").status_code == 404
    staff.post(f"{STAFF}/{row.id}/delete")

    assert make.session.scalar(text("SELECT count(*) FROM announcement_read")) == 0
    entries = make.session.scalars(select(AuditEntry).where(AuditEntry.subject_type == "Announcement"))
    assert [(each.action, each.actor) for each in sorted(entries, key=lambda each: each.id)] == [
        (f"announcement.{what}", "staff@example.jp") for what in ("created", "published", "withdrawn", "deleted")
    ]


def test_the_history_names_the_tenants_it_is_meant_for(staff, make):
    one, other = make.tenant(name="北テナント"), make.tenant(name="南テナント")
    row = make.announcement(title="停止", body="本文")

    for tenants in ([one.id], [one.id, other.id]):
        form = Page(staff.get(f"{STAFF}/{row.id}/edit").text).main_form
        staff.post(f"{STAFF}/{row.id}/edit", data=answered(form.sent({"for_all": None, "tenants": tenants})))

    changes = [
        (each["変更前"], each["変更後"])
        for each in Page(staff.get(f"{STAFF}/{row.id}").text).rows
        if each.get("項目") == "対象テナント"
    ]
    north, south = f"{one.id} 北テナント", f"{other.id} 南テナント"
    assert [tuple(" ".join(each.split()) for each in pair) for pair in changes] == [
        (north, f"{north} {south}"),
        ("すべてのテナント", north),
    ]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"ends_on": (TODAY - DAY).isoformat()}, "掲載終了日が掲載開始日より前です。"),
        ({"for_all": ""}, "テナントを1つ以上選択するか、すべてのテナントを選択してください。"),
        ({"for_all": "", "tenants": "T0000000"}, "T0000000"),
    ],
)
def test_wrong_periods_and_tenants_are_refused(staff, make, changed, message):
    form = {"title": "題", "body": "本文", "starts_on": TODAY.isoformat(), "for_all": "y"} | changed

    answer = staff.post(f"{STAFF}/add", data={name: value for name, value in form.items() if value})

    assert answer.status_code == 422
    assert message in Page(answer.text).main.text
    assert make.session.scalars(select(Announcement)).all() == []


def test_staff_find_announcements_by_state(staff, make):
    make.announcement(title="下書き", published_at=None, ends_on=TODAY - DAY)
    make.announcement(title="予定", starts_on=TODAY + DAY)
    make.announcement(title="掲載中")
    make.announcement(title="終了", ends_on=TODAY - DAY)

    found = {
        state: Page(staff.get(f"{STAFF}/?state={state}").text).column("タイトル")
        for state in ("draft", "scheduled", "shown", "ended")
    }

    assert found == {"draft": ["下書き"], "scheduled": ["予定"], "shown": ["掲載中"], "ended": ["終了"]}
