"""Approve, deny and hold service applications (§8.2.2, §8.2.3)."""

from __future__ import annotations

from typing import Any, ClassVar

from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext

from models.applications import rules
from models.applications.application import ApplicationState, ServiceApplication
from models.applications.rules import Decision
from models.db import db
from models.errors import N_
from views.applications.decision_form import MEMOS, DecisionForm
from views.applications.decisions import DecisionPages, Target, now, portal_url
from views.applications.services import ServiceApplicationView
from views.base import actor
from views.confirmation import validates_first
from views.portal_users.links import portal_user_url
from views.screen.conflict import Difference, differing

HELD_ALREADY = N_("This application is already on hold.")


class ServiceDecisionView(DecisionPages):
    """The decisions of service applications."""

    route_base = "/service-applications"
    class_permission_name = "ServiceApplications"
    done: ClassVar = {
        "approve": N_("The application has been approved. (Application number: %(number)s)"),
        "deny": N_("The application has been denied. (Application number: %(number)s)"),
        "hold": N_("The application has been put on hold."),
    }

    def screen(self) -> ServiceApplicationView:
        """Return the list of service applications."""
        return ServiceApplicationView.of()

    @validates_first
    @expose("/approve", methods=["POST"])
    @expose("/<string:application_id>/approve", methods=["POST"])
    @has_access
    def approve(self, application_id: str | None = None) -> Any:
        """Approve an application: create its customer or link an existing one, with its portal users."""
        return self.decide("approve", application_id)

    @validates_first
    @expose("/deny", methods=["POST"])
    @expose("/<string:application_id>/deny", methods=["POST"])
    @has_access
    def deny(self, application_id: str | None = None) -> Any:
        """Deny an application."""
        return self.decide("deny", application_id)

    @validates_first
    @expose("/hold", methods=["POST"])
    @expose("/<string:application_id>/hold", methods=["POST"])
    @has_access
    def hold(self, application_id: str | None = None) -> Any:
        """Hold an application; from its page, its memos are saved too."""
        return self.decide("hold", application_id)

    def refused(self, name: str, target: Target) -> str | None:
        """Return why the list does not hold an application: it is on hold already."""
        held = name == "hold" and not target.on_page and target.row.state == ApplicationState.HELD
        return gettext(HELD_ALREADY) if held else None

    def run(self, name: str, target: Target, form: DecisionForm) -> None:
        """Carry out a decision."""
        decision = Decision(
            version=target.version,
            now=now(),
            by=actor(),
            portal_url=portal_url(),
            memos=form.memos() if target.on_page else None,
        )
        session, row = db.session(), target.row
        match name:
            case "approve":
                customer_id = form.customer_id.data or None
                rules.approve(session, row, decision=decision, customer_id=customer_id, url_of=portal_user_url)
            case "deny":
                rules.deny(
                    session, row, decision=decision, reason=form.reason.data or "", tell_reason=form.tell_reason.data
                )
            case _:
                rules.hold(session, row, decision=decision)

    def conflict(self, row: ServiceApplication, form: DecisionForm) -> list[Difference]:
        """Return the memos that differ from what was typed."""
        return differing((form[name].label.text, getattr(row, name), form[name].data or "") for name in MEMOS)
