"""The change history of the tenant settings, for all who may see them."""

from __future__ import annotations

from models import audit
from models.actor import SYSTEM
from models.tenants import settings_rules
from tests.conventions.messages import JAPANESE
from tests.support.pages import Page
from views.tenants.settings_history import LABELS

URL = "/tenant-settings/"


def history(client):
    rows = [row for row in Page(client.get(URL).text).rows if "変更者" in row]
    return [(row["変更者"], row["項目"], row["変更前"], row["変更後"]) for row in rows]


def test_it_says_who_changed_which_setting(operator, make, signed_in):
    sent = {"utm_applications": "0", "shortage_grace_days": "7", "version": "0", "origins-0": "https://www.example.jp/"}
    operator.post(URL, data=sent | {"report_pdf": "0", "second_factor_required": "0", "passkey_sign_in": "0"})
    viewer = signed_in(make.member(operator.tenant, "Partner Viewer"), operator.tenant)

    shown = history(operator)

    assert (operator.user.email, "サービス申込みページアクセス許可URL一覧", "-", "https://www.example.jp") in shown
    assert {(before, after) for _, _, before, after in shown} >= {("20日", "7日"), ("利用する", "利用しない")}
    assert history(viewer) == shown


def test_another_tenants_is_not_in_it(operator, make):
    other = make.tenant().id
    audit.record(make.session, "tenant_settings.changed", ("TenantSettings", other), by=SYSTEM, tenant_id=other)
    make.session.commit()

    assert history(operator) == []


def test_everything_recorded_has_a_label_and_a_readable_value(operator, make, in_tenant):
    with in_tenant(operator.tenant.id) as session:
        link = {"name": "案内", "url": "https://www.example.jp/", "description": "", "posted_on": "2026-11-01"}
        after = settings_rules._described(session, settings_rules.locked(session)) | {"links": [link]}
        after |= {"logo_hash": "a" * 64, "invitation_number": 2}
    subject = ("TenantSettings", operator.tenant.id)
    audit.record(
        make.session,
        "tenant_settings.changed",
        subject,
        by=SYSTEM,
        tenant_id=operator.tenant.id,
        before={},
        after=after,
    )
    make.session.commit()

    shown = history(operator)

    assert set(after) == set(LABELS)
    assert [item for _, item, _, _ in shown if not JAPANESE.search(item)] == []
    assert [value for *_, value in shown if value in {"True", "False", "None"} or "{" in value or "[" in value] == []
    assert "案内 https://www.example.jp/" in {value for *_, value in shown}
