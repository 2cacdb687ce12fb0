"""操作履歴: the audit log of the tenant, read-only."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from flask import current_app, g
from flask_babel import gettext, lazy_gettext
from sqlalchemy import or_

from models import clock
from models.audit import AuditEntry
from models.errors import N_
from views.audit_labels import ACTIONS, SUBJECTS, action_label
from views.data_interface import PortalInterface
from views.screen import formats
from views.screen.filters import Choice, DaysOfTimes, DeclaredFilter, Part
from views.screen.history import VALUE, has_history, informative_names, recorded_value
from views.screen.labels import Labels
from views.screen.screen import Screen
from views.screen.table import Table, filled_table


def _is_action(name: str) -> Any:
    return or_(AuditEntry.action == name, AuditEntry.action.endswith(f".{name}", autoescape=True))


def filters_by(actions: Mapping[str, Any]) -> tuple[DeclaredFilter, ...]:
    """Return the filters of a list of entries.

    :param actions: the labels of the actions, by their whole names or the last parts of these.
    """
    return (
        Part("actor", most=320, beside=True),
        DaysOfTimes("at", beside=True),
        Choice("action", labels=actions, on=_is_action),
        Choice("subject_type", labels=SUBJECTS),
        Part("subject_id", most=64, any_case=False),
    )


class AuditLog(Screen):
    """A list of audit entries, each with the values before and after."""

    datamodel = PortalInterface(AuditEntry)
    methods = frozenset({"list", "show"})
    row_rule = "<key:entry_key>"
    named_by = "subject"
    history = False
    link_column = "at"
    base_order = ("at", "desc")
    order_columns: ClassVar = ["at"]
    list_columns: ClassVar = ["at", "actor", "action", "subject"]
    file_columns: ClassVar = [*("at", "actor", "role", "action", "subject", "address", "request_id", "before", "after")]
    show_fieldsets: ClassVar = [
        (None, {"fields": ["at", "actor", "role", "action", "subject", "address", "request_id"]})
    ]
    filters: ClassVar[Sequence[DeclaredFilter]] = filters_by(ACTIONS)
    label_columns: ClassVar = {
        "at": lazy_gettext("Date and time"),
        "actor": lazy_gettext("Person"),
        "role": lazy_gettext("Role"),
        "action": lazy_gettext("What was done"),
        "subject": lazy_gettext("What was changed"),
        "subject_type": lazy_gettext("Kind of subject"),
        "subject_id": lazy_gettext("ID of the subject"),
        "address": lazy_gettext("IP address"),
        "request_id": lazy_gettext("Request ID"),
        "before": lazy_gettext("Before"),
        "after": lazy_gettext("After"),
    }
    formatters_columns: ClassVar = {
        "actor": formats.TEXT,
        "role": formats.TEXT,
        "action": formats.TEXT,
        "subject": formats.TEXT,
        "address": formats.CODE,
        "request_id": formats.CODE,
        "before": formats.TEXT,
        "after": formats.TEXT,
    }

    def name_of(self, row: AuditEntry) -> str:
        """Return the kind and the ID of the subject of an entry."""
        return f"{SUBJECTS.get(row.subject_type, row.subject_type)} {row.subject_id}"

    def window_details(self, row: AuditEntry) -> Sequence[str]:
        """Return when an entry was written and its number: a subject can have several entries of the same second."""
        return [clock.screen_time(row.at), f"#{row.id}"]

    def value(self, row: AuditEntry, name: str) -> Any:
        """Return what a column shows of an entry."""
        match name:
            case "action":
                return str(action_label(row.action))
            case "subject":
                return self.name_of(row)
            case "before" | "after":
                values = getattr(row, name)
                return None if values is None else json.dumps(values, ensure_ascii=False, sort_keys=True)
            case _:
                return super().value(row, name)

    def changes(self, row: AuditEntry) -> Table | None:
        """Return the table of the changed columns, named as on the screen of the subject."""
        screen = _screen_of(row.subject_type, tenantless=self.tenantless)

        def text(values: dict[str, Any] | None, name: str) -> str | None:
            if screen is not None:
                return recorded_value(screen, values, name)
            value = (values or {}).get(name)
            return None if value is None else str(value)

        return filled_table(
            [
                (gettext("Item"), formats.PLAIN, lambda name: screen.label_alone(name) if screen else name),
                (gettext("Before"), VALUE, lambda name: text(row.before, name)),
                (gettext("After"), VALUE, lambda name: text(row.after, name)),
            ],
            informative_names(screen, row) if screen is not None else row.names,
            title=gettext("Changes"),
        )


def _screen_of(subject_type: str, *, tenantless: bool) -> Any:
    """Return the screen with the change history of a type of subjects, or else any of their screens; None without one.

    :param tenantless: whether a screen for NEC's staff is preferred, which may show more than that of the tenant.
    """
    found = [each for each in current_app.extensions["screens"].values() if each.model.__name__ == subject_type]
    return min(found, key=lambda each: (not has_history(each), each.tenantless != tenantless), default=None)


class AuditLogView(AuditLog):
    """The entries of the tenant."""

    labels = Labels(
        lazy_gettext("entry of the operation log"),
        lazy_gettext("Operation log"),
        "history",
        {
            "empty": N_("Nothing has been recorded yet."),
            "empty_hint": N_("Changes made in this tenant are recorded here."),
            "show_all": N_("Show all entries"),
        },
    )
    route_base = "/audit-log"
    class_permission_name = "AuditLog"

    def base_conditions(self) -> list[Any]:
        """Return the condition for the entries of the tenant."""
        return [*super().base_conditions(), AuditEntry.tenant_id == g.identity.tenant.id]
