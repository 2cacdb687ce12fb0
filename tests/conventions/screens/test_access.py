"""Whose rows a screen shows, who may write them, and what its forms carry."""

from __future__ import annotations

from tests.conventions.screens.cases import (
    ALWAYS_DELETABLE,
    NOT_DELETABLE,
    SCREENS,
    has_only_a_list,
    is_of_no_tenant,
    screens,
)
from tests.support.pages import Page


@screens(unless=lambda screen: is_of_no_tenant(screen) or has_only_a_list(screen))
def test_a_row_of_another_tenant_is_not_found_whatever_is_wanted_with_it(case):
    theirs = case.theirs()
    before = case.audited()

    routes = case.routes(of_a_row=True)

    assert routes, "The screen has nothing of a row."
    for route in routes:
        answer = case.client.open(case.url(route.name, theirs), method=route.verb)
        assert answer.status_code == 404, (
            f"{route.verb} {route.rule} of another tenant's row answers {answer.status_code}."
        )
    assert case.audited() == before


@screens(unless=lambda screen: screen.parent is None)
def test_a_row_is_not_found_below_another_parent(case):
    theirs, row = case.theirs(), case.row()
    sibling = case.row(parent=case.parent_in(case.tenant))
    for route in case.routes(of_a_row=True):
        for parent, below in ((case.parent, theirs), (case.parent, sibling)):
            url = case.url_of_keys(route.name, parent, below)
            assert case.client.open(url, method=route.verb).status_code == 404, url
        wrong = case.make.session.get(type(case.parent), getattr(theirs, case.screen.parent.column))
        url = case.url_of_keys(route.name, wrong, row)
        assert case.client.open(url, method=route.verb).status_code == 404, url


@screens("list", unless=is_of_no_tenant)
def test_rows_of_another_tenant_are_not_listed(case):
    theirs, ours = case.theirs(), case.row()

    page = case.page("list").main.text

    assert case.screen.name_of(ours) in page
    assert case.screen.name_of(theirs) not in page


NOBODY = ("0", "99999999", "2147483648", "9" * 19, "9" * 30, "abc", "-1", "A99999999", "😀")


@screens(unless=lambda screen: not {"show", "edit"} & screen.include_route_methods)
def test_a_key_of_nobody_is_not_found_on_any_page(case):
    row = case.row()
    for route in case.routes(of_a_row=True):
        url, name = case.url(route.name, row), str(row.id)
        at = url.rindex(name)
        for key in NOBODY:
            answer = case.client.open(url[:at] + key + url[at + len(name) :], method=route.verb)
            assert answer.status_code == 404, f"{route.verb} {route.rule} with {key!r} answers {answer.status_code}."


@screens()
def test_a_viewer_writes_nothing_and_is_offered_nothing_that_writes(case):
    viewer = case.signed_in(case.make.member(case.tenant, "Partner Viewer"), case.tenant)
    row = case.row()
    for route in case.routes():
        writes = route.verb == "POST" or route.name in {"add", "edit"}
        answer = viewer.open(case.url(route.name, row if route.has_row else None), method=route.verb)
        if writes:
            assert answer.status_code == 403, f"{route.verb} {route.rule} as a viewer answers {answer.status_code}."
        elif answer.status_code == 200:
            page = Page(answer.text)
            assert not [form.action for form in page.sendings if form.posts and form.action.startswith(case.root)]
            assert not [form for form in page.forms if "data-validated" in form.element.attributes], (
                f"{route.rule} has a form for a viewer."
            )
            assert not [link for link in page.links if link.endswith(("/add", "/edit")) and link.startswith(case.root)]
    case.make.session.expire_all()
    assert case.make.session.get(case.model, row.id) is not None


def test_every_screen_that_deletes_says_what_is_not_deleted():
    deleting = {name for name, cls in SCREENS.items() if "delete" in cls.include_route_methods}

    assert set(NOT_DELETABLE) == deleting - ALWAYS_DELETABLE


@screens("delete", unless=lambda screen: screen.__name__ in ALWAYS_DELETABLE)
def test_what_a_rule_keeps_is_not_deleted_and_the_reason_is_told(case):
    make_undeletable, reason = NOT_DELETABLE[case.name]
    row = case.row()
    make_undeletable(case, row)
    before = case.audited()

    answer = case.post("delete", {}, row)
    page = Page(case.client.get(answer.location).text)

    with case.request():
        from flask_babel import gettext

        told = gettext(reason)
    assert told in page.main.text
    assert case.audited() == before
    case.make.session.expire_all()
    kept = case.make.session.get(case.model, row.id)
    assert kept is not None
    assert case.screen.trash is None or getattr(kept, case.screen.trash) is None


@screens()
def test_each_form_that_posts_carries_its_keys(case):
    row = case.row()
    for route in case.routes():
        if route.verb == "GET":
            page = case.page(route.name, row if route.has_row else None)
            for form in page.forms:
                if form.posts:
                    assert {"csrf_token", "form_key", "made_in"} <= form.names, (
                        f"{route.rule}: {form.element.attributes}"
                    )
