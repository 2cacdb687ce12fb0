"""A customer's answers to the tenant's extra questions (追加情報, §7.4.2), and the form that changes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from models.applications.application import CustomerAnswer
from models.applications.extra_question import ApplicationField
from views.forms.extra_question import question_field
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
    fields = {_name(answer): question_field(answer.field, answer=answer.value) for answer in asked}
    form: AnswersForm = type("AnswersOfTenant", (AnswersForm,), fields)(data=_values(asked))
    return form


def _name(answer: Answer) -> str:
    return f"question{answer.field.id}"


def _values(asked: Sequence[Answer]) -> dict[str, Any]:
    return {_name(answer): answer.value for answer in asked}
