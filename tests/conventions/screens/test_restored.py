"""A form that is sent after the session has ended comes back after signing in, on every screen."""

from __future__ import annotations

import pytest

from tests.conventions.screens.cases import has_no_text, screens
from tests.support.pages import Page
from tests.support.restoring import restored_page, send_too_late
from views.form_draft import is_secret

NOTICE = "入力内容を復元しました。まだ保存されていません。"


def typed(case, sent) -> dict[str, list[str]]:
    return {name: sent.getlist(name) for name in case.fields() if any(sent.getlist(name)) and not is_secret(name)}


@pytest.fixture
def sign_in(case):
    return lambda: case.signed_in(case.user, case.tenant)


@screens("add")
def test_a_new_row_sent_too_late_is_typed_again_and_saved_with_the_next_sending(case, sign_in):
    sent = case.add_page().main_form.sent(case.new_values())
    rows, audited = case.count(), case.audited()

    late = send_too_late(case.client, case.url("add"), sent)
    client = sign_in()
    page = restored_page(client, late)

    assert NOTICE in page.main.text
    assert typed(case, page.main_form.sent()) == typed(case, sent)
    assert (case.count(), case.audited()) == (rows, audited)
    assert client.post(case.url("add"), data=case.answered(page.main_form)).status_code == 302
    assert case.count() == rows + 1


@screens("edit", unless=has_no_text)
def test_a_change_sent_too_late_is_typed_again_with_the_version_it_was_made_of(case, sign_in):
    row = case.row()
    form = case.form(row)
    name = next(name for name in form.visible_names if form.sent()[name])
    sent = form.sent({name: "別の名前"})
    before = case.stored(row)

    late = send_too_late(case.client, case.url("edit", row), sent)
    client = sign_in()
    page = restored_page(client, late)

    again = page.main_form.sent()
    assert NOTICE in page.main.text
    assert case.stored(row) == before
    assert typed(case, again) == typed(case, sent)
    assert again["version"] == sent["version"]
    assert client.post(case.url("edit", row), data=case.answered(page.main_form)).status_code == 302
    assert case.stored(row)[name] == "別の名前"


@screens("delete")
def test_what_is_no_form_is_not_kept(case):
    answer = send_too_late(case.client, case.url("delete", case.row()), case.add_page().main_form.sent())

    assert "draft=" not in answer.location
    assert Page(case.client.get(answer.location).text).root.all("form", action="/login/") == []
