"""A field of a form with its label, help and errors."""

from __future__ import annotations

import re

import pytest
from flask import render_template_string
from flask_wtf import FlaskForm
from wtforms import BooleanField, SelectField, SelectMultipleField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired
from wtforms.widgets import CheckboxInput, ListWidget

FIELD = '{% from "macros/forms.html" import field %}{{ field(form[name], hint) }}'
CHOICES = [SelectChoice("1", "花子"), SelectChoice("2", "<太郎>")]


class EveryKind(FlaskForm):
    text = StringField("文字", [InputRequired("必須です。")])
    lines = TextAreaField("文章")
    flag = BooleanField("有効")
    one = SelectField("担当", choices=CHOICES)
    many = SelectMultipleField(
        "担当者", choices=CHOICES, widget=ListWidget(prefix_label=False), option_widget=CheckboxInput()
    )


@pytest.fixture
def written(app):
    def write(name, hint=None, **values):
        with app.test_request_context(method="POST" if values else "GET", data=values):
            form = EveryKind(meta={"csrf": False})
            if values:
                form.validate()
            return render_template_string(FIELD, form=form, name=name, hint=hint)

    return write


@pytest.mark.parametrize(
    ("name", "control"),
    [
        ("text", '<input class="form-control" id="text" name="text" required type="text"'),
        ("lines", '<textarea class="form-control" id="lines" name="lines"'),
        ("flag", '<input class="form-check-input" id="flag" name="flag" type="checkbox"'),
        ("one", '<select class="form-select" id="one" name="one"'),
    ],
)
def test_a_field_is_a_native_control_with_its_label(written, name, control):
    page = written(name)

    assert control in page
    assert f'for="{name}"' in page


def test_any_of_many_are_boxes_to_tick_and_each_has_its_label(written):
    page = written("many", many=["2"])

    assert re.findall(r'<input[^>]*type="checkbox"[^>]*>', page) == [
        '<input class="form-check-input" id="many-0" name="many" type="checkbox" value="1">',
        '<input checked class="form-check-input" id="many-1" name="many" type="checkbox" value="2">',
    ]
    assert re.findall(r'for="([^"]+)">([^<]+)<', page) == [("many-0", "花子"), ("many-1", "&lt;太郎&gt;")]


def test_help_and_error_are_tied_to_the_control(written):
    page = written("text", hint="10文字まで", text="", lines="x")

    control = re.search(r"<input[^>]*>", page)[0]
    assert 'aria-describedby="text-help text-error"' in control
    assert 'aria-invalid="true"' in control
    assert "is-invalid" in control
    assert re.search(r'id="text-help">\s*10文字まで', page)
    assert re.search(r'id="text-error">\s*<div>必須です。</div>', page)
