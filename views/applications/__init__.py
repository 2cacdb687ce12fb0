"""Screens for service applications."""

from __future__ import annotations

from models.errors import N_
from views.applications.extra_questions import ApplicationFieldView
from views.register import Rights

SCREENS = (ApplicationFieldView,)
RIGHTS = {
    "ApplicationFields": Rights(
        N_("Service application: additional items"),
        staff=("can_list", "can_add", "can_edit", "can_move", "can_retire", "can_restore"),
        labels={"can_move": N_("Change the order"), "can_retire": N_("Retire")},
    )
}
