"""What is done with many rows at once, on a screen made up for it: no screen of the portal need have such a thing."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select

from models import clock
from models.applications import extra_question_rules
from models.db import db
from models.errors import N_
from tests.conventions.screens.cases import Case
from tests.support.pages import Page
from views.applications.extra_questions import ApplicationFieldView
from views.base import actor
from views.screen.actions import action
from views.screen.screen import Screen


@pytest.fixture
def made_up(service_env, monkeypatch):
    """An app with one more screen, whose rows can be retired several at a time."""
    from app import create_app

    class ManyFieldsView(ApplicationFieldView):
        route_base = "/many-fields"
        tables = Screen.tables

        @action(
            N_("Retire"),
            question=N_("%(name)s will be removed from the form. Existing answers are kept. Are you sure?"),
            done=N_("The item has been retired."),
            when=lambda question: question.retired_at is None,
            multiple=True,
        )
        def retire(self, question):
            extra_question_rules.retire(db.session(), question, now=clock.utc_now(), by=actor())

        def refusal(self, method, row):
            """Keep what is called so."""
            return extra_question_rules.TAKEN_TITLE if row is not None and row.title == "残す項目" else None

    for name, value in service_env.items():
        monkeypatch.setenv(name, value)
    flask: Flask = create_app({"TESTING": True, "WTF_CSRF_ENABLED": False, "PROPAGATE_EXCEPTIONS": False})
    with flask.app_context():
        flask.extensions["appbuilder"].add_view_no_menu(ManyFieldsView)
    yield flask
    with flask.app_context():
        db.engine.dispose()


@pytest.fixture
def case(app, made_up, make):
    def signed_in(user, tenant):
        client = made_up.test_client()
        with client.session_transaction() as session:
            session["_user_id"] = make.session_token(user, tenant)
            session["_fresh"] = True
            session["_id"] = None
            session["tenant_id"] = tenant.id
        return client

    return Case(made_up, make, signed_in, "ManyFieldsView")


def retired(case) -> set[str]:
    case.make.session.expire_all()
    return set(case.make.session.scalars(select(case.model.title).where(case.model.retired_at.is_not(None))))


def send(case, *keys, **more):
    return case.client.post(f"{case.root}/retire", data={"rowid": [str(key) for key in keys]} | more)


def test_rows_that_are_ticked_are_changed_together(case):
    first, second, third = (case.row(title=title) for title in "一二三")
    page = case.page("list")
    form = next(each for each in page.forms if each.element.attributes.get("id") == "many")
    button = form.element.one("button")
    assert {"csrf_token", "form_key", "made_in", "rowid"} <= form.names
    assert button.attributes["formaction"] == f"{case.root}/retire"

    sent = form.sent(rowid=[first.id, third.id], question=button.attributes["value"])
    asked = case.client.post(f"{case.root}/retire", data=sent)
    question = Page(asked.text)
    assert (asked.status_code, retired(case)) == (200, set())
    assert button.attributes["value"] in question.main.text

    (answer_form,) = (each for each in question.forms if "data-question-answered" in each.element.attributes)
    answer = case.client.post(f"{case.root}/retire", data=answer_form.sent())
    assert answer.status_code == 302
    assert retired(case) == {"一", "三"}
    assert second.title not in retired(case)


@pytest.mark.parametrize(
    ("keys", "status"),
    [
        ([], 400),
        (["theirs"], 404),
        (["ours", "theirs"], 404),
        (["ours", "99999999"], 404),
        (["ours", "nonsense"], 404),
        (["ours", "-1"], 404),
        (["ours", "9" * 30], 404),
        (["ours", "１"], 404),
        ([str(number) for number in range(1, 1002)], 400),
    ],
    ids=["none", "theirs", "with theirs", "nobody", "nonsense", "negative", "huge", "full width", "too many"],
)
def test_nothing_is_done_when_one_of_the_rows_is_not_there_to_be_changed(case, keys, status):
    known = {
        "ours": case.row(title="私").id,
        "theirs": case.theirs().id,
    }

    answer = send(case, *(known.get(key, key) for key in keys))

    assert answer.status_code == status
    assert retired(case) == set()


def test_rows_for_which_there_is_nothing_to_do_are_left_alone(case):
    ours, before = case.row(title="私"), case.row(title="前から", retired_at="2026-11-01T00:00:00Z")
    noted = case.audited()

    answer = send(case, ours.id, before.id)

    assert answer.status_code == 302
    assert "項目の使用を終了しました。" in case.client.get(answer.location).text
    assert retired(case) == {"私", "前から"}
    assert case.audited() == noted + 1


def test_when_there_is_nothing_to_do_for_any_of_the_rows_it_is_said(case):
    before = case.row(title="前から", retired_at="2026-11-01T00:00:00Z")
    noted = case.audited()

    answer = send(case, before.id)

    assert answer.status_code == 302
    assert "選択した行には実行できません。" in case.client.get(answer.location).text
    assert case.audited() == noted


def test_what_one_of_the_rows_refuses_is_told_and_nothing_is_done(case):
    rows = [case.row(title=title) for title in ("一", "残す項目")]

    answer = send(case, *(row.id for row in rows))

    assert answer.status_code == 302
    assert "この項目名は既に使用されています。" in case.client.get(answer.location).text
    assert retired(case) == set()


def test_what_is_done_with_many_rows_has_a_question():
    with pytest.raises(TypeError, match="retire: what is done with many rows at once needs a question"):

        @action(N_("Retire"), multiple=True)
        def retire(_screen, _question):
            """Not reached."""


def test_who_may_not_do_it_is_refused(case):
    row = case.row()
    viewer = case.signed_in(case.make.member(case.tenant, "Partner Viewer"), case.tenant)

    answer = viewer.post(f"{case.root}/retire", data={"rowid": [str(row.id)]})

    assert answer.status_code == 403
    assert retired(case) == set()
