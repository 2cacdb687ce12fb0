"""Every field widget of Flask-AppBuilder is written as a native control with its label."""

from __future__ import annotations

import inspect
import re
from datetime import UTC, date, datetime
from html.parser import HTMLParser

import pytest
from flask import render_template_string
from flask_appbuilder import fieldwidgets, upload
from flask_appbuilder.fields import AJAXSelectField, EnumField, QuerySelectField, QuerySelectMultipleField
from flask_appbuilder.fieldwidgets import (
    BS3PasswordFieldWidget,
    BS3TextAreaFieldWidget,
    BS3TextFieldWidget,
    DatePickerWidget,
    DateTimePickerWidget,
    Select2AJAXWidget,
    Select2ManyWidget,
    Select2SlaveAJAXWidget,
    Select2Widget,
)
from flask_appbuilder.forms import DynamicForm
from flask_appbuilder.upload import (
    BS3FileUploadFieldWidget,
    BS3ImageUploadFieldWidget,
    FileUploadField,
)
from wtforms import BooleanField, DateField, DateTimeField, IntegerField, PasswordField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length

# FAB's field of an enumeration gives its choices as tuples, which WTForms 3.4 will refuse.
pytestmark = pytest.mark.filterwarnings("ignore:Passing SelectField choices as tuples:DeprecationWarning")
OLD = ("jquery", "select2", "glyphicon", "data-toggle", "data-provide", "input-group-addon", "fa fa-")
PEOPLE = {"1": "花子", "2": "太郎"}


CHOSEN = {"query_func": lambda: list(PEOPLE), "get_pk_func": str, "get_label": PEOPLE.get}


class MomentDateTimeField(DateTimeField):
    """FAB's field of a date and a time; WTForms warns of the bare one."""


class EveryWidget(DynamicForm):
    text = StringField("文字", [InputRequired(), Length(max=10)], widget=BS3TextFieldWidget())
    number = IntegerField("数", widget=BS3TextFieldWidget())
    lines = TextAreaField("文章", widget=BS3TextAreaFieldWidget())
    secret = PasswordField("合言葉", widget=BS3PasswordFieldWidget())
    flag = BooleanField("有効")
    day = DateField("日付", widget=DatePickerWidget())
    moment = MomentDateTimeField("日時", widget=DateTimePickerWidget())
    kind = EnumField(None, ["a", "b"], label="種類", widget=Select2Widget())
    one = QuerySelectField("担当", widget=Select2Widget(), allow_blank=True, **CHOSEN)
    many = QuerySelectMultipleField("担当者", widget=Select2ManyWidget(), **CHOSEN)
    asked = AJAXSelectField("照会", widget=Select2AJAXWidget(endpoint="/nowhere"))
    follows = AJAXSelectField("照会先", widget=Select2SlaveAJAXWidget(master_id="asked", endpoint="/nowhere"))
    file = FileUploadField("ファイル", widget=BS3FileUploadFieldWidget())
    image = FileUploadField("画像", widget=BS3ImageUploadFieldWidget())


class Controls(HTMLParser):
    """The controls of a page and whom its labels are for."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.controls: dict[str, dict[str, str | None]] = {}
        self.labels: set[str | None] = set()
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag in {"input", "select", "textarea"} and given.get("type") != "hidden":
            self.controls[given["id"]] = given | {"tag": tag}
        if tag == "label":
            self.labels.add(given["for"])


@pytest.fixture(autouse=True)
def _folder(app, monkeypatch, tmp_path):
    """FAB's field of a file asks for it when it is made."""
    monkeypatch.setitem(app.config, "UPLOAD_FOLDER", str(tmp_path))


@pytest.fixture
def page(app):
    values = {
        "text": "青",
        "day": date(2026, 11, 22),
        "moment": datetime(2026, 11, 22, 3, 4, 5, tzinfo=UTC),
        "one": "2",
        "many": ["1"],
        "file": "a.txt",
        "secret": "said before",
    }
    with app.test_request_context():
        form = EveryWidget(data=values)
        return render_template_string(
            '{% from "macros/forms.html" import field %}{% for each in form %}{{ field(each) }}{% endfor %}', form=form
        )


def test_every_widget_class_is_looked_at():
    existing = {
        name
        for module in (fieldwidgets, upload)
        for name, found in inspect.getmembers(module, inspect.isclass)
        if name.endswith("Widget") and found.__module__ == module.__name__
    }
    used = {
        type(field.kwargs["widget"]).__name__
        for field in vars(EveryWidget).values()
        if "widget" in getattr(field, "kwargs", {})
    }

    assert used == existing


def test_nothing_of_the_old_front_end_is_written(page):
    assert [word for word in OLD if word in page.lower()] == []


def test_every_control_has_a_label(page):
    found = Controls(page)

    assert found.controls.keys() - found.labels == set()


@pytest.mark.parametrize(
    ("name", "tag", "kind", "value"),
    [
        ("text", "input", "text", "青"),
        ("number", "input", "text", ""),
        ("lines", "textarea", None, None),
        ("secret", "input", "password", ""),
        ("flag", "input", "checkbox", "y"),
        ("day", "input", "date", "2026-11-22"),
        ("moment", "input", "text", "2026-11-22 03:04:05"),
        ("kind", "select", None, None),
        ("one", "select", None, None),
        ("many-0", "input", "checkbox", "1"),
        ("many-1", "input", "checkbox", "2"),
        ("asked", "input", "text", ""),
        ("file", "input", "file", None),
        ("image", "input", "file", None),
    ],
)
def test_a_widget_is_the_native_control_of_its_field(page, name, tag, kind, value):
    control = Controls(page).controls[name]

    assert (control["tag"], control.get("type"), control.get("value")) == (tag, kind, value)


def test_what_is_chosen_is_chosen_and_limits_are_kept(page):
    found = Controls(page).controls

    assert re.search(r'<option value="2"\s+selected>太郎</option>', page)
    assert ("checked" in found["many-0"], "checked" in found["many-1"]) == (True, False)
    assert (found["text"]["maxlength"], "required" in found["text"]) == ("10", True)
    assert "said before" not in page


def test_an_error_is_tied_to_its_control(app):
    with app.test_request_context(method="POST", data={"text": "", "kind": "a"}):
        form = EveryWidget()
        form.validate()
        page = render_template_string('{% from "macros/forms.html" import field %}{{ field(form.text) }}', form=form)

    control = Controls(page).controls["text"]
    assert (control["aria-invalid"], control["aria-describedby"]) == ("true", "text-error")
    assert "必須項目です。" in page
