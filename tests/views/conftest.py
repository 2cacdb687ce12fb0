"""What tests of several screens share."""

from __future__ import annotations

import html

import pytest


@pytest.fixture
def page(operator, utm):
    """The text of a page of the list."""

    def get(path="", **query):
        answer = operator.get(f"/customers/{utm.customer_id}/alerts/{path}", query_string=query)
        assert answer.status_code == 200
        return html.unescape(answer.text)

    return get
