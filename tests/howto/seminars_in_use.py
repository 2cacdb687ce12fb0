"""The screen of docs/howto/add-a-screen.md in use, as tests/howto/test_add_a_screen.py runs it in a copy of the project.

Pages are walked as a browser without JavaScript does.
"""

from __future__ import annotations

import csv
import io
import re
from datetime import date

import pytest
from sqlalchemy import text

from tests.support.pages import Page, answered

SPRING = {"title": "春のセミナー", "held_on": "2099-04-01", "audience": "customers", "description": "二行の\n説明"}


def page(client, url: str) -> Page:
    answer = client.get(url)
    assert answer.status_code == 200, url
    return Page(answer.text)


def send(client, form, url: str, changes=None) -> Page:
    """Send a form, answer its question with OK, and return the page that follows."""
    asked = Page(client.post(form.action or url, data=form.sent(changes or {})).text)
    (question,) = (each for each in asked.forms if "data-question-answered" in each.element.attributes)
    return Page(client.post(form.action or url, data=question.sent(), follow_redirects=True).text)


def create(client, **values) -> Page:
    return send(client, page(client, "/seminars/add").main_form, "/seminars/add", SPRING | values)


@pytest.fixture
def row(operator) -> str:
    """The URL of a seminar that was created on the screen."""
    assert "セミナーを作成しました。" in create(operator).main.text
    (url,) = {found[0] for link in page(operator, "/seminars/").links if (found := re.match(r"/seminars/\d+", link))}
    return url


def key_of(row: str) -> str:
    return row.rpartition("/")[2]


def test_the_menu_leads_to_the_list(operator):
    assert "/seminars/" in page(operator, "/").links


def test_the_list_says_what_to_do_while_it_is_empty(operator):
    shown = page(operator, "/seminars/")

    assert "セミナーはまだ登録されていません。" in shown.main.text
    assert "/seminars/add" in shown.links


def test_a_seminar_is_created_and_shown(operator, row):
    shown = page(operator, row).main.text

    assert "春のセミナー" in shown
    assert "2099-04-01" in shown
    assert "顧客のみ" in shown
    assert "二行の 説明" in shown


def test_errors_are_told_beside_their_fields_and_nothing_is_lost(operator):
    form = page(operator, "/seminars/add").main_form
    answer = operator.post("/seminars/add", data=form.sent(SPRING | {"title": "あ" * 81, "audience": ""}))
    shown = Page(answer.text)

    assert answer.status_code == 422
    assert shown.error_of("title") == "80文字以下で入力してください。"
    assert shown.error_of("audience") == "必須項目です。入力してください。"
    assert shown.main_form.sent()["description"] == "二行の\n説明"


def test_the_list_is_narrowed_sorted_and_counted(operator, make):
    for number in range(1, 28):
        called_off = number > 25
        make.seminar(
            tenant=operator.tenant,
            title=f"研修{number:02}",
            held_on=date(2099, 11, 1),
            called_off=called_off,
            audience="everybody",
        )
    create(operator)

    assert len(page(operator, "/seminars/").rows) == 25
    assert len(page(operator, "/seminars/?page=2").rows) == 3
    assert page(operator, "/seminars/?sort=title&direction=desc").column("タイトル")[0] == "研修27"
    for condition in ("title=春", "held_on_to=2099-04-01", "audience=customers"):
        assert page(operator, f"/seminars/?{condition}").column("タイトル") == ["春のセミナー"], condition
    assert page(operator, "/seminars/?called_off=y&sort=title").column("タイトル") == ["研修26", "研修27"]


def test_the_file_has_the_rows_of_the_list(operator, row):
    create(operator, title="=秋のセミナー", held_on="2099-10-01")

    answer = operator.get("/seminars/?csv=1&title=春")
    lines = list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    everything = operator.get("/seminars/?csv=1")

    assert answer.mimetype == "text/csv"
    assert lines == [
        ["タイトル", "開催日", "対象", "中止"],
        ["春のセミナー", "2099-04-01", "顧客のみ", "いいえ"],
    ]
    assert "'=秋のセミナー" in everything.text


def test_a_change_is_saved_and_stands_in_the_change_history(operator, row):
    changed = {"title": "初夏のセミナー", "held_on": "2099-05-01", "audience": "everybody", "called_off": "y"}
    shown = send(operator, page(operator, f"{row}/edit").main_form, f"{row}/edit", changed)

    assert "セミナーを変更しました。" in shown.main.text
    history = [(each["項目"], each["変更前"], each["変更後"]) for each in shown.rows if "変更前" in each]
    assert set(history[:4]) == {
        ("タイトル", "春のセミナー", "初夏のセミナー"),
        ("開催日", "2099-04-01", "2099-05-01"),
        ("対象", "顧客のみ", "どなたでも"),
        ("中止", "いいえ", "はい"),
    }


