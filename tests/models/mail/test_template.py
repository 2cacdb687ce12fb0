"""A tenant's own text of a mail (§5.4.3): saving, going back, the versions, and the mails written with it."""

from __future__ import annotations

from threading import Barrier, Thread

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError, ProgrammingError

from models.actor import Actor
from models.errors import Conflict, DomainError
from models.mail import outbox
from models.mail import template as mail_template
from models.mail import template_rules as mail_template_rules
from models.mail.kinds import KINDS, MailText
from models.mail.template import MailTemplateVersion
from tests.models.conftest import NOW

KIND = KINDS["password_reset_mail"]
SMS = KINDS["password_reset_sms"]
OWN = MailText("パスワードのご案内", "{{Name}} 様\n{{Url}}")
OTHER = MailText("別の件名", "別の本文 {{Url}}")
BY = Actor("hanako@example.jp", 7, "192.0.2.1", "request-1")


@pytest.fixture
def tenant(make):
    return make.tenant(name="見本テナント")


@pytest.fixture
def save(in_tenant, tenant):
    """Save a text and commit: ``save(OWN, version=0)``."""

    def _save(new: MailText, *, version: int, kind=KIND, tenant_id: str = tenant.id) -> None:
        with in_tenant(tenant_id) as session:
            mail_template_rules.save(session, tenant_id, kind, new, version=version, by=BY)
            session.commit()

    return _save


@pytest.fixture
def text_of(in_tenant, tenant):
    """A tenant's own text as mails find it, None for the default."""

    def _text_of(kind=KIND, tenant_id: str = tenant.id) -> MailText | None:
        with in_tenant(tenant_id) as session:
            found = mail_template.text_for(session, tenant_id, kind)
        return None if found == kind.default else found

    return _text_of


def versions(make) -> list[tuple]:
    statement = select(
        MailTemplateVersion.number,
        MailTemplateVersion.happening,
        MailTemplateVersion.subject,
        MailTemplateVersion.body,
        MailTemplateVersion.restored_number,
        MailTemplateVersion.actor,
    ).order_by(MailTemplateVersion.id)
    return [tuple(row) for row in make.session.execute(statement)]


def audit_rows(make) -> list[tuple]:
    statement = "SELECT action, tenant_id, subject_id, actor, before, after FROM audit_entry ORDER BY id"
    return [tuple(row) for row in make.session.execute(text(statement)) if row.action.startswith("mail_template")]


def test_a_saved_text_is_the_tenants_own_and_a_version_and_an_audit_row(make, tenant, save, text_of):
    save(OWN, version=0)

    assert text_of() == OWN
    assert versions(make) == [(1, "saved", OWN.subject, OWN.body, None, "hanako@example.jp")]
    assert audit_rows(make) == [
        (
            "mail_template.saved",
            tenant.id,
            "password_reset_mail",
            "hanako@example.jp",
            None,
            {"subject": OWN.subject, "body": OWN.body},
        )
    ]


def test_a_second_saving_is_a_second_version(make, save, text_of):
    save(OWN, version=0)
    save(OTHER, version=1)

    assert text_of() == OTHER
    assert [row[0] for row in versions(make)] == [1, 2]
    assert audit_rows(make)[1][4:] == (
        {"subject": OWN.subject, "body": OWN.body},
        {"subject": OTHER.subject, "body": OTHER.body},
    )


def test_line_ends_and_blanks_around_are_no_change(make, save):
    save(OWN, version=0)

    with pytest.raises(DomainError, match="at least one"):
        save(MailText(f"  {OWN.subject} ", f"\r\n{OWN.body}\n\n".replace("\n", "\r\n")), version=1)

    assert len(versions(make)) == 1


def test_the_default_unchanged_cannot_be_saved(save):
    with pytest.raises(DomainError, match="at least one"):
        save(KIND.default, version=0)


def test_a_text_typed_back_to_the_default_is_the_default(make, save, text_of):
    save(OWN, version=0)
    save(KIND.default, version=1)

    assert text_of() is None
    assert make.session.scalar(text("SELECT count(*) FROM mail_template")) == 0
    assert versions(make)[1] == (2, "saved", None, None, None, "hanako@example.jp")


