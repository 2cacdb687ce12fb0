"""追加項目: a tenant's extra questions, kept by NEC staff."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from models.actor import SYSTEM
from models.applications import extra_question, extra_question_rules
from models.applications.extra_question import ApplicationField
from models.audit import AuditEntry
from models.errors import Conflict, DomainError

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
TEXT = {"title": "従業員数", "required": True, "kind": "text", "choices": []}
CHOICE = {"title": "ご希望の連絡方法", "required": False, "kind": "choice", "choices": ["電話", "メール"]}


@pytest.fixture
def session(ours, in_tenant):
    with in_tenant(ours.tenant_id) as session:
        yield session


def add(session, **values):
    field = extra_question_rules.create(session, TEXT | values, by=SYSTEM)
    session.commit()
    return field


def order(session) -> list[tuple[str, int]]:
    session.commit()
    return [(field.title, field.position) for field in extra_question.in_use(session)]


def actions(make) -> list[str]:
    return list(make.session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)))


def test_fields_are_asked_in_the_order_in_which_they_were_added(session):
    for title in ("一", "二", "三"):
        add(session, title=title)

    assert order(session) == [("一", 1), ("二", 2), ("三", 3)]


@pytest.mark.parametrize(
    ("title", "steps", "after"),
    [("二", -1, "二一三"), ("二", 1, "一三二"), ("一", -1, "一二三"), ("三", 1, "一二三")],
)
def test_a_field_moves_up_and_down_and_stays_at_the_ends(session, title, steps, after):
    fields = {each: add(session, title=each) for each in "一二三"}

    extra_question_rules.move(session, fields[title], steps=steps, by=SYSTEM)

    assert "".join(name for name, _ in order(session)) == after


def test_a_retired_field_is_kept_at_the_end_and_not_asked(session):
    fields = [add(session, title=title) for title in "一二三"]

    extra_question_rules.retire(session, fields[0], now=NOW, by=SYSTEM)

    assert order(session) == [("二", 1), ("三", 2)]
    assert [field.title for field in extra_question.every(session)] == ["二", "三", "一"]


def test_a_field_brought_back_is_the_last_one_asked(session, make):
    fields = [add(session, title=title) for title in "一二"]
    extra_question_rules.retire(session, fields[0], now=NOW, by=SYSTEM)
    session.commit()

    extra_question_rules.restore(session, fields[0], by=SYSTEM)

    assert order(session) == [("二", 1), ("一", 2)]
    assert actions(make)[-2:] == ["application_field.retired", "application_field.brought_back"]


def test_doing_it_twice_is_refused(session, make):
    field = add(session)
    extra_question_rules.retire(session, field, now=NOW, by=SYSTEM)
    session.commit()
    with pytest.raises(DomainError, match="already been retired"):
        extra_question_rules.retire(session, field, now=NOW, by=SYSTEM)
    extra_question_rules.restore(session, field, by=SYSTEM)
    session.commit()
    with pytest.raises(DomainError, match="already asked"):
        extra_question_rules.restore(session, field, by=SYSTEM)

    assert actions(make) == [
        "application_field.added",
        "application_field.retired",
        "application_field.brought_back",
    ]


def test_a_title_is_used_once_among_the_fields_in_use(session):
    field = add(session)
    with pytest.raises(DomainError, match="already used"):
        add(session)
    extra_question_rules.retire(session, field, now=NOW, by=SYSTEM)
    session.commit()
    add(session)

    with pytest.raises(DomainError, match="already used"):
        extra_question_rules.restore(session, field, by=SYSTEM)


def test_the_database_holds_titles_apart_too(session):
    add(session)
    session.add(ApplicationField(**TEXT, position=2))

    with pytest.raises(IntegrityError) as caught:
        session.flush()

    assert caught.value.orig.diag.constraint_name in extra_question_rules.UNIQUE_ERRORS


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ([], extra_question_rules.NO_CHOICES),
        ([str(number) for number in range(51)], extra_question_rules.TOO_MANY_CHOICES),
        (["あ" * 101], extra_question_rules.TOO_LONG_A_CHOICE),
        (["電話", "電話"], extra_question_rules.SAME_CHOICE_TWICE),
    ],
    ids=["none", "51", "101 characters", "twice"],
)
def test_options_that_cannot_be_are_refused(session, choices, message):
    with pytest.raises(DomainError) as refused:
        add(session, **CHOICE | {"choices": choices})

    assert (refused.value.message, refused.value.field) == (message, "choices")


def test_options_at_their_limits_are_taken(session):
    field = add(session, **CHOICE | {"choices": [str(number) for number in range(49)] + ["あ" * 100]})

    assert len(field.choices) == 50


def test_a_text_field_keeps_no_options(session):
    assert add(session, choices=["電話"]).choices == []


def test_a_form_has_at_most_30_fields(session):
    for number in range(30):
        add(session, title=f"項目{number}")

    with pytest.raises(DomainError, match="30 items"):
        add(session, title="もう一つ")


def test_a_change_is_told_to_the_audit_log(session, make):
    field = add(session, **CHOICE)

    extra_question_rules.change(session, field, CHOICE | {"choices": ["電話", "訪問"]}, version=1, by=SYSTEM)
    session.commit()

    entry = make.session.scalars(select(AuditEntry).where(AuditEntry.action == "application_field.changed")).one()
    assert (entry.before, entry.after) == ({"choices": ["電話", "メール"]}, {"choices": ["電話", "訪問"]})
    assert field.version == 2


def test_the_second_of_two_people_is_refused(session):
    field = add(session)
    extra_question_rules.change(session, field, TEXT | {"title": "一人目"}, version=1, by=SYSTEM)
    session.commit()

    with pytest.raises(Conflict):
        extra_question_rules.change(session, field, TEXT | {"title": "二人目"}, version=1, by=SYSTEM)


def test_a_change_that_changes_nothing_is_refused(session):
    field = add(session)

    with pytest.raises(DomainError, match="at least one"):
        extra_question_rules.change(session, field, TEXT, version=1, by=SYSTEM)


def test_fields_are_ones_own_tenants(session, theirs, in_tenant):
    add(session)

    with in_tenant(theirs.tenant_id) as other:
        assert list(extra_question.every(other)) == []
        extra_question_rules.create(other, TEXT, by=SYSTEM)
