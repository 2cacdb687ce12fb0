"""The forms of screens: their values, their generation from a model's columns, and the detection of edit conflicts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from hashlib import sha256
from typing import Any, ClassVar, NamedTuple

from flask_babel import gettext, lazy_gettext
from flask_wtf import FlaskForm
from sqlalchemy import BigInteger, Boolean, Date, Integer, Numeric, String, inspect
from wtforms import BooleanField, DateField, DecimalField, Field, IntegerField, SelectField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, NumberRange, Optional

from views.forms.fields import MaxLength, MemoField, OneLine, Required, TextField
from views.screen.conflict import Difference, differing

_FEW_CHARACTERS = 100
_HIDDEN = ("CSRFTokenField", "HiddenField")


class FormPart(NamedTuple):
    """A part of a form: its title, its fields, the fields that are collapsed while empty, and a hint."""

    title: Any
    fields: list[Any]
    more: list[Any]
    hint: Any


class ScreenForm(FlaskForm):
    """A form of a screen.

    :cvar fieldsets: title and fields of each part of the form; if empty, the form is one part without a title. Fields
        under ``more`` are collapsed while empty; ``hint`` is a note on the whole part.
    :cvar beside_fields: the name of a field -> a template to include next to it.
    :cvar widths: the grid classes of the fields that do not take up the full width.
    """

    fieldsets: ClassVar[Sequence[tuple[Any, Mapping[str, Any]]]] = ()
    widths: ClassVar[Mapping[str, str]] = {}
    beside_fields: ClassVar[Mapping[str, str]] = {}

    def parts(self) -> list[FormPart]:
        """Return the parts of the form in order, without fields that were taken out of it."""
        declared = self.fieldsets or [(None, {"fields": [field.name for field in self.visible_fields()]})]
        return [
            FormPart(
                title,
                [self[name] for name in part.get("fields", ()) if name in self],
                [self[name] for name in part.get("more", ()) if name in self],
                part.get("hint"),
            )
            for title, part in declared
        ]

    def visible_fields(self) -> list[Any]:
        """Return the fields that are not hidden."""
        return [field for field in self if field.type not in _HIDDEN]

    def labelled_fields(self) -> list[tuple[Any, str]]:
        """Return the fields with their labels; where a label repeats, with the title of its part before it."""
        titles = {field.name: part.title for part in self.parts() for field in (*part.fields, *part.more)}
        times = Counter(str(field.label.text) for field in self.visible_fields())
        labelled = []
        for field in self:
            label, title = str(field.label.text), titles.get(field.name)
            labelled.append((field, f"{title} {label}" if title and times[label] > 1 else label))
        return labelled

    def values(self) -> dict[str, Any]:
        """Return the values to store."""
        return {field.name: field.data for field in self.visible_fields()}

    def stored(self, row: Any) -> dict[str, Any]:
        """Return the value of each field for a row; override if the fields are not the row's columns."""
        return {name: getattr(row, name) for name in self.values()}

    def display_value(self, name: str, value: Any) -> str:
        """Return a value of a field as displayed to the user."""
        field = self[name]
        if isinstance(field, BooleanField):
            return gettext("Yes") if value else gettext("No")
        if field.type not in _HIDDEN and getattr(field, "choices", None):
            chosen = value if isinstance(value, list | tuple | set) else [value]
            labels = {str(each.value): str(each.label) for each in map(_choice, field.choices)}
            return ", ".join(sorted(labels.get(str(each), str(each)) for each in chosen if each not in (None, "")))
        return "" if value is None else str(value)


def _choice(choice: Any) -> SelectChoice:
    """Convert an option in any of WTForms' notations to a ``SelectChoice``."""
    if isinstance(choice, SelectChoice):
        return choice
    return SelectChoice(choice, choice) if isinstance(choice, str) else SelectChoice(choice[0], choice[1])


