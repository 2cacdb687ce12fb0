"""The field of a tenant's extra question (§5.4.1)."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext
from wtforms import Field, SelectField
from wtforms.fields.choices import SelectChoice

from models.applications.application import ANSWER_LENGTH
from models.applications.extra_question import ApplicationField, FieldKind
from views.forms.fields import MaxLength, OneLine, Required, TextField


def question_field(question: ApplicationField, *, answer: str = "") -> Field:
    """Return the field of a question.

    :param answer: the present answer, which stays possible after the question's options have changed.
    """
    needed: list[Any] = [Required()] if question.required else []
    if question.kind == FieldKind.TEXT:
        return TextField(question.title, [*needed, MaxLength(ANSWER_LENGTH), OneLine()])
    options = dict.fromkeys([*question.choices, *([answer] if answer else [])])
    return SelectField(
        question.title,
        needed,
        choices=[SelectChoice("", lazy_gettext("Please choose")), *(SelectChoice(each, each) for each in options)],
        invalid_choice_message=lazy_gettext("Choose one of these."),
    )
