"""The second of two people, who has a row before them and wants to write it after the first deleted it."""

from __future__ import annotations

from types import SimpleNamespace

from tests.conventions.screens.cases import is_of_no_tenant, screens
from tests.support.pages import Page


def told(client, answer) -> str:
    """What the page says that an answer leads to."""
    assert answer.status_code == 302, answer.status_code
    return Page(client.get(answer.location).text).main.text


def somebody_else(case):
    """The client of another person of the same tenant."""
    return case.signed_in(case.make.elevated("NEC Admin"), case.tenant)


@screens("delete")
def test_the_second_who_writes_a_row_is_told_that_it_has_been_deleted(case):
    row, other = case.row(), somebody_else(case)
    forms = [route for route in case.routes(of_a_row=True) if route.verb == "POST" and route.name != "restore"]
    urls = [case.url(route.name, row) for route in forms]
    case.client.post(case.url("delete", row))
    before = case.audited()

    for url in urls:
        page = told(other, other.post(url))
        assert case.display_value("already_deleted") in page, f"{url} does not say that somebody else was first."
    assert case.audited() == before


@screens("delete", unless=is_of_no_tenant)
def test_nobody_of_another_tenant_is_told_of_a_deleted_row(case):
    row = case.theirs()
    url = case.url("delete", row)
    owner = case.signed_in(case.make.elevated("NEC Admin"), SimpleNamespace(id=row.tenant_id))

    assert owner.post(url).status_code == 302
    assert case.client.post(url).status_code == 404


@screens("restore", unless=lambda screen: screen.trash is None or "delete" not in screen.methods)
def test_the_second_who_restores_a_row_is_told_that_it_has_been_restored(case):
    row, other = case.row(), somebody_else(case)
    case.client.post(case.url("delete", row))
    url = case.url("restore", row)

    first, second = other.post(url), case.client.post(url)

    assert case.display_value("restored") in told(other, first)
    assert case.display_value("already_restored") in told(case.client, second)
