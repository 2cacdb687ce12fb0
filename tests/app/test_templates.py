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


def test_an_icon_is_a_symbol_hidden_from_screen_readers(app):
    with app.test_request_context():
        plain, wide = (
            app.jinja_env.from_string(text).render() for text in ("{{ icon('x') }}", "{{ icon('x', 'ms-auto') }}")
        )

    assert plain.startswith('<svg class="icon" aria-hidden="true"><use href="/static/')
    assert plain.endswith('#tabler-x" /></svg>')
    assert wide == plain.replace('"icon"', '"icon ms-auto"')
