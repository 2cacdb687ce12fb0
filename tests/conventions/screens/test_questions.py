"""The question before something is done, as whoever has no JavaScript gets it: a page of its own."""

from __future__ import annotations

from collections.abc import Iterator

from tests.conventions.screens.cases import OTHER_ROWS, has_no_text, screens
from tests.support.pages import Form, Page

OK = "OK"


def question_of(answer) -> Page:
    assert answer.status_code == 200
    page = Page(answer.text)
    assert [button.text for button in page.main.all("button")][:1] == [OK], "This is no question."
    return page


def answer_form(page: Page):
    """The form of a question's page."""
    (form,) = (each for each in page.forms if "data-question-answered" in each.element.attributes)
    return form


def typed(case, sent) -> dict[str, list[str]]:
    return {name: sent.getlist(name) for name in case.fields() if any(sent.getlist(name))}


@screens("add")
def test_before_creating_a_question_is_asked_and_ok_creates(case):
    form = case.add_page().main_form
    sent = form.sent(case.new_values())
    rows, audited = case.count(), case.audited()

    page = question_of(case.post("add", sent))
    assert sent["question"] in page.main.text
    assert (case.count(), case.audited()) == (rows, audited)

    assert typed(case, answer_form(page).sent()) == typed(case, sent)
    answer = case.post("add", answer_form(page).sent())
    assert answer.status_code == 302
    assert case.count() == rows + 1


@screens("add")
def test_cancelling_the_question_leads_back_to_the_form_as_it_was_typed(case):
    sent = case.add_page().main_form.sent(case.new_values())
    page = question_of(case.post("add", sent))
    audited = case.audited()

    answer = case.post("add", answer_form(page).sent(back_to_form="1"))

    assert answer.status_code == 200
    again = Page(answer.text).main_form
    assert typed(case, again.sent()) == typed(case, sent)
    assert "ask" in again.names
    assert case.audited() == audited


@screens("edit", unless=has_no_text)
def test_before_a_change_a_question_is_asked_and_ok_changes(case):
    row = case.row()
    form = case.form(row)
    name = next(name for name in form.visible_names if form.sent()[name])
    sent = form.sent({name: "別の名前"})
    before, audited = case.stored(row), case.audited()

    page = question_of(case.post("edit", sent, row))
    back = Page(case.post("edit", answer_form(page).sent(back_to_form="1"), row).text).main_form
    assert (case.stored(row), case.audited()) == (before, audited)
    assert typed(case, back.sent()) == typed(case, sent)
    assert back.sent()["version"] == form.sent()["version"]

    answer = case.post("edit", answer_form(page).sent(), row)
    assert answer.status_code == 302
    assert case.stored(row)[name] == "別の名前"


@screens("add")
def test_faults_are_told_before_a_question_is_asked(case):
    sent = case.add_page().main_form.sent(dict.fromkeys(case.new_values()))

    answer = case.post("add", sent)

    assert answer.status_code == 422
    assert Page(answer.text).root.classed("invalid-feedback")


def asking_forms(case, row) -> dict[str, Form]:
    """What can be sent about a row and asks first, by the method it leads to."""
    names = {route.name for route in case.routes(of_a_row=True) if route.verb == "POST"} - {"edit"}
    urls = {case.url(name, row): name for name in names}
    return {
        urls[form.action]: form
        for page in pages_with_buttons(case, row)
        for form in page.sendings
        if "ask" in form.names and form.action in urls
    }


def pages_with_buttons(case, row) -> Iterator[Page]:
    """The pages that have the buttons of a row."""
    if "list" in case.screen.include_route_methods:
        yield case.page("list")
        if case.screen.trash:
            yield case.page("list", status="deleted")
    if "show" in case.screen.include_route_methods and not is_deleted(case, row):
        yield case.page("show", row)


def is_deleted(case, row) -> bool:
    return bool(case.screen.trash) and getattr(row, case.screen.trash) is not None


def has_more_than_forms(screen) -> bool:
    declared = {each.name for each in screen.actions_of_rows if each.question is not None}
    return bool(declared | ({"delete", "restore"} & screen.include_route_methods))


@screens(unless=lambda screen: not has_more_than_forms(screen))
def test_before_each_deed_with_a_row_a_question_is_asked_and_ok_does_it(case):
    trashed = {case.screen.trash: "2026-11-01T00:00:00Z"} if case.screen.trash else {}
    wanted = {each.name for each in case.screen.actions_of_rows if each.question is not None and each.single}
    wanted |= {"delete"} & case.screen.include_route_methods
    wanted |= {"restore"} & case.screen.include_route_methods if case.screen.trash else set()
    done = set()
    for values in ({}, OTHER_ROWS.get(case.name, {}), trashed):
        for name in sorted(wanted - done):
            row = case.row(**values)
            form = asking_forms(case, row).get(name)
            if form is None:
                continue
            audited = case.audited()

            page = question_of(case.client.post(form.action, data=form.sent()))
            assert " ".join(form.sent()["question"].split()) in page.main.text
            assert case.audited() == audited, f"{name} does something before its question is answered."

            answer = case.client.post(form.action, data=answer_form(page).sent())
            assert answer.status_code == 302
            assert case.audited() > audited, f"{name} does nothing after its question was answered with OK."
            done.add(name)

    assert done == wanted, "No row and no value of OTHER_ROWS has these buttons."
