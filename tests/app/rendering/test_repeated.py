"""A macro's markup for each of many items."""

from __future__ import annotations

from typing import NamedTuple

import pytest

HOSTILE = "<script>alert('x')</script>&\"%(name)s %s {0}"

ROWS = """
{%- macro row(item) -%}
<a href="?a=%E3{% if item.open %}&amp;open{% endif %}" title="{{ item.name }}">{{ item.name }}={{ item.number }}</a>
{%- endmacro -%}
{{ repeated(row, items, "open") }}
"""


class Item(NamedTuple):
    name: str
    number: str
    open: bool


@pytest.fixture
def written(app):
    def write(template, items):
        with app.test_request_context():
            return app.jinja_env.from_string(template).render(items=items)

    return write


def test_each_item_is_written_as_the_macro_would(written):
    items = [Item(HOSTILE, "1", open=False), Item("100%", "2", open=True), Item("", "3", open=False)]
    by_itself = ROWS.replace('{{ repeated(row, items, "open") }}', "{% for item in items %}{{ row(item) }}{% endfor %}")

    page = written(ROWS, items)

    assert page == written(by_itself, items)
    assert "<script" not in page
    assert page.count("&amp;open") == 1


def test_no_items_are_nothing(written):
    assert written(ROWS, []) == ""


def test_items_of_one_kind_need_none_named(written):
    template = "{% macro row(item) %}{{ item.name }},{{ item.number }};{% endmacro %}{{ repeated(row, items) }}"

    assert written(template, [Item("a", "1", open=True), Item("<", "2", open=True)]) == "a,1;&lt;,2;"


def test_a_text_that_could_shift_the_others_is_refused(written):
    with pytest.raises(ValueError, match="NUL"):
        written(ROWS, [Item("a\0b", "1", open=False)])
