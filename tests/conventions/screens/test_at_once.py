"""Several people who save the same row at once, and one who sends a form several times."""

from __future__ import annotations

from collections import Counter

from tests.conventions.screens.cases import has_no_text, screens
from tests.support.pages import Page

THREE = 3


def typed_in(form) -> str:
    """The name of the first field of a form that any text is typed into; a code has no words to spell."""
    return next(
        control.attributes["name"]
        for control in form.controls
        if control.tag == "textarea"
        or (control.attributes.get("type") == "text" and control.attributes.get("spellcheck") != "false")
    )


@screens("edit", unless=has_no_text)
def test_of_three_who_save_at_once_one_does_and_the_others_see_what_was_saved(case, at_once):
    row = case.row()
    form = case.form(row)
    name = typed_in(form)
    values = [f"一度に保存した名前{number}" for number in range(THREE)]
    clients = case.clients(THREE)

    answers = at_once(
        [
            lambda client=client, value=value: case.post("edit", case.answered(form, {name: value}), row, client=client)
            for client, value in zip(clients, values, strict=True)
        ]
    )

    assert Counter(answer.status_code for answer in answers) == {302: 1, 409: 2}
    saved = case.stored(row)[name]
    assert saved in values
    for client, answer, value in zip(clients, answers, values, strict=True):
        if answer.status_code == 409:
            page = Page(answer.text)
            assert [difference[1:] for difference in page.differences] == [(saved, value)]
            again = case.post("edit", case.answered(page.main_form), row, client=client)
            assert again.status_code in {302, 409}, "What is shown after a conflict cannot be saved."


@screens("edit", unless=has_no_text)
def test_who_comes_second_saves_after_having_seen_what_the_first_saved(case):
    row = case.row()
    form = case.form(row)
    name = typed_in(form)

    first = case.post("edit", case.answered(form, {name: "先に保存した名前"}), row)
    second = case.post("edit", case.answered(form, {name: "後に保存した名前"}), row)
    page = Page(second.text)
    third = case.post("edit", case.answered(page.main_form), row)

    assert (first.status_code, second.status_code, third.status_code) == (302, 409, 302)
    assert [difference[1:] for difference in page.differences] == [("先に保存した名前", "後に保存した名前")]
    assert page.main_form.sent()[name] == "後に保存した名前"
    assert case.stored(row)[name] == "後に保存した名前"


@screens("edit", unless=has_no_text)
def test_the_same_value_saved_by_somebody_else_is_a_conflict_without_differences(case):
    row = case.row()
    other = case.signed_in(case.make.elevated("NEC Admin"), case.tenant)
    form = case.form(row)
    sent = case.answered(form, {typed_in(form): "同じ名前"})
    case.post("edit", sent, row)

    second = case.post("edit", sent, row, client=other)

    assert second.status_code == 409
    assert Page(second.text).differences == []
    assert "他の人が同じ内容を保存しました。" in Page(second.text).main.text


@screens("add")
def test_a_form_sent_three_times_creates_one_row_and_leads_to_it_each_time(case, at_once):
    values = case.new_values()
    sent = case.answered(case.add_page().main_form, values)
    clients = case.clients(THREE)
    before = case.count()

    answers = at_once([lambda client=client: case.post("add", sent, client=client) for client in clients])
    later = case.post("add", sent)

    assert [answer.status_code for answer in (*answers, later)] == [302] * 4
    assert len({answer.location for answer in (*answers, later)}) == 1
    assert case.count() == before + 1
    told = {
        Page(client.get(answer.location).text).root.one(id="main").text
        for client, answer in zip(clients, answers, strict=True)
    }
    said = case.display_value("added")
    assert all(said in each for each in told), f"Not every sending is told {said!r}."


@screens("add")
def test_the_same_form_with_other_values_is_another_form(case):
    form = case.add_page().main_form
    before = case.count()

    for _ in range(2):
        case.post("add", case.answered(form, case.new_values()))

    assert case.count() == before + 2


@screens("delete")
def test_a_button_pressed_three_times_deletes_once_and_leads_to_the_same_page(case, at_once):
    row = case.row()
    url = case.url("delete", row)
    page = case.page("show" if "show" in case.screen.include_route_methods else "list", row)
    sent = case.answered(page.form_to(url))
    clients = case.clients(THREE)
    before = case.audited()

    answers = at_once([lambda client=client: client.post(url, data=sent) for client in clients])

    assert {answer.status_code for answer in answers} == {302}
    assert len({answer.location for answer in answers}) == 1
    assert case.audited() == before + 1


@screens("edit", unless=has_no_text)
def test_a_version_that_is_none_is_a_conflict(case):
    row = case.row()
    form = case.form(row)
    for version in ("", "nonsense", "-1", "9" * 30, "999999999"):
        sent = case.answered(form, {typed_in(form): "別の名前", "version": version, "shown": version})

        assert case.post("edit", sent, row).status_code == 409, version
