from __future__ import annotations

HOSTILE = "<script>alert('x')</script>&\""


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
