from __future__ import annotations

import pytest
from markupsafe import Markup

from app.template_output import written

HOSTILE = "<script>alert('x')</script>&\""


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (HOSTILE, "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;&#34;"),
        (Markup("<b>bold</b>"), "<b>bold</b>"),
        ("拠点0001", "拠点0001"),
        ("", ""),
        (7, "7"),
        (True, "True"),
        (None, "None"),
        (1.5, "1.5"),
        (["<"], "[&#39;&lt;&#39;]"),
    ],
)
def test_only_what_is_marked_keeps_its_markup(value, expected):
    assert str(written(value)) == expected


class Unmarked(str):
    """A string of somebody's own class, which could say anything of itself."""

    __slots__ = ()

    def isalnum(self) -> bool:
        return True


def test_a_string_of_another_class_is_escaped_whatever_it_says():
    assert written(Unmarked("<b>")) == "&lt;b&gt;"


def test_templates_of_the_portal_escape(app):
    template = app.jinja_env.from_string("""<p title="{{ text }}">{{ text }}{{ "<i>"|safe }}{{ 5 }}</p>""")

    with app.test_request_context():
        page = template.render(text=HOSTILE)

    assert HOSTILE not in page
    assert page.count("&lt;script&gt;") == 2
    assert "<i>5</p>" in page


def test_a_template_that_switches_escaping_off_writes_as_it_is(app):
    template = app.jinja_env.from_string("{% autoescape false %}{{ text }}{% endautoescape %}{{ text }}")

    assert template.render(text="<") == "<&lt;"
