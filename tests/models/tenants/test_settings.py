"""§5.4.1 (1): saving the settings and both lists, one person after another and two at once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import select, text

from models.actor import SYSTEM
from models.audit import AuditEntry
from models.errors import Conflict, DomainError, ScopeError
from models.tenants import access_origin, settings_rules
from models.tenants import link as portal_link
from models.tenants import settings as tenant_settings
from models.tenants.settings_rules import Link, SettingsInput
from models.values import web_address

DEFAULTS = SettingsInput(utm_applications=True, shortage_grace_days=20, origins=(), links=())
LINK = Link(None, "ご利用ガイド", "https://www.example.jp/guide", "使い方の説明です。", date(2026, 11, 1))


@pytest.fixture
def save(ours, in_tenant):
    def save_in(wanted, *, version, tenant_id=ours.tenant_id):
        with in_tenant(tenant_id) as session:
            changed = settings_rules.save(session, wanted, version=version, by=SYSTEM)
            session.commit()
        return changed

    return save_in


@pytest.fixture
def stored(ours, in_tenant):
    def read(tenant_id=ours.tenant_id):
        with in_tenant(tenant_id) as session:
            settings = tenant_settings.of_tenant(session)
            return (
                settings.utm_applications,
                settings.shortage_grace_days,
                access_origin.listed(session),
                [(link.name, link.posted_on) for link in portal_link.listed(session)],
                settings.version,
            )

    return read


def entries(make) -> list[AuditEntry]:
    return list(make.session.scalars(select(AuditEntry).order_by(AuditEntry.id)))


def test_a_tenant_that_saved_nothing_has_the_defaults(stored):
    assert stored() == (True, 20, [], [], 0)


def test_everything_is_saved_in_one_go_and_told_to_the_audit_log(make, save, stored, ours):
    wanted = SettingsInput(
        utm_applications=False, shortage_grace_days=0, origins=("HTTPS://www.example.jp/",), links=(LINK,)
    )

    assert save(wanted, version=0) is True

    assert stored() == (False, 0, ["https://www.example.jp"], [("ご利用ガイド", date(2026, 11, 1))], 1)
    (entry,) = entries(make)
    assert (entry.action, entry.subject_id, entry.tenant_id) == (
        "tenant_settings.changed",
        ours.tenant_id,
        ours.tenant_id,
    )
    assert entry.before == {"utm_applications": True, "shortage_grace_days": 20, "origins": [], "links": []}
    assert entry.after["links"] == [
        {
            "name": "ご利用ガイド",
            "url": "https://www.example.jp/guide",
            "description": "使い方の説明です。",
            "posted_on": "2026-11-01",
        }
    ]


def test_the_audit_log_holds_what_changed_and_no_more(make, save):
    save(DEFAULTS, version=0)
    save(replace(DEFAULTS, shortage_grace_days=99), version=0)

    (entry,) = entries(make)
    assert (entry.before, entry.after) == ({"shortage_grace_days": 20}, {"shortage_grace_days": 99})


def test_saving_what_is_there_changes_nothing(make, save, stored):
    assert save(DEFAULTS, version=0) is False
    assert (stored()[-1], entries(make)) == (0, [])


def test_entries_are_changed_in_place_added_at_the_end_and_taken_out(make, save, stored):
    save(replace(DEFAULTS, links=(LINK, replace(LINK, name="二つ目"), replace(LINK, name="三つ目"))), version=0)
    first, _, third = make.session.scalars(text("SELECT id FROM portal_link ORDER BY id"))

    save(
        replace(
            DEFAULTS,
            links=(
                replace(LINK, key=first, name="改めた"),
                replace(LINK, key=third, name="三つ目"),
                replace(LINK, name="四つ目"),
            ),
        ),
        version=1,
    )

    assert [name for name, _ in stored()[3]] == ["改めた", "三つ目", "四つ目"]
    assert list(make.session.scalars(text("SELECT id FROM portal_link ORDER BY id")))[:2] == [first, third]


def test_two_origins_can_change_places(save, stored):
    save(replace(DEFAULTS, origins=("https://a.example.jp", "https://b.example.jp")), version=0)

    save(replace(DEFAULTS, origins=("https://b.example.jp", "https://a.example.jp")), version=1)

    assert stored()[2] == ["https://a.example.jp", "https://b.example.jp"]


@pytest.mark.parametrize("days", [-1, 100])
def test_days_are_from_0_to_99(save, days):
    with pytest.raises(DomainError, match="from 0 to 99"):
        save(replace(DEFAULTS, shortage_grace_days=days), version=0)


def test_an_origin_is_listed_once_however_it_is_written(save):
    with pytest.raises(DomainError, match="already in the list"):
        save(replace(DEFAULTS, origins=("https://www.example.jp", "https://WWW.example.jp:443/")), version=0)


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (replace(DEFAULTS, origins=("javascript:alert(1)",)), web_address.NOT_AN_ORIGIN),
        (replace(DEFAULTS, links=(replace(LINK, url="javascript:alert(1)"),)), web_address.NOT_A_WEB_ADDRESS),
        (
            replace(DEFAULTS, origins=tuple(f"https://{n}.example.jp" for n in range(51))),
            settings_rules.TOO_MANY,
        ),
        (replace(DEFAULTS, links=(LINK,) * 51), settings_rules.TOO_MANY),
    ],
    ids=["no origin", "no web address", "51 origins", "51 links"],
)
def test_a_list_that_cannot_be_is_refused(save, stored, wanted, message):
    with pytest.raises(DomainError) as refused:
        save(wanted, version=0)

    assert refused.value.message == message
    assert stored() == (True, 20, [], [], 0)


def test_fifty_of_each_are_taken(save, stored):
    origins = tuple(f"https://{number}.example.jp" for number in range(50))

    save(replace(DEFAULTS, origins=origins, links=(LINK,) * 50), version=0)

    assert (stored()[2], len(stored()[3])) == (list(origins), 50)


def test_the_second_of_two_people_is_refused(save, stored):
    save(replace(DEFAULTS, shortage_grace_days=30), version=0)

    with pytest.raises(Conflict):
        save(replace(DEFAULTS, links=(LINK,)), version=0)

    assert stored() == (True, 30, [], [], 1)


def test_of_two_people_who_save_first_at_once_one_is_told(save, stored):
    together = threading.Barrier(2)

    def try_to_save(days):
        together.wait(timeout=30)
        try:
            return save(replace(DEFAULTS, shortage_grace_days=days), version=0)
        except Conflict:
            return "told"

    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(try_to_save, (10, 11)))

    assert sorted(map(str, outcomes)) == ["True", "told"]
    assert stored()[-1] == 1


def test_a_key_of_another_tenants_link_is_a_new_link_of_ours(make, save, stored, theirs):
    save(replace(DEFAULTS, links=(replace(LINK, name="つぐみ"),)), version=0, tenant_id=theirs.tenant_id)
    key = make.session.scalar(text("SELECT id FROM portal_link"))

    save(replace(DEFAULTS, links=(replace(LINK, key=key, name="ひばり"),)), version=0)

    assert [name for name, _ in stored(theirs.tenant_id)[3]] == ["つぐみ"]
    assert [name for name, _ in stored()[3]] == ["ひばり"]


def test_settings_are_saved_inside_a_tenant_alone(make):
    with pytest.raises(ScopeError):
        settings_rules.save(make.session, DEFAULTS, version=0, by=SYSTEM)


def test_of_two_renewals_of_the_invitation_at_once_each_has_a_number_of_its_own(ours, in_tenant, make):
    def renew(_):
        with in_tenant(ours.tenant_id) as session:
            number = settings_rules.renew_invitation(session, by=SYSTEM)
            session.commit()
        return number

    with ThreadPoolExecutor(2) as pool:
        numbers = sorted(pool.map(renew, range(2)))

    assert numbers == [2, 3]
    assert [each.after for each in entries(make)] == [{"invitation_number": 2}, {"invitation_number": 3}]


def test_renewing_the_invitation_leaves_the_version_of_the_screen(ours, in_tenant, stored):
    with in_tenant(ours.tenant_id) as session:
        settings_rules.renew_invitation(session, by=SYSTEM)
        session.commit()

    assert stored()[-1] == 0