@pytest.mark.parametrize(
    ("kind", "new", "field"),
    [
        (KIND, MailText("", "本文"), "subject"),
        (KIND, MailText("件名", ""), "body"),
        (KIND, MailText("件名", " \n "), "body"),
        (KIND, MailText("件" * 256, "本文"), "subject"),
        (KIND, MailText("件名", "本" * 10_001), "body"),
        (KIND, MailText("{{Nmae}}", "本文"), "subject"),
        (KIND, MailText("件名", "{{Name}"), "body"),
        (KIND, MailText("件名\r\nBcc: x@example.com", "本文"), "subject"),
        (KIND, MailText("件\x07名", "本文"), "subject"),
        (KIND, MailText(None, "本文"), None),
        (SMS, MailText("件名", "本文"), None),
        (SMS, MailText(None, "{{Name}}"), "body"),
    ],
)
def test_what_cannot_be_sent_is_not_saved(make, save, kind, new, field):
    with pytest.raises(DomainError) as refused:
        save(new, version=0, kind=kind)

    assert refused.value.field == field
    assert versions(make) == []


@pytest.mark.parametrize(
    ("kind", "new"),
    [
        (KIND, MailText("件" * 255, "本" * 10_000)),
        (KIND, MailText("😀" * 255, "😀" * 10_000)),
        (KIND, MailText("<script>", "<script>alert(1)</script> }} {")),
        (SMS, MailText(None, "{{Url}}")),
    ],
)
def test_what_can_be_sent_is_saved_as_it_was_typed(save, text_of, kind, new):
    save(new, version=0, kind=kind)

    assert text_of(kind) == new


def test_the_second_of_two_people_is_told(make, save, text_of):
    save(OWN, version=0)

    with pytest.raises(Conflict):
        save(OTHER, version=0)

    assert text_of() == OWN
    assert len(versions(make)) == 1


def test_a_number_is_not_used_again_after_going_back_to_the_default(in_tenant, tenant, save):
    save(OWN, version=0)
    with in_tenant(tenant.id) as session:
        mail_template_rules.reset(session, tenant.id, KIND, version=1, by=BY)
        session.commit()
    save(OTHER, version=2)

    with pytest.raises(Conflict):
        save(OWN, version=1)


def test_of_two_people_at_the_same_moment_one_is_told(make, in_tenant, tenant, text_of):
    barrier, told = Barrier(2), []

    def save_one(new: MailText) -> None:
        with in_tenant(tenant.id) as session:
            session.execute(text("SELECT 1"))
            barrier.wait(timeout=10)
            try:
                mail_template_rules.save(session, tenant.id, KIND, new, version=0, by=BY)
                session.commit()
            except Conflict:
                told.append(new)

    threads = [Thread(target=save_one, args=(new,)) for new in (OWN, OTHER)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)

    assert len(told) == 1
    assert text_of() == (OTHER if told == [OWN] else OWN)
    assert len(versions(make)) == 1


def test_going_back_to_the_default_keeps_the_versions(make, in_tenant, tenant, save, text_of):
    save(OWN, version=0)

    with in_tenant(tenant.id) as session:
        mail_template_rules.reset(session, tenant.id, KIND, version=1, by=BY)
        session.commit()

    assert text_of() is None
    assert versions(make) == [
        (1, "saved", OWN.subject, OWN.body, None, "hanako@example.jp"),
        (2, "reset", None, None, None, "hanako@example.jp"),
    ]
    assert audit_rows(make)[1][0] == "mail_template.reset"
    assert audit_rows(make)[1][4:] == ({"subject": OWN.subject, "body": OWN.body}, None)


@pytest.mark.parametrize(("version", "told"), [(0, DomainError), (1, Conflict), (-1, Conflict)])
def test_a_default_does_not_go_back(in_tenant, tenant, version, told):
    with in_tenant(tenant.id) as session, pytest.raises(told):
        mail_template_rules.reset(session, tenant.id, KIND, version=version, by=BY)


def old_version(session, number: int) -> MailTemplateVersion:
    return session.scalars(select(MailTemplateVersion).where(MailTemplateVersion.number == number)).one()


def test_an_older_version_is_brought_back_as_a_new_one(make, in_tenant, tenant, save, text_of):
    save(OWN, version=0)
    save(OTHER, version=1)

    with in_tenant(tenant.id) as session:
        mail_template_rules.restore(session, KIND, old_version(session, 1), version=2, by=BY)
        session.commit()

    assert text_of() == OWN
    assert versions(make)[2] == (3, "restored", OWN.subject, OWN.body, 1, "hanako@example.jp")
    assert audit_rows(make)[2][0] == "mail_template.restored"


def test_bringing_back_a_default_is_going_back_to_it(in_tenant, tenant, save, text_of):
    save(OWN, version=0)
    save(KIND.default, version=1)
    save(OTHER, version=2)

    with in_tenant(tenant.id) as session:
        mail_template_rules.restore(session, KIND, old_version(session, 2), version=3, by=BY)
        session.commit()

    assert text_of() is None


def test_the_version_in_force_is_not_brought_back(in_tenant, tenant, save):
    save(OWN, version=0)

    with in_tenant(tenant.id) as session, pytest.raises(DomainError, match="already"):
        mail_template_rules.restore(session, KIND, old_version(session, 1), version=1, by=BY)


