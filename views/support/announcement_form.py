"""The form of an announcement."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from flask_babel import gettext, lazy_gettext
from wtforms import BooleanField, DateField, SelectMultipleField
from wtforms.validators import InputRequired, Optional
from wtforms.widgets import CheckboxInput, ListWidget

from models.support.announcement import BODY_LENGTH, TITLE_LENGTH
from models.support.announcement_rules import ENDS_BEFORE_START, NO_TENANT
from views.forms.fields import MaxLength, MemoField, OneLine, Required, TextField
from views.screen.form import ScreenForm

_COLUMNS = ("title", "body", "starts_on", "ends_on", "important")


class AnnouncementForm(ScreenForm):
    """The title, the text, the display period and the tenants of an announcement."""

    fieldsets: ClassVar = [
        (None, {"fields": ["title", "body", "important"]}),
        (lazy_gettext("Display period"), {"fields": ["starts_on", "ends_on"]}),
        (lazy_gettext("Meant for"), {"fields": ["for_all", "tenants"]}),
    ]
    widths: ClassVar = {"starts_on": "col-12 col-md-6", "ends_on": "col-12 col-md-6"}

    title = TextField(lazy_gettext("Title"), [Required(), MaxLength(TITLE_LENGTH), OneLine()])
    body = MemoField(lazy_gettext("Text"), [Required(), MaxLength(BODY_LENGTH)], render_kw={"rows": 10})
    important = BooleanField(
        lazy_gettext("Important"), description=lazy_gettext("Important announcements come first in the list.")
    )
    starts_on = DateField(lazy_gettext("First day"), [InputRequired()])
    ends_on = DateField(lazy_gettext("Last day"), [Optional()], description=lazy_gettext("Left empty, it has no end."))
    for_all = BooleanField(lazy_gettext("All tenants"), default=True)
    tenants = SelectMultipleField(
        lazy_gettext("Tenant"),
        choices=[],
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
        description=lazy_gettext("Only if it is not meant for all tenants."),
    )

    def set_choices(self, tenants: Iterable[Any]) -> None:
        """Set the tenants that can be chosen."""
        self.tenants.choices = [(each.id, f"{each.id} {each.name}") for each in tenants]

    def validate(self, extra_validators: Any = None) -> bool:
        """Validate the fields, the order of the two days, and that somebody is meant."""
        good: bool = super().validate(extra_validators)
        if not good:
            return False
        if self.ends_on.data and self.ends_on.data < self.starts_on.data:
            self.ends_on.errors = [gettext(ENDS_BEFORE_START)]
        if not self.for_all.data and not self.tenants.data:
            self.tenants.errors = [gettext(NO_TENANT)]
        return not self.ends_on.errors and not self.tenants.errors

    def values(self) -> dict[str, Any]:
        """Return the values to store."""
        tenant_ids = None if self.for_all.data else sorted(set(self.tenants.data))
        return {name: self[name].data for name in _COLUMNS} | {"tenant_ids": tenant_ids}

    def stored(self, row: Any) -> dict[str, Any]:
        """Return the value of each field for an announcement."""
        audience = {"for_all": row.tenant_ids is None, "tenants": list(row.tenant_ids or ())}
        return {name: getattr(row, name) for name in _COLUMNS} | audience
