"""追加項目 of the selected tenant's application form (§5.4.1), maintained by NEC staff."""

from __future__ import annotations

from typing import Any, ClassVar

from flask import request
from flask_babel import gettext, lazy_gettext
from wtforms import BooleanField, RadioField
from wtforms.fields.choices import SelectChoice

from models import clock
from models.applications import extra_question_rules
from models.applications.extra_question import TITLE_LENGTH, ApplicationField, FieldKind
from models.db import db
from models.errors import N_
from views.base import actor
from views.data_interface import PortalInterface
from views.forms.fields import MaxLength, MemoField, OneLine, Required, TextField
from views.screen import formats
from views.screen.actions import action
from views.screen.filters import Search
from views.screen.form import ScreenForm
from views.screen.labels import Labels
from views.screen.navigation import Above
from views.screen.screen import Screen
from views.screen.table import ICON_BUTTON, Button, Table

KIND_LABELS = {FieldKind.TEXT: lazy_gettext("Free text"), FieldKind.CHOICE: lazy_gettext("Selection")}
_STEPS = {"up": -1, "down": 1}


class QuestionForm(ScreenForm):
    """A question of the application form."""

    title = TextField(
        lazy_gettext("Item name"),
        [Required(), MaxLength(TITLE_LENGTH), OneLine()],
        description=lazy_gettext("Downloads use it as the column's name."),
        render_kw={"autocomplete": "off"},
    )
    required = BooleanField(lazy_gettext("Must be answered"))
    kind = RadioField(
        lazy_gettext("Type of answer"),
        choices=[SelectChoice(kind.value, label) for kind, label in KIND_LABELS.items()],
        invalid_choice_message=lazy_gettext("Choose one of these."),
        default=FieldKind.TEXT.value,
    )
    choices = MemoField(
        lazy_gettext("Options"),
        description=lazy_gettext("For a selection: one option per line, up to 50 options of 100 characters each."),
        render_kw={"rows": 6},
    )

    def values(self) -> dict[str, Any]:
        """Return the values to store, with one option for each line that is not blank."""
        lines = [line.strip() for line in (self.choices.data or "").splitlines()]
        return super().values() | {"choices": [line for line in lines if line]}

    def stored(self, row: Any) -> dict[str, Any]:
        """Return the values of the fields for a question, with one line for each option."""
        return super().stored(row) | {"choices": "\n".join(row.choices)}


class ApplicationFieldView(Screen):
    """追加項目: the questions in use, in the order in which they are asked, and then the retired ones."""

    datamodel = PortalInterface(ApplicationField)
    rules = extra_question_rules
    labels = Labels(
        lazy_gettext("item"),
        lazy_gettext("Additional items"),
        "list-check",
        {
            "add_button": N_("Add item"),
            "add_title": N_("Add item"),
            "ask_add": N_("The item will be added. Are you sure?"),
            "added": N_("The item has been added."),
            "empty": N_("There is no additional item."),
            "empty_hint": N_("The application form contains only the standard items."),
        },
    )
    form = QuestionForm
    methods = frozenset({"list", "add", "edit"})
    route_base = "/application-fields"
    row_rule = "<key:field_key>"
    class_permission_name = "ApplicationFields"
    named_by = "title"
    unique_errors = extra_question_rules.UNIQUE_ERRORS
    above: ClassVar = [
        Above(lazy_gettext("Tenant settings"), "TenantSettingsView.show", ("can_show", "TenantSettings"))
    ]
    list_intro = lazy_gettext("The application form of this tenant contains these items, in this order.")
    list_columns: ClassVar = ["title", "required", "kind", "choices"]
    order_columns: ClassVar = []
    base_order = ("position", "asc")
    label_columns: ClassVar = {
        "required": lazy_gettext("Required"),
        # Of the change history.
        "position": lazy_gettext("Order"),
        "retired_at": lazy_gettext("Retired from the form at"),
    }
    formatters_columns: ClassVar = {
        "required": formats.word({True: lazy_gettext("Required item"), False: lazy_gettext("Optional item")}),
        "kind": formats.word(KIND_LABELS),
        "choices": formats.LINES,
    }

    def tables(self, search: Search) -> list[Table]:
        """Return a table of the questions in use and, if there are any, one of the retired questions."""
        questions = self.ordered(self.query(), *self.base_order).all()
        asked = [each for each in questions if each.retired_at is None]
        retired = [each for each in questions if each.retired_at is not None]
        in_use = self.table(asked, empty=self.empty(searched=False))
        for place, row in enumerate(in_use.rows):
            row.buttons = [*self._moves(place, len(asked), asked[place]), *row.buttons]
        return [in_use, *([self.table(retired, title=lazy_gettext("Retired items"))] if retired else [])]

    def _moves(self, place: int, count: int, question: Any) -> list[Button]:
        """Return the two buttons that move a question; one that has no effect is disabled with the reason."""
        first = gettext("The first item cannot be moved up.") if place == 0 else None
        last = gettext("The last item cannot be moved down.") if place == count - 1 else None
        moves = (
            ("up", "chevron-up", gettext("Move %(name)s up", name=question.title), first),
            ("down", "chevron-down", gettext("Move %(name)s down", name=question.title), last),
        )
        url = self.url("move", question)
        return [
            Button("", url, icon, name, {"direction": direction}, refusal=refusal, css=ICON_BUTTON)
            for direction, icon, name, refusal in moves
        ]

    @action("", single=False)
    def move(self, question: Any) -> None:
        """Move a question up or down the form."""
        steps = _STEPS.get(request.form.get("direction", ""), 0)
        extra_question_rules.move(db.session(), question, steps=steps, by=actor())

    @action(
        N_("Retire"),
        icon="ban",
        accessible_name=N_("Retire %(name)s"),
        title=N_("Retire item"),
        question=N_("%(name)s will be removed from the form. Existing answers are kept. Are you sure?"),
        done=N_("The item has been retired."),
        already=extra_question_rules.RETIRED_ALREADY,
        when=lambda question: question.retired_at is None,
    )
    def retire(self, question: Any) -> None:
        """Retire a question, which is then no longer asked."""
        extra_question_rules.retire(db.session(), question, now=clock.utc_now(), by=actor())

    @action(
        N_("Ask again"),
        icon="refresh",
        accessible_name=N_("Ask %(name)s again"),
        question=N_("%(name)s will be added to the end of the form again. Are you sure?"),
        done=N_("The item is asked again."),
        already=extra_question_rules.ASKED_ALREADY,
        when=lambda question: question.retired_at is not None,
    )
    def restore(self, question: Any) -> None:
        """Put a retired question back at the end of the form."""
        extra_question_rules.restore(db.session(), question, by=actor())