def fingerprints(form: Any, row: Any) -> str:
    """Return hashes of a row's fields for a hidden field of the form, to detect which fields have changed."""
    return " ".join(_fingerprint(form, name, value) for name, value in form.stored(row).items())


def _fingerprint(form: Any, name: str, value: Any) -> str:
    return sha256(f"{name}={form.display_value(name, value)}".encode()).hexdigest()[:16]


def changed_by_others(form: Any, row: Any, shown: str) -> dict[str, Any]:
    """Return the fields of a row that were changed since the form was displayed, with their current values.

    :param shown: the ``fingerprints`` from when the form was displayed.
    """
    known = shown.split()
    return {name: value for name, value in form.stored(row).items() if _fingerprint(form, name, value) not in known}


def differences(form: Any, changed: Mapping[str, Any]) -> list[Difference]:
    """Return the changed fields whose current values differ from the submitted ones.

    :param changed: the result of ``changed_by_others``.
    """
    labels = {field.name: label for field, label in form.labelled_fields()}
    return differing(
        (labels[name], form.display_value(name, value), form.display_value(name, form[name].data))
        for name, value in changed.items()
    )


def form_from_model(model: Any, columns: Sequence[str], labels: Mapping[str, Any], choices: Mapping[str, Any]) -> Any:
    """Return a form class with a field for each of the given columns of a model.

    :param labels: the labels of the columns.
    :param choices: for columns with a fixed set of values, the label of each value.
    """
    mapper = inspect(model)
    fields = {name: _field(mapper.columns[name], labels.get(name, name), choices.get(name)) for name in columns}
    return type(f"{model.__name__}Form", (ScreenForm,), fields)


def _field(column: Any, label: Any, choices: Mapping[Any, Any] | None) -> Field:
    if choices is not None:
        return _choice_field(column, label, choices)
    if isinstance(column.type, String):
        return _text_field(column, label)
    needed = [Optional() if column.nullable else InputRequired()]
    match column.type:
        case Boolean():
            return BooleanField(label)
        case Date():
            return DateField(label, needed)
        case Integer():
            return IntegerField(label, [*needed, _number_range(63 if isinstance(column.type, BigInteger) else 31)])
        case Numeric(precision=int(precision), scale=int(scale)):
            return DecimalField(label, [*needed, _decimal_range(precision, scale)], places=scale)
    raise TypeError(f"There is no form field for {column}; give the screen a form.")


def _choice_field(column: Any, label: Any, choices: Mapping[Any, Any]) -> Field:
    offered = [SelectChoice("", lazy_gettext("Please choose"))]
    offered += [SelectChoice(str(getattr(value, "value", value)), text) for value, text in choices.items()]
    needed = [] if _may_be_empty(column) else [Required()]
    return SelectField(label, needed, choices=offered, coerce=_none_if_empty if column.nullable else str)


def _text_field(column: Any, label: Any) -> Field:
    length = column.type.length
    validators: list[Any] = [] if _may_be_empty(column) else [Required()]
    validators += [MaxLength(length)] if length else []
    # Otherwise an empty field would differ from the NULL that it displays.
    filters = [_none_if_empty] if column.nullable else []
    if length is not None and length <= _FEW_CHARACTERS:
        return TextField(label, [*validators, OneLine()], filters=filters)
    return MemoField(label, validators, filters=filters, render_kw={"rows": 4})


def _may_be_empty(column: Any) -> bool:
    return column.nullable or column.server_default is not None


def _none_if_empty(value: Any) -> Any:
    return value or None


def _number_range(bits: int) -> NumberRange:
    return NumberRange(-(2**bits), 2**bits - 1)


def _decimal_range(precision: int, scale: int) -> NumberRange:
    """Return a validator for the numbers that fit into a column; further decimal places are rounded."""
    most = 10 ** (precision - scale) - Decimal(1).scaleb(-scale)
    return NumberRange(-most, most)
