from __future__ import annotations

from flask import session
from flask_wtf.csrf import validate_csrf

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


def test_a_sessions_forms_have_its_own_token_on_every_page(app):
    template = app.jinja_env.from_string("{{ csrf_token() }} {{ csrf_token() }}")
    tokens = []
    for raw in ("a" * 40, "b" * 40, "a" * 40):
        with app.test_request_context():
            session["csrf_token"] = raw
            one, other = template.render().split()
            validate_csrf(one)
            tokens.append((one, other))
    with app.test_request_context():
        validate_csrf(template.render().split()[0])

    assert all(one == other for one, other in tokens)
    assert tokens[0] == tokens[2] != tokens[1]


def test_another_order_is_of_the_same_page_from_its_beginning(app):
    template = app.jinja_env.from_string("{{ sorted_by('level', 'asc') }} {{ sorted_by('utm', 'desc') }}")

    with app.test_request_context("/?unit=day&sort=utm&direction=asc&after=x&open=7&page=3"):
        kept = template.render()
    with app.test_request_context("/"):
        bare = template.render()

    assert kept == "?unit=day&amp;sort=level&amp;direction=asc ?unit=day&amp;sort=utm&amp;direction=desc"
    assert bare == "?sort=level&amp;direction=asc ?sort=utm&amp;direction=desc"
