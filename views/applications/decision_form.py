"""The form with which an operator decides an application: memos, the customer, the reason of a denial (§8.2.3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import lazy_gettext
from wtforms import BooleanField, RadioField
from wtforms.fields.choices import SelectChoice

from models.applications.application import REASON_LENGTH
from models.applications.duplicates import Duplicate
from views.forms.fields import MaxLength, MemoField, VersionField
from views.screen.form import ScreenForm

MEMOS = ("memo1", "memo2", "memo3")
_MEMO_LENGTH = 255


class UtmDecisionForm(ScreenForm):
    """The decision of a UTM application."""

    reason = MemoField(
        lazy_gettext("Reason for the denial"),
        [MaxLength(REASON_LENGTH)],
        description=lazy_gettext("Only needed if you deny the application."),
        render_kw={"rows": 3},
    )
    tell_reason = BooleanField(lazy_gettext("Include the reason in the mail to the applicant"))
    version = VersionField()


class DecisionForm(UtmDecisionForm):
    """The decision of a service application."""

    memo1 = MemoField(
        lazy_gettext("Memo 1"),
        [MaxLength(_MEMO_LENGTH)],
        description=lazy_gettext("The applicant does not see memos. Approving copies them to the customer."),
        render_kw={"rows": 3},
    )
    memo2 = MemoField(lazy_gettext("Memo 2"), [MaxLength(_MEMO_LENGTH)], render_kw={"rows": 3})
    memo3 = MemoField(lazy_gettext("Memo 3"), [MaxLength(_MEMO_LENGTH)], render_kw={"rows": 3})
    customer_id = RadioField(
        lazy_gettext("Customer"),
        default="",
        invalid_choice_message=lazy_gettext("Choose one of these."),
    )

    def offer(self, duplicates: Sequence[Duplicate]) -> None:
        """Set the customers that the application can be linked to."""
        self.customer_id.choices = [
            SelectChoice("", lazy_gettext("Create a new customer")),
            *(SelectChoice(each.customer.id, f"{each.customer.id} {each.customer.name}") for each in duplicates),
        ]

    def memos(self) -> Mapping[str, str]:
        """Return the memos as entered."""
        return {name: self[name].data for name in MEMOS}

    def stored(self, row: Any) -> dict[str, Any]:
        """Return the values of the fields for an application."""
        return {name: getattr(row, name) for name in MEMOS}
