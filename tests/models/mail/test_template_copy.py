"""Copying mail templates to other tenants (§5.4.3 (3)): overwrites, all or none, a default stays one."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from models import audit
from models.actor import Actor
from models.mail import template as mail_template
from models.mail import template_rules as mail_template_rules
from models.mail.kinds import EDITABLE, KINDS, MailText

MAIL, SMS, RESULT = KINDS["password_reset_mail"], KINDS["password_reset_sms"], KINDS["application_result"]
OWN = MailText("こちらの件名", "こちらの本文 {{Url}}")
THEIRS = MailText("あちらの件名", "あちらの本文 {{Url}}")
BY = Actor("multi@example.jp", 7)


@pytest.fixture
def tenants(make):
    return [make.tenant(name=name) for name in ("写し元", "写し先一", "写し先二", "関わらない")]


@pytest.fixture
def save(in_tenant):
    def _save(tenant, kind, new, version=0):
        with in_tenant(tenant.id) as session:
            mail_template_rules.save(session, tenant.id, kind, new, version=version, by=BY)
            session.commit()

    return _save


@pytest.fixture
def copy(engine, tenants):
    """Copy from the first tenant and commit, as the screen does: ``copy([second], [MAIL])``."""

    def _copy(targets, kinds):
        with Session(engine, info={"tenant_scope": "*"}) as session:
            mail_template_rules.copy(session, tenants[0].id, [target.id for target in targets], kinds, by=BY)
            session.commit()

    return _copy


@pytest.fixture
def texts(make):
    """The own texts of tenants: ``texts(first, second)`` by tenant ID and kind."""

    def _texts(*of):
        make.session.rollback()
        return mail_template.own_texts(make.session, [tenant.id for tenant in of], [kind.name for kind in EDITABLE])

    return _texts


def versions(make) -> list[tuple]:
    statement = "SELECT tenant_id, kind, number, happening, body FROM mail_template_version ORDER BY id"
    return [tuple(row) for row in make.session.execute(text(statement))]


def test_the_chosen_templates_are_overwritten_in_the_chosen_tenants_alone(make, tenants, save, copy, texts):
    source, first, second, aside = tenants
    save(source, MAIL, OWN)
    save(source, SMS, MailText(None, "こちらのSMS"))
    save(first, MAIL, THEIRS)
    save(aside, MAIL, THEIRS)

    copy([first, second], [MAIL])

    assert texts(*tenants) == {
        (source.id, MAIL.name): OWN,
        (source.id, SMS.name): MailText(None, "こちらのSMS"),
        (first.id, MAIL.name): OWN,
        (second.id, MAIL.name): OWN,
        (aside.id, MAIL.name): THEIRS,
    }
    assert sorted(versions(make)[-2:]) == [
        (first.id, MAIL.name, 2, "copied", OWN.body),
        (second.id, MAIL.name, 1, "copied", OWN.body),
    ]


def test_the_copy_of_a_default_is_the_default(make, tenants, save, copy, texts):
    _, first, _, _ = tenants
    save(first, MAIL, THEIRS)

    copy([first], [MAIL, RESULT])

    assert texts(first) == {}
    assert versions(make) == [
        (first.id, MAIL.name, 1, "saved", THEIRS.body),
        (first.id, MAIL.name, 2, "copied", None),
    ]


def test_a_text_that_is_the_same_already_gets_no_further_version(make, tenants, save, copy):
    source, first, _, _ = tenants
    save(source, MAIL, OWN)
    copy([first], [MAIL])

    copy([first], [MAIL])

    assert len(versions(make)) == 2


def test_every_target_gets_an_audit_row_and_the_source_none(make, tenants, save, copy):
    source, first, second, _ = tenants
    save(source, MAIL, OWN)

    copy([second, first], [MAIL, SMS])

    rows = make.session.execute(
        text("SELECT tenant_id, actor, after FROM audit_entry WHERE action = 'mail_template.copied' ORDER BY id")
    )
    assert [tuple(row) for row in rows] == [
        (each.id, "multi@example.jp", {"kinds": ["password_reset_mail", "password_reset_sms"]})
        for each in (first, second)
    ]


def test_all_twelve_are_copied(make, tenants, save, copy, texts):
    source, first, second, _ = tenants
    for kind in EDITABLE:
        save(source, kind, MailText(None if kind.sms else "件名", f"{kind.name}の本文"))

    copy([first, second], EDITABLE)

    assert len(texts(first)) == 12
    assert list(texts(first).values()) == list(texts(source).values())
    assert len(texts(second)) == 12


def test_when_one_target_fails_none_is_changed(make, tenants, save, copy, texts, monkeypatch):
    source, first, second, _ = tenants
    save(source, MAIL, OWN)
    save(first, MAIL, THEIRS)
    record = audit.record

    def fail_at_the_second(session, action, *rest, tenant_id=None, **more):
        if tenant_id == second.id:
            raise RuntimeError("the second target fails")
        record(session, action, *rest, tenant_id=tenant_id, **more)

    monkeypatch.setattr(audit, "record", fail_at_the_second)
    with pytest.raises(RuntimeError):
        copy([first, second], [MAIL])

    assert texts(first, second) == {(first.id, MAIL.name): THEIRS}
    assert len(versions(make)) == 2
    assert make.session.scalar(text("SELECT count(*) FROM audit_entry WHERE action = 'mail_template.copied'")) == 0


def test_a_tenant_is_not_its_own_target(tenants, copy):
    with pytest.raises(ValueError, match="not copied to itself"):
        copy([tenants[0]], [MAIL])


def test_who_edited_a_target_meanwhile_is_told(tenants, save, copy):
    from models.errors import Conflict

    source, first, _, _ = tenants
    save(source, MAIL, OWN)
    copy([first], [MAIL])

    with pytest.raises(Conflict):
        save(first, MAIL, THEIRS, version=0)
