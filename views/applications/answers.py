"""A customer's answers to the tenant's extra questions (追加情報, §7.4.2), and the form that changes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from flask_babel import lazy_gettext
from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session
from wtforms import Field, SelectField
from wtforms.fields.choices import SelectChoice

from models.applications.application import ANSWER_LENGTH, CustomerAnswer
from models.applications.extra_question import ApplicationField, FieldKind
from views.forms.fields import MaxLength, OneLine, Required, TextField
from views.screen.form import ScreenForm


class Answer(NamedTuple):
    """A question and a customer's present answer, empty for none."""

    field: ApplicationField
    value: str


def answers_of(session: Session, customer_id: str) -> list[Answer]:
    """Return the questions in use in their order, then the retired ones that the customer has answered."""
    answered = and_(CustomerAnswer.field_id == ApplicationField.id, CustomerAnswer.customer_id == customer_id)
    rows = session.execute(
        select(ApplicationField, CustomerAnswer.value)
        .outerjoin(CustomerAnswer, answered)
        .where(or_(ApplicationField.retired_at.is_(None), CustomerAnswer.value.is_not(None)))
        .order_by(ApplicationField.retired_at.is_not(None), ApplicationField.position, ApplicationField.id)
    )
    return [Answer(field, value or "") for field, value in rows]


class AnswersForm(ScreenForm):
    """The base class of a form with a field for each question."""

    def answers(self) -> dict[int, str]:
        """Return the answers by the question's ID, empty for none."""
        return {int(name.removeprefix("question")): value or "" for name, value in self.values().items()}

    def stored(self, row: Sequence[Answer]) -> dict[str, Any]:
        """Return the value of each field for a customer's answers."""
        return _values(row)


def answers_form(asked: Sequence[Answer]) -> AnswersForm:
    """Return the form for some questions, with the present answers or the submitted ones."""
    fields = {_name(answer): _field(answer) for answer in asked}
    form: AnswersForm = type("AnswersOfTenant", (AnswersForm,), fields)(data=_values(asked))
    return form


def _name(answer: Answer) -> str:
    return f"question{answer.field.id}"


def _values(asked: Sequence[Answer]) -> dict[str, Any]:
    return {_name(answer): answer.value for answer in asked}


def _field(answer: Answer) -> Field:
    question = answer.field
    needed: list[Any] = [Required()] if question.required else []
    if question.kind == FieldKind.TEXT:
        return TextField(question.title, [*needed, MaxLength(ANSWER_LENGTH), OneLine()])
    # The present answer stays possible after the question's options have changed.
    options = dict.fromkeys([*question.choices, *([answer.value] if answer.value else [])])
    first = SelectChoice("", lazy_gettext("Please choose"))
    return SelectField(question.title, needed, choices=[first, *(SelectChoice(each, each) for each in options)])
