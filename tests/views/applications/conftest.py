"""Sending what the action menu of a list, and of the page of an application, sends."""

from __future__ import annotations

import pytest

from tests.support.pages import Form, Page, answered


@pytest.fixture
def send():
    """Press a button of an action menu: ``send(client, page, "承認", ok=True, **fields)`` answers its question with OK."""

    def send(client, page: Page, label: str, *, ok: bool = True, **fields):
        (button,) = (each for each in page.root.all("button") if each.text == label and "formaction" in each.attributes)
        form = next(each for each in page.forms if each.element.attributes.get("id") == button.attributes["form"])
        sent = Form(form.element, form.controls, button).sent(fields)
        return client.post(button.attributes["formaction"], data=answered(sent) if ok else sent)

    return send


@pytest.fixture
def told():
    """What a page says about the operation before."""

    def told(client, answer) -> str:
        return Page(client.get(answer.location).text).main.text

    return told


@pytest.fixture
def viewer(make, operator, signed_in):
    """The client of a viewer in the operator's tenant."""
    return signed_in(make.member(operator.tenant, "Partner Viewer"), operator.tenant)
