"""The forms of tickets: creating one (§11.2), a partner's reply, and an answer of NEC's staff."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from flask import current_app, request
from flask_babel import gettext, lazy_gettext
from wtforms import MultipleFileField, SelectField
from wtforms.fields.choices import SelectChoice

from models import clock
from models.errors import DomainError
from models.scope import tenant_session
from models.tickets import ticket_file
from models.tickets.file_store import store_of
from models.tickets.file_types import ALLOWED
from models.tickets.ticket import BODY_LENGTH, TITLE_LENGTH, Priority, State
from models.tickets.ticket_file import MAX_BYTES, MAX_FILES, TicketFile
from views.arguments import key_or_none
from views.forms.errors import message_of
from views.forms.fields import MaxLength, MemoField, OneLine, Required, TextField, VersionField
from views.screen.form import ScreenForm
from views.tickets.labels import KINDS, PRIORITIES, SERVICES, STATES


def _choices(labels: Mapping[Any, Any]) -> list[SelectChoice]:
    return [SelectChoice(str(value.value), label) for value, label in labels.items()]


def _key(value: Any) -> int | None:
    return key_or_none(str(value)) if value else None


def _files_field() -> MultipleFileField:
    return MultipleFileField(
        lazy_gettext("Attachments"),
        description=lazy_gettext(
            "Up to 10 files of up to 10 MB each: PNG, JPEG, GIF, PDF, Word, Excel, PowerPoint, ZIP, text, CSV."
        ),
        render_kw={"accept": ",".join(ALLOWED)},
    )


class FilesForm(ScreenForm):
    """A form with files. Those that were sent with it are stored at once, and its next page has only their keys."""

    def receive(self, tenant_id: str, user_id: int) -> list[TicketFile]:
        """Store the new files, and return them with those that were sent before. Problems become errors of the field.

        They are stored in a transaction of their own, so that they survive an error of another field. Call it after
        ``validate``, which forgets errors.

        :param tenant_id: the tenant of the ticket.
        """
        field: Any = self["files"]
        keys = [key for text in request.form.getlist("kept") if (key := key_or_none(text)) is not None]
        sent = [each for each in field.data or () if getattr(each, "filename", "")]
        if len(keys) + len(sent) > MAX_FILES:
            field.errors = [*field.errors, gettext(ticket_file.TOO_MANY, most=MAX_FILES)]
            sent = []
        store = store_of(current_app.config)
        with tenant_session(tenant_id) as session:
            known = [each.id for each in ticket_file.unbound(session, keys[:MAX_FILES], user_id=user_id)]
            if len(known) < len(set(keys[:MAX_FILES])):
                field.errors = [*field.errors, gettext(ticket_file.GONE)]
            for each in sent:
                try:
                    # One byte more than allowed, so that a larger file is detected without reading all of it.
                    data = each.stream.read(MAX_BYTES + 1)
                    made = ticket_file.keep(session, store, each.filename, data, user_id=user_id, now=clock.utc_now())
                except DomainError as error:
                    field.errors = [*field.errors, message_of(error)]
                else:
                    known.append(made.id)
            session.commit()
            found = ticket_file.unbound(session, known, user_id=user_id)
            session.expunge_all()
        return found


class TicketForm(FilesForm):
    """A new ticket."""

    title = TextField(lazy_gettext("Title"), [Required(), MaxLength(TITLE_LENGTH), OneLine()])
    service = SelectField(lazy_gettext("Service"), [Required()], choices=_choices(SERVICES))
    kind = SelectField(lazy_gettext("Kind of inquiry"), [Required()], choices=_choices(KINDS))
    priority = SelectField(
        lazy_gettext("Priority"), [Required()], choices=_choices(PRIORITIES), default=Priority.NORMAL.value
    )
    body = MemoField(lazy_gettext("Content"), [Required(), MaxLength(BODY_LENGTH)], render_kw={"rows": 10})
    files = _files_field()

    def values(self) -> dict[str, Any]:
        """Return the values to store."""
        return {name: self[name].data for name in ("title", "kind", "priority", "body")}


class ReplyForm(FilesForm):
    """A partner's reply. The rule checks the state, which may have changed since the page was made."""

    body = MemoField(lazy_gettext("Reply"), [MaxLength(BODY_LENGTH)], render_kw={"rows": 8})
    files = _files_field()
    state = SelectField(lazy_gettext("Status"), validate_choice=False)
    priority = SelectField(lazy_gettext("Priority"), choices=_choices(PRIORITIES))
    version = VersionField()

    def offer(self, states: Iterable[State]) -> None:
        """Set the states to choose from."""
        self.state.choices = [SelectChoice(each.value, STATES[each]) for each in states]

    def values(self) -> dict[str, Any]:
        """Return the values to store."""
        return {name: self[name].data for name in ("body", "state", "priority")}


class AnswerForm(FilesForm):
    """An answer of NEC's staff."""

    body = MemoField(lazy_gettext("Answer"), [MaxLength(BODY_LENGTH)], render_kw={"rows": 8})
    files = _files_field()
    state = SelectField(lazy_gettext("Status"), choices=_choices(STATES))
    priority = SelectField(lazy_gettext("Priority"), choices=_choices(PRIORITIES))
    assignee_id = SelectField(lazy_gettext("Assignee"), coerce=_key)
    version = VersionField()

    def offer(self, staff: Iterable[Any]) -> None:
        """Set the people to choose from."""
        self.assignee_id.choices = [
            SelectChoice("", lazy_gettext("Not assigned")),
            *(SelectChoice(str(each.id), each.get_full_name()) for each in staff),
        ]

    def values(self) -> dict[str, Any]:
        """Return the values to store."""
        return {name: self[name].data for name in ("body", "state", "priority", "assignee_id")}
