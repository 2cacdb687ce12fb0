"""アラートレベルポリシー, for NEC's staff."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, text

from models import clock
from models.actor import SYSTEM
from models.alerts import ingest as alert_ingest
from models.alerts import level_policy, policy_rules
from models.alerts.level_policy import CONDITIONS, LevelRule
from models.audit import AuditEntry
from tests.support.alerts import lines
from tests.support.pages import Page

URL = "/staff/level-policy/"
EDIT = f"{URL}edit"


@pytest.fixture
def staff(make, signed_in):
    """Staff who have chosen no tenant."""
    return signed_in(make.elevated("NEC Staff", email="staff@example.jp"))


@pytest.fixture
def in_force(make):
    def read() -> level_policy.LevelPolicy:
        make.session.rollback()
        return level_policy.in_force(make.session)

    return read


def sent(*rules: dict[str, str], version: int = 1, default: str = "low", **more: str) -> dict[str, str]:
    """What the form sends."""
    return {
        f"rules-{number}-{name}": value
        for number, rule in enumerate(rules)
        for name, value in (dict.fromkeys(CONDITIONS, "") | {"level": "high"} | rule).items()
    } | {"default_level": default, "version": str(version), **more}


def cells(html: str) -> list[list[list[str]]]:
    """The texts of the cells of each table of a page."""
    return [
        [[cell.text for cell in row.all("td")] for row in table.all("tr") if row.all("td")]
        for table in Page(html).main.all("table")
    ]


def test_a_change_is_confirmed_with_its_dry_run_and_recorded(staff, make, in_tenant, in_force):
    customer, utm = make.customer_with_utm(make.tenant(name="試行テナント"))
    now = clock.utc_now()
    with in_tenant(utm.tenant_id) as session:
        sender = alert_ingest.Sender(utm.tenant_id, customer.id, utm.id)
        for found in (
            lines(3, at=now, alert_severity="high", type="ips"),
            lines(2, at=now - timedelta(hours=1), alert_severity="low", type="antivirus"),
            lines(5, at=now - timedelta(days=32), alert_severity="high", type="ips"),
        ):
            alert_ingest.store(session, sender, found, now=now, retention_months=13)
        session.commit()
    form = sent({"function": "ips", "level": "low"}, {"function": "antivirus"})

    asked = staff.post(EDIT, data=form | {"ask": "1", "question": "よろしいですか。"})
    functions, tenants = cells(asked.text)
    assert functions[:2] == [["アンチウィルス", "0", "2", "2"], ["IPS", "3", "0", "3"]]
    assert functions[-1] == ["合計", "3", "2", "5"]
    assert tenants == [["試行テナント", "3", "2", "5"]]
    assert in_force().version == 1

    done = staff.post(EDIT, data=form, follow_redirects=True)

    assert "変更しました" in done.text
    assert in_force() == level_policy.LevelPolicy(
        2, (LevelRule("low", function="ips"), LevelRule("high", function="antivirus")), "low"
    )
    entry = make.session.scalars(select(AuditEntry).where(AuditEntry.action == "level_policy.changed")).one()
    assert (entry.actor, entry.tenant_id, entry.subject_id) == ("staff@example.jp", None, "2")
    assert entry.after["rules"][0] == {"level": "low", "function": "ips"}
    # Stored alerts keep their level.
    assert make.session.scalar(text("SELECT count(*) FROM alert WHERE level = 'high'")) == 8


def test_the_history_shows_who_changed_the_policy_and_each_version(staff):
    staff.post(EDIT, data=sent({"signature": "<b>ET SCAN", "action": "block"}, default="high"))

    rules, versions = cells(staff.get(URL).text)
    assert rules == [
        ["1", "処置: Block シグネチャ: <b>ET SCAN", "High"],
        ["-", "そのほかのアラート", "High"],
    ]
    assert [(row[0], row[2], row[3]) for row in versions] == [
        ("バージョン2", "staff@example.jp", "適用中"),
        ("バージョン1", "初期ポリシー", "-"),
    ]
    assert cells(staff.get(f"{URL}1").text)[0][0] == ["1", "UTMが送信したレベル: High", "High"]
    assert [staff.get(f"{URL}{key}").status_code for key in (3, 2**15, 2**63 - 1)] == [404] * 3


def test_rules_are_added_moved_and_removed_without_javascript(staff, in_force):
    first, second = {"signature": "first"}, {"signature": "second", "level": "low"}

    def values(**button: str) -> list[str]:
        page = Page(staff.post(EDIT, data=sent(first, second, **button)).text)
        return [value for name, value in page.main_form.sent().items() if name.endswith("-signature")]

    assert values(add_rule="1") == ["first", "second", ""]
    assert values(move_up="1") == values(move_down="0") == ["second", "first"]
    assert values(move_up="0") == values(remove_rule="9") == values(move_up="x") == ["first", "second"]
    assert values(remove_rule="0") == ["second"]
    assert in_force().version == 1


def test_a_dry_run_saves_nothing(staff, in_force):
    page = staff.post(EDIT, data=sent({"function": "ips"}, dry_run="1"))

    assert cells(page.text)[0][-1] == ["合計", "0", "0", "0"]
    assert in_force().version == 1
    assert staff.post(EDIT, data=sent({}, dry_run="1")).status_code == 422


@pytest.mark.parametrize(
    ("form", "message"),
    [
        (sent({}), "条件が1つ以上"),
        (sent({"severity": "5" * 256}), "255文字以内"),
        (sent({"function": "unknown"}), "ルール 1: セキュリティ機能"),
        (sent({"sender_level": "high"}), "1つ以上の項目を変更"),
        (sent(*[{"function": "ips"}] * 51), "50"),
    ],
)
def test_what_is_wrong_is_told(staff, in_force, form, message):
    answer = staff.post(EDIT, data=form)

    assert answer.status_code == 422
    assert message in Page(answer.text).main.text
    assert in_force().version == 1


def test_who_saves_second_is_told_and_may_save_after_comparing(staff, make, in_force):
    policy_rules.save(make.session, [LevelRule("high", function="ips")], "low", shown=1, by=SYSTEM)
    make.session.commit()

    refused = staff.post(EDIT, data=sent({"function": "antivirus"}, version=1))

    assert refused.status_code == 409
    assert Page(refused.text).main_form.sent()["version"] == "2"
    assert in_force().version == 2
    assert staff.post(EDIT, data=sent({"function": "antivirus"}, version=2)).status_code == 302
    assert in_force().version == 3
