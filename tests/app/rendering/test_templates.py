from __future__ import annotations

import pytest
from flask import session
from flask_wtf.csrf import validate_csrf
from wtforms import ValidationError

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


@pytest.mark.parametrize("language", ["ja", "en"])
def test_words_are_translated_and_what_is_filled_in_is_escaped(app, language):
    template = app.jinja_env.from_string(
        "{{ _('Menu') }} {{ _('Details of %(id)s', id=text) }} {{ _('Details of %(id)s', id=text|upper|safe) }}"
        " {{ ngettext('%(count)s result', '%(count)s results', 2, count=text) }}"
    )

    with app.test_request_context(headers={"Cookie": f"language={language}"}):
        page = template.render(text="<i>")

    assert (
        page
        == {
            "ja": "メニュー &lt;i&gt; の詳細 <I> の詳細 &lt;i&gt;件",
            "en": "Menu Details of &lt;i&gt; Details of <I> &lt;i&gt; results",
        }[language]
    )


def test_a_text_with_a_percent_sign_is_written_as_it_is_meant(app):
    template = app.jinja_env.from_string("{{ _('100%%') }}")

    with app.test_request_context():
        assert template.render() == "100%"


def test_every_form_of_a_page_has_the_same_token_and_it_is_the_sessions(app):
    template = app.jinja_env.from_string("{{ csrf_token() }} {{ csrf_token() }}")
    with app.test_request_context():
        session["csrf_token"] = "a" * 40
        one, other = template.render().split()
        validate_csrf(one)
    with app.test_request_context():
        session["csrf_token"] = "b" * 40
        with pytest.raises(ValidationError):
            validate_csrf(one)

    assert one == other


def test_another_order_is_of_the_same_page_from_its_beginning(app):
    template = app.jinja_env.from_string("{{ sorted_by('level', 'asc') }} {{ sorted_by('utm', 'desc') }}")

    with app.test_request_context("/?unit=day&sort=utm&direction=asc&after=x&open=7&page=3"):
        kept = template.render()
    with app.test_request_context("/"):
        bare = template.render()

    assert kept == "?unit=day&amp;sort=level&amp;direction=asc ?unit=day&amp;sort=utm&amp;direction=desc"
    assert bare == "?sort=level&amp;direction=asc ?sort=utm&amp;direction=desc"