def test_bringing_back_tells_of_a_change_meanwhile(in_tenant, tenant, save):
    save(OWN, version=0)
    save(OTHER, version=1)

    with in_tenant(tenant.id) as session, pytest.raises(Conflict):
        mail_template_rules.restore(session, KIND, old_version(session, 1), version=1, by=BY)


def test_a_version_with_a_placeholder_that_is_gone_is_not_brought_back(in_tenant, tenant):
    with in_tenant(tenant.id) as session:
        old = MailTemplateVersion(
            kind=KIND.name, number=1, happening="saved", subject="件名", body="{{Gone}}", actor=BY.name
        )
        session.add(old)
        session.flush()
        with pytest.raises(DomainError, match="cannot be used"):
            mail_template_rules.restore(session, KIND, old, version=1, by=BY)


@pytest.fixture
def written(make):
    """What is in the outbox: subject and body of each mail."""
    return lambda: [tuple(row) for row in make.session.execute(text("SELECT subject, body FROM mail_message"))]


def write(session, tenant_id: str | None, kind: str = "password_reset_mail", **values: str) -> None:
    values = {"Name": "青空 花子", "Url": "https://portal.example.jp/x", "TenantName": "見本テナント"} | values
    outbox.write(session, kind, "hanako@example.com", values, now=NOW, tenant_id=tenant_id)
    session.commit()


def test_a_mail_of_a_tenant_is_in_the_tenants_own_text(in_tenant, tenant, save, written):
    save(OWN, version=0)

    with in_tenant(tenant.id) as session:
        write(session, tenant.id)

    assert written() == [("パスワードのご案内", "青空 花子 様\nhttps://portal.example.jp/x")]


def test_a_mail_of_a_tenant_without_its_own_text_is_in_the_default(in_tenant, tenant, written):
    with in_tenant(tenant.id) as session:
        write(session, tenant.id)

    ((subject, body),) = written()
    assert subject == KIND.default.subject
    assert "青空 花子" in body


def test_a_mail_of_another_tenant_is_not_in_this_ones_text(make, in_tenant, save, written):
    save(OWN, version=0)
    other = make.tenant()

    with in_tenant(other.id) as session:
        write(session, other.id)

    assert written()[0][0] == KIND.default.subject


def test_a_mail_written_across_tenants_is_in_its_tenants_own_text(make, tenant, save, written):
    save(OWN, version=0)

    write(make.session, tenant.id)

    assert written()[0][0] == "パスワードのご案内"


def test_a_value_with_braces_stands_in_a_tenants_text_as_it_is(in_tenant, tenant, save, written):
    save(OWN, version=0)

    with in_tenant(tenant.id) as session:
        write(session, tenant.id, Name="{{Url}} <b>😀")

    assert written()[0][1] == "{{Url}} <b>😀 様\nhttps://portal.example.jp/x"


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO mail_template (tenant_id, kind, subject, body, version) VALUES ({own}, 'x', 'y', 1)",
        "INSERT INTO mail_template_version (tenant_id, kind, body, number, happening, actor) VALUES ({own}, 'x', 1, 'saved', 'y')",
    ],
)
def test_the_database_takes_no_second_text_and_no_number_twice(in_tenant, tenant, save, statement):
    save(OWN, version=0)

    with in_tenant(tenant.id) as session, pytest.raises(IntegrityError):
        session.execute(text(statement.format(own=f"'{tenant.id}', 'password_reset_mail'")))


@pytest.mark.parametrize(
    "statement", ["UPDATE mail_template_version SET body = 'x'", "DELETE FROM mail_template_version"]
)
def test_a_version_is_never_changed(in_tenant, tenant, save, statement):
    save(OWN, version=0)

    with in_tenant(tenant.id) as session, pytest.raises(ProgrammingError, match="permission denied"):
        session.execute(text(statement))


def test_another_tenant_sees_neither_the_text_nor_its_versions(make, in_tenant, tenant, save, text_of):
    save(OWN, version=0)
    other = make.tenant()

    with in_tenant(other.id) as session:
        assert mail_template.text_for(session, tenant.id, KIND) == KIND.default
        assert mail_template.newest_numbers(session, [tenant.id, other.id]) == {}
        assert session.scalars(select(MailTemplateVersion)).all() == []


def test_another_tenants_template_cannot_be_written(make, in_tenant, tenant, save):
    other = make.tenant()

    with in_tenant(other.id) as session, pytest.raises(ProgrammingError, match="row-level security"):
        mail_template_rules.save(session, tenant.id, KIND, OWN, version=0, by=BY)
