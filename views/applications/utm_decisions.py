"""Approve and deny UTM applications (§8.3.2, §8.3.3)."""

from __future__ import annotations

from typing import Any, ClassVar

from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access

from models.applications import utm_rules
from models.db import db
from models.errors import N_
from views.applications.decision_form import UtmDecisionForm
from views.applications.decisions import DecisionPages, Target, now
from views.applications.utms import UtmApplicationView
from views.base import actor
from views.confirmation import validates_first


class UtmDecisionView(DecisionPages):
    """The decisions of UTM applications."""

    route_base = "/utm-applications"
    class_permission_name = "UtmApplications"
    done: ClassVar = {
        "approve": N_("The application has been approved. (Application number: %(number)s)"),
        "deny": N_("The application has been denied. (Application number: %(number)s)"),
    }

    def screen(self) -> UtmApplicationView:
        """Return the list of UTM applications."""
        return UtmApplicationView.of()

    @validates_first
    @expose("/approve", methods=["POST"])
    @expose("/<string:utm_application_id>/approve", methods=["POST"])
    @has_access
    def approve(self, utm_application_id: str | None = None) -> Any:
        """Approve an application."""
        return self.decide("approve", utm_application_id)

    @validates_first
    @expose("/deny", methods=["POST"])
    @expose("/<string:utm_application_id>/deny", methods=["POST"])
    @has_access
    def deny(self, utm_application_id: str | None = None) -> Any:
        """Deny an application."""
        return self.decide("deny", utm_application_id)

    def run(self, name: str, target: Target, form: UtmDecisionForm) -> None:
        """Carry out a decision."""
        context: dict[str, Any] = {"version": target.version, "now": now(), "by": actor()}
        if name == "approve":
            utm_rules.approve(db.session(), target.row, **context)
            return
        reason = {"reason": form.reason.data or "", "tell_reason": form.tell_reason.data}
        utm_rules.deny(db.session(), target.row, **context, **reason)
