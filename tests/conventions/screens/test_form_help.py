"""What every form says before there is an error, and how it names its fields in one."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from wtforms import SelectField, SelectMultipleField

from tests.conventions.screens.cases import screens
from tests.conventions.screens.test_fields import CHOICES, NO_LIMIT, has_form, limit_of
from tests.support.pages import Page
from views.accounts.user_form import MembershipForm

CHOOSE = "選択してください"
FILL_IN = "郵便番号から住所を入力"
LIMIT_BY_EXAMPLE = {"postcode"}
"""Fields of a fixed length, whose hint is an example."""

NONE_IS_A_CHOICE = {"RoleView.tenant_id"}
"""Choices in which nothing chosen means something: a role can be held in all tenants."""


def form_page(case, *, language: str = "ja") -> Page:
    case.client.set_cookie("language", language)
    return case.page("edit", case.row()) if case.form_method == "edit" else case.add_page()


def description_of(page: Page, name: str) -> str:
    """What a screen reader says of a field after its label."""
    (control,) = (each for each in page.main_form.controls if each.attributes.get("id") == name)
    ids = control.attributes.get("aria-describedby", "").split()
    return " ".join(page.root.one(id=each).text for each in ids)


@screens(unless=lambda screen: not has_form(screen))
def test_a_field_with_a_limit_says_it_before_it_is_exceeded_and_once(case):
    page = form_page(case)
    for name, field in case.fields().items():
        limit = limit_of(case, field)
        if isinstance(field, CHOICES) or limit is None or f"{case.name}.{name}" in NO_LIMIT or name in LIMIT_BY_EXAMPLE:
            continue
        said = description_of(page, name)
        assert said.replace(",", "").count(str(limit)) == 1, (
            f"{case.name}.{name} does not say once that it takes {limit}: {said!r}"
        )


@screens(unless=lambda screen: not has_form(screen))
def test_a_choice_of_one_begins_with_none_chosen_and_says_so(case):
    page = form_page(case)
    for name, field in case.fields().items():
        if (
            isinstance(field, SelectField)
            and not isinstance(field, SelectMultipleField)
            and field.type == "SelectField"
            and f"{case.name}.{name}" not in NONE_IS_A_CHOICE
        ):
            assert page.root.one("select", id=name).all("option")[0].text == CHOOSE, f"{case.name}.{name}"


def test_a_user_is_put_into_no_tenant_and_role_but_chosen_ones(make, signed_in):
    tenant, user = make.tenant(), make.user()
    make.tenant()
    client = signed_in(make.elevated("NEC Admin"), tenant)
    url = f"/users/show/{user.id}"
    form = Page(client.get(url).text).form_to(f"/users/join/{user.id}")

    offered = {each.attributes["name"]: each.all("option")[0].text for each in form.element.all("select")}
    answer = client.post(form.action, data=form.sent(tenant=tenant.id), follow_redirects=True)

    assert offered == {"tenant": CHOOSE, "role": CHOOSE}
    assert set(offered) == {name for name in vars(MembershipForm) if name in {"tenant", "role"}}
    assert "テナントとロールを選択してください。" in answer.text


@screens(unless=lambda screen: not has_form(screen))
def test_no_two_errors_of_a_summary_have_the_same_label(case):
    with case.request():
        form = case.screen.new_form()
        labels = Counter(str(label) for field, label in form.labelled_fields() if field in form.visible_fields())

    assert [label for label, times in labels.items() if times > 1] == []


def test_a_label_that_repeats_has_its_part_before_it(app, make, signed_in):
    from tests.conventions.screens.cases import Case

    case = Case(app, make, signed_in, "UtmView")
    values: dict[str, Any] = case.new_values() | {"customer_email1": "a", "desk_email1": "b", "name": ""}
    page = Page(case.post("add", case.answered(case.form(), values)).text)

    (summary,) = page.main.all(data_error_summary="")
    links = [each.text for each in summary.all("a")]
    parts = [each.text for each in page.main_form.element.all("legend")]
    assert len(set(links)) == 3
    assert links[0] == "UTM名"
    assert [any(link.startswith(f"{part} ") for part in parts) for link in links] == [False, True, True]


@screens(unless=lambda screen: not has_form(screen))
def test_an_address_is_filled_in_from_its_postcode_on_every_form(case):
    page = form_page(case)
    has_address = any(name.endswith(("address", "postcode")) for name in case.fields())
    buttons = [each.text for each in page.main_form.element.all("button", name="find_address")]

    assert buttons == ([FILL_IN] if has_address else [])


TAKES_AWAY = ("delete", "revoke", "withdraw", "leave", "reset", "reissue", "issue_token")


@pytest.mark.parametrize("tone", ["danger", "primary"])
def test_the_question_before_something_is_taken_away_begins_on_cancel(operator, make, tone):
    customer = make.customer(tenant=operator.tenant)
    asked = {"ask": "1", "question": "?", "question_title": "?", "question_tone": tone}

    page = Page(operator.post(f"/customers/{customer.id}/delete", data=asked).text)

    assert [each.text for each in page.main.all(autofocus="")] == (["キャンセル"] if tone == "danger" else [])


@screens(unless=lambda screen: not any(hasattr(screen, name) for name in TAKES_AWAY))
def test_what_is_taken_away_is_asked_about_as_such(case):
    for each in case.screen.actions_of_rows:
        if each.name in TAKES_AWAY:
            assert each.tone == "danger", f"{case.name}.{each.name} takes something away: give it tone='danger'."
