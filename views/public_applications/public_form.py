"""What both public forms have in common: their parts, and their values in the hidden fields of the next page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask_babel import gettext
from flask_wtf import FlaskForm
from wtforms import FieldList, FormField

_OF_THE_PAGE = ("CSRFTokenField",)


class PublicForm(FlaskForm):
    """A form that is filled in, reviewed and sent."""

    # Whether a button was pressed that only changes the form.
    focus: str = ""

    def change_rows(self) -> bool:
        """Do what a button besides those of the steps does.

        :returns: whether one was pressed, so that the page is only to be shown again.
        """
        raise NotImplementedError

    def parts(self) -> Iterator[tuple[str, list[Any]]]:
        """Yield the title and the fields of each part, in the order of the page."""
        raise NotImplementedError

    def labelled_fields(self) -> Iterator[tuple[Any, str]]:
        """Yield each field with a label that contains the title of its part."""
        for title, fields in self.parts():
            for field in fields:
                yield field, gettext("%(part)s: %(label)s", part=title, label=field.label.text)

    def typed(self) -> Iterator[tuple[str, str]]:
        """Yield name and value of each field, for hidden fields."""
        for field in self:
            if field.type not in _OF_THE_PAGE:
                yield from _typed(field)

    def review(self) -> list[tuple[str, list[tuple[str, str]]]]:
        """Return the title of each part with label and value of its fields."""
        return [(title, [(str(field.label.text), _told(field)) for field in fields]) for title, fields in self.parts()]


def _typed(field: Any) -> Iterator[tuple[str, str]]:
    if isinstance(field, FieldList):
        for entry in field.entries:
            yield from _typed(entry)
    elif isinstance(field, FormField):
        for inner in field.form:
            yield from _typed(inner)
    elif field.type == "BooleanField":
        if field.data:
            yield field.name, "y"
    else:
        yield field.name, str(field.data or "")


def _told(field: Any) -> str:
    if field.type == "BooleanField":
        return gettext("Yes") if field.data else gettext("No")
    return str(field.data or "")
