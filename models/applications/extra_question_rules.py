"""Manage a tenant's extra questions: add, change, move, retire and restore. Only NEC staff may do so."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import audit, scope
from models.actor import Actor
from models.applications.extra_question import (
    CHOICE_LENGTH,
    MAX_CHOICES,
    ApplicationField,
    FieldKind,
)
from models.errors import N_, NOTHING_CHANGED, DomainError
from models.row_lock import serialize
from models.versioned import lock_version

MAX_IN_USE = 30
"""The maximum number of questions on a form."""

TAKEN_TITLE = N_("This item name is already used.")
NO_CHOICES = N_("Enter at least one option.")
TOO_MANY_CHOICES = N_("Enter 50 options or fewer.")
TOO_LONG_A_CHOICE = N_("Each option has 100 characters or fewer.")
SAME_CHOICE_TWICE = N_("Each option can be given only once.")
RETIRED_ALREADY = N_("This item has already been retired.")
ASKED_ALREADY = N_("This item is already asked.")
FORM_FULL = N_("The form has 30 items. Retire one first.")

UNIQUE_ERRORS = {"uq_application_field_title_in_use": ("title", TAKEN_TITLE)}
"""The error for a violated unique index, when a concurrent request was first."""


def create(session: Session, values: dict[str, Any], *, by: Actor) -> ApplicationField:
    """Add a question at the end of the form.

    :param values: ``title``, ``required``, ``kind`` and ``choices``.
    :raises DomainError: the form is full, the title is taken, or the choices are invalid.
    """
    others = _in_use_locked(session)
    if len(others) >= MAX_IN_USE:
        raise DomainError(FORM_FULL)
    field = ApplicationField(**_checked(values, others), position=len(others) + 1)
    session.add(field)
    _, after = audit.changes(field)
    session.flush()
    audit.record(session, "application_field.added", field, by=by, after=after)
    return field


def change(session: Session, field: ApplicationField, values: dict[str, Any], *, version: int, by: Actor) -> None:
    """Change a question. Existing answers are unaffected.

    :param version: the question's version when the user opened the form.
    :raises Conflict: the question was changed in the meantime.
    :raises DomainError: nothing changes, the title is taken, or the choices are invalid.
    """
    others = [each for each in _in_use_locked(session) if each.id != field.id]
    lock_version(session, field, version)
    for name, value in _checked(values, others if field.retired_at is None else []).items():
        if getattr(field, name) != value:
            setattr(field, name, value)
    before, after = audit.changes(field)
    if before is None and after is None:
        raise DomainError(NOTHING_CHANGED)
    audit.record(session, "application_field.changed", field, by=by, before=before, after=after)


def move(session: Session, field: ApplicationField, *, steps: int, by: Actor) -> None:
    """Move a question up (negative ``steps``) or down the form, at most to its start or end.

    :raises DomainError: it is retired.
    """
    order = list(_in_use_locked(session))
    if field not in order:
        raise DomainError(RETIRED_ALREADY)
    here = order.index(field)
    there = min(max(here + steps, 0), len(order) - 1)
    if there == here:
        return
    order.insert(there, order.pop(here))
    _number(order)
    audit.record(
        session, "application_field.moved", field, by=by, before={"position": here + 1}, after={"position": there + 1}
    )


def retire(session: Session, field: ApplicationField, *, now: datetime, by: Actor) -> None:
    """Retire a question: it is no longer asked, but kept because answers refer to it.

    :raises DomainError: it is already retired.
    """
    order = list(_in_use_locked(session))
    if field not in order:
        raise DomainError(RETIRED_ALREADY)
    field.retired_at = now
    audit.record(session, "application_field.retired", field, by=by)
    order.remove(field)
    _number(order)


def restore(session: Session, field: ApplicationField, *, by: Actor) -> None:
    """Put a retired question back at the end of the form.

    :raises DomainError: it is in use, the form is full, or another question now has the title.
    """
    others = _in_use_locked(session)
    if field in others:
        raise DomainError(ASKED_ALREADY)
    if len(others) >= MAX_IN_USE:
        raise DomainError(FORM_FULL)
    if any(each.title == field.title for each in others):
        raise DomainError(TAKEN_TITLE)
    field.retired_at = None
    field.position = len(others) + 1
    audit.record(session, "application_field.brought_back", field, by=by)


def _in_use_locked(session: Session) -> Sequence[ApplicationField]:
    """Return the questions in use, after taking a lock that serializes changes: renumbering reads and writes all rows.

    Row locks would not be enough, because they cannot cover rows that another transaction is inserting.
    """
    serialize(session, "application_field", scope.own_tenant_id(session))
    return session.scalars(
        select(ApplicationField)
        .where(ApplicationField.retired_at.is_(None))
        .order_by(ApplicationField.position, ApplicationField.id)
        .execution_options(populate_existing=True)
    ).all()


def _number(order: list[ApplicationField]) -> None:
    for position, field in enumerate(order, 1):
        field.position = position


def _checked(values: dict[str, Any], others: Sequence[ApplicationField]) -> dict[str, Any]:
    """Validate the values and return them as they are stored: a text question has no choices."""
    if any(each.title == values["title"] for each in others):
        raise DomainError(TAKEN_TITLE, field="title")
    if values["kind"] == FieldKind.TEXT:
        return values | {"choices": []}
    choices = values["choices"]
    if not choices:
        raise DomainError(NO_CHOICES, field="choices")
    if len(choices) > MAX_CHOICES:
        raise DomainError(TOO_MANY_CHOICES, field="choices")
    if any(len(each) > CHOICE_LENGTH for each in choices):
        raise DomainError(TOO_LONG_A_CHOICE, field="choices")
    if len(set(choices)) < len(choices):
        raise DomainError(SAME_CHOICE_TWICE, field="choices")
    return values
