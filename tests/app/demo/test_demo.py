"""What the demo consists of."""

from __future__ import annotations

import json
import stat
from collections import Counter
from datetime import date, datetime, timedelta

from sqlalchemy import func, select, text

from models.accounts.membership import Membership
from models.accounts.user import User
from models.audit import AuditEntry
from models.contracts.contract import allows_utm
from models.contracts.invoice import Invoice
from models.mail.outbox import MailMessage
from models.reports.monthly import MonthlyReport
from models.tenants.tenant import Tenant
from models.utms.reboot import Reboot
from models.utms.utm import Utm, UtmState


def test_the_tenants_and_their_people(demo):
    tenants = [(tenant.id, tenant.name) for tenant in demo.scalars(select(Tenant).order_by(Tenant.id))]
    assert tenants == [("T8000000", "サンプルパートナー"), ("T8000001", "テストパートナー")]
    held = {(each.user.email, each.tenant_id, each.role.name) for each in demo.scalars(select(Membership))}
    assert held == {
        ("operator@example.jp", "T8000000", "Partner Operator"),
        ("multi@example.jp", "T8000000", "Partner Operator"),
        ("multi@example.jp", "T8000001", "Partner Viewer"),
        ("viewer@example.jp", "T8000000", "Partner Viewer"),
    }
    everywhere = {user.email: [role.name for role in user.roles] for user in demo.scalars(select(User)) if user.roles}
    assert everywhere == {"staff@example.jp": ["NEC Staff"], "admin@example.jp": ["NEC Admin"]}
    operator = demo.scalars(select(User).where(User.email == "operator@example.jp")).one()
    assert operator.get_full_name() == "見守 花子"


def test_reboots_of_every_state_but_running_are_there_to_be_looked_at(demo):
    found = Counter(demo.scalars(select(Reboot.state)))

    assert found == {"succeeded": 3, "failed": 3, "scheduled": 2, "cancelled": 1}


def test_mails_of_every_state_are_there_to_be_looked_at(demo):
    mails = demo.scalars(select(MailMessage).order_by(MailMessage.id)).all()

    assert Counter(each.state for each in mails) == {"sent": 8, "failed": 1, "pending": 1}
    (failed,) = (each for each in mails if each.state == "failed")
    assert failed.last_error.startswith("550 5.1.1 <former.contact@partner.example.jp>: ")
    (waits,) = (each for each in mails if each.state == "pending")
    assert (waits.attempts, waits.last_error[:9]) == (2, "451 4.7.1")
    assert {each.tenant_id for each in mails} == {"T8000000", None}
    assert mails[0].refusal is not None  # its link was used
    assert all(each.created_at <= (each.sent_at or each.next_attempt_at) for each in mails)


def test_the_last_months_have_reports(demo):
    months = Counter(demo.scalars(select(MonthlyReport.month)))
    newest = demo.scalars(select(MonthlyReport).order_by(MonthlyReport.month.desc(), MonthlyReport.customer_id)).first()

    assert len(months) == 3
    assert min(months.values()) > 0
    assert "■ UTM 1/" in newest.text


def test_the_utms_are_in_every_state(demo):
    now = _now(demo)
    states = Counter()
    for each in demo.scalars(select(Utm)):
        state = "removed" if each.removed_at else each.state(now=now, online_for=timedelta(minutes=10)).value
        states[each.tenant_id, state] += 1

    assert states == {
        ("T8000000", UtmState.ONLINE.value): 6,
        ("T8000000", UtmState.OFFLINE.value): 3,
        ("T8000000", UtmState.UNCONNECTED.value): 2,
        ("T8000000", "removed"): 2,
        ("T8000001", UtmState.ONLINE.value): 1,
        ("T8000001", UtmState.OFFLINE.value): 1,
    }
    per_customer = demo.execute(
        select(Utm.customer_id, func.count()).group_by(Utm.customer_id).order_by(Utm.customer_id)
    )
    assert per_customer.all()[:3] == [("A00000001", 4), ("A00000002", 3), ("A00000003", 1)]


def test_a_newcomer_finds_a_customer_to_register_a_utm_for_and_one_where_it_is_refused(demo):
    today = _today(demo)

    may = {key: allows_utm(demo, key, today=today) for key in ("A00000008", "A00000009", "A00000010", "A00000011")}
    assert may == {"A00000008": True, "A00000009": True, "A00000010": False, "A00000011": False}
    registered = demo.scalars(select(Utm.id).where(Utm.customer_id.in_(may))).all()
    assert registered == []


def test_a_mac_address_is_the_utm_id_with_colons(demo):
    macs = {each.utm_id: each.mac_address for each in demo.scalars(select(Utm))}

    assert macs["02005e100001"] == "02:00:5E:10:00:01"
    assert macs["02005e100003"] is None


def test_every_write_is_in_the_audit_log(demo):
    counts = demo.execute(select(AuditEntry.action, func.count()).group_by(AuditEntry.action)).all()

    paid = demo.scalar(select(func.count()).select_from(Invoice).where(Invoice.paid_on.is_not(None), Invoice.total > 0))
    assert dict(counts) == {
        "announcement.created": 5,
        "announcement.published": 4,
        "application_field.added": 3,
        "contract.changed": 1,
        "contract.created": 41,
        "customer.created": 45,
        "customer.deleted": 1,
        "invoice.corrected": 2,
        "invoice.issued": 12,
        "invoice.paid": paid,
        "level_policy.changed": 1,
        "membership.created": 4,
        "portal_user.created": 12,
        "product.created": 2,
        "rate_plan.created": 4,
        "reboot.scheduled": 9,
        "service_application.confirmed": 11,
        "support_page.changed": 1,
        "tenant.created": 2,
        "ticket.created": 6,
        "ticket.message_added": 11,
        "usage.recorded": 1,
        "user.created": 5,
        "user.role_granted": 2,
        "utm.exchanged": 1,
        "utm.registered": 15,
        "utm.removed": 2,
        "utm.token_issued": 15,
        "utm_application.received": 2,
    }


def test_the_tokens_file_has_every_utm_that_is_not_removed(demo, demo_folder):
    path = demo_folder / "demo-tokens.json"
    tokens = json.loads(path.read_text("utf-8"))

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    kept = demo.scalars(select(Utm.utm_id).where(Utm.removed_at.is_(None)).order_by(Utm.utm_id)).all()
    assert list(tokens) == kept
    assert len(tokens) == 13
    assert [each.name for each in demo_folder.iterdir()] == ["demo-tokens.json"]


def _now(session) -> datetime:
    return session.scalar(text("SELECT clock_timestamp()"))


def _today(session) -> date:
    return session.scalar(text("SELECT (clock_timestamp() AT TIME ZONE 'Asia/Tokyo')::date"))