def test_every_change_is_in_the_audit_log(operator, make, row):
    send(operator, page(operator, f"{row}/edit").main_form, f"{row}/edit", {"called_off": "y"})
    send(operator, page(operator, row).form_to(f"{row}/delete"), row)

    entries = make.session.execute(
        text("SELECT action, actor, tenant_id, subject_id FROM audit_entry WHERE subject_type = 'Seminar' ORDER BY id")
    ).all()
    who = (operator.user.email, operator.tenant.id, key_of(row))
    assert [tuple(each) for each in entries] == [
        ("seminar.created", *who),
        ("seminar.changed", *who),
        ("seminar.deleted", *who),
    ]


def test_an_empty_description_is_no_change(operator, make):
    seminar = make.seminar(tenant=operator.tenant, description=None)
    url = f"/seminars/{seminar.id}/edit"

    answer = operator.post(url, data=answered(page(operator, url).main_form.sent()))

    assert answer.status_code == 422
    assert "1つ以上の項目を変更してください。" in Page(answer.text).main.text


def test_the_second_of_two_is_shown_what_the_first_changed_and_nothing_else(operator, row):
    form = page(operator, f"{row}/edit").main_form
    first = operator.post(f"{row}/edit", data=answered(form.sent(audience="everybody")))
    second = operator.post(f"{row}/edit", data=answered(form.sent(title="夏のセミナー")))

    assert (first.status_code, second.status_code) == (302, 409)
    assert Page(second.text).differences == [("対象", "どなたでも", "顧客のみ")]


def test_a_title_that_somebody_else_was_first_with_is_told_beside_it(operator, row):
    form = page(operator, "/seminars/add").main_form

    answer = operator.post("/seminars/add", data=answered(form.sent(SPRING)))

    assert answer.status_code == 422
    assert Page(answer.text).error_of("title") == "同じ日に同じタイトルのセミナーがあります。"


def test_deleting_that_is_refused_is_a_button_that_says_why(operator, row):
    shown = page(operator, row)

    (button,) = shown.root.all("button", aria_disabled="true")
    assert (
        shown.root.one(id=button.attributes["aria-describedby"]).text
        == "開催予定のセミナーです。先に中止してください。"
    )


def test_a_seminar_that_was_called_off_is_deleted_after_the_question(operator, row):
    called_off = send(operator, page(operator, row).form_to(f"{row}/call-off"), row)
    shown = send(operator, page(operator, row).form_to(f"{row}/delete"), row)

    assert "セミナーを中止しました。" in called_off.main.text
    assert "セミナーを削除しました。" in shown.main.text
    assert operator.get(row).status_code == 404


def test_many_are_called_off_after_the_question_those_that_are_already_aside(operator, make, row):
    aside = make.seminar(tenant=operator.tenant, called_off=True)
    (form,) = [each for each in page(operator, "/seminars/").forms if "rowid" in each.names]
    (button,) = (each for each in form.element.all("button") if each.attributes.get("formaction"))
    sent = form.sent(rowid=[key_of(row), str(aside.id)])
    sent.add(button.attributes["name"], button.attributes["value"])

    asked = Page(operator.post("/seminars/call-off", data=sent).text)
    (question,) = (each for each in asked.forms if "data-question-answered" in each.element.attributes)
    shown = Page(operator.post("/seminars/call-off", data=question.sent(), follow_redirects=True).text)

    assert button.attributes["formaction"] == "/seminars/call-off"
    assert "「選択した行」を中止します。よろしいでしょうか。" in asked.main.text
    assert "セミナーを中止しました。" in shown.main.text
    assert shown.column("中止") == ["はい", "はい"]


def test_a_viewer_looks_and_is_offered_nothing_else(operator, make, signed_in, row):
    viewer = signed_in(make.member(operator.tenant, "Partner Viewer"), operator.tenant)

    for url in ("/seminars/", row):
        shown = page(viewer, url)
        assert not [form for form in shown.forms if form.action.startswith("/seminars")]
        assert not {"/seminars/add", f"{row}/edit"} & set(shown.links)
    assert viewer.post("/seminars/add", data=SPRING).status_code == 403


def test_a_seminar_of_another_tenant_is_not_found(make, signed_in, row):
    other = make.tenant()
    client = signed_in(make.member(other, "Partner Operator"), other)

    assert client.get(row).status_code == 404
    assert "春のセミナー" not in client.get("/seminars/").text


def test_the_migration_matches_the_model_and_goes_down_and_up(app):
    runner = app.test_cli_runner()
    for command in ("check", "downgrade", "upgrade"):
        told = runner.invoke(args=["db", command])
        assert told.exit_code == 0, f"{told.output}{told.exception!r}"
