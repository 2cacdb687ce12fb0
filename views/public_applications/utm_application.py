"""The form with which a customer applies for more UTMs without an account (§8.3), under a URL made for the customer."""

from __future__ import annotations

from typing import Any

from flask import current_app, g
from flask_appbuilder import expose
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import clock
from models.applications import utm_rules
from models.applications.utm_application import UtmApplication
from models.customers.customer import Customer
from models.errors import N_
from models.scope import tenant_session
from views.base import render
from views.confirmation import validates_first
from views.public_applications.brand import brand_of
from views.public_applications.links import read_utm_form
from views.public_applications.steps import REFUSED, UNKNOWN, PublicFormView, closed, settings_of, visitor
from views.public_applications.utm_form import UtmApplicationForm


class PublicUtmApplicationView(PublicFormView):
    """UTM追加申請 by a customer. The page does not name the customer, because URLs are passed on."""

    route_base = "/apply-utm"
    class_permission_name = "PublicUtmApplication"
    application_class = UtmApplication
    form_template = "public_applications/utm_application.html"
    heading = N_("UTM application")

    @validates_first
    @expose("/<string:signed>", methods=["GET", "POST"])
    def apply(self, signed: str) -> Any:
        """Show a step of the form, or store the application."""
        invitation = read_utm_form(signed)
        if invitation is None:
            return closed(UNKNOWN)
        with tenant_session(invitation.tenant_id) as session:
            settings = settings_of(session, invitation.tenant_id, invitation.number)
            if isinstance(settings, int):
                return closed(settings)
            g.utm_customer = _customer(session, invitation.customer_id)
            if g.utm_customer is None:
                return closed(UNKNOWN)
            if not settings.utm_applications:
                brand = brand_of(session, invitation.tenant_id, settings)
                return render("public_applications/switched_off.html", brand=brand), REFUSED
            return self.respond(session, invitation.tenant_id, settings, signed)

    @expose("/sent/<string:receipt>")
    def sent(self, receipt: str) -> Any:
        """Say that the application was received."""
        return self.sent_page(receipt, "public_applications/utm_sent.html")

    def new_form(self, session: Session) -> UtmApplicationForm:
        """Return the form of this request."""
        return UtmApplicationForm()

    def send(self, session: Session, form: Any) -> UtmApplication:
        """Store the application and send the mails."""
        return utm_rules.receive(
            session,
            g.utm_customer,
            form.entered(),
            now=clock.utc_now(),
            by=visitor(form.applicant_email.data),
            portal_url=current_app.config["PORTAL_URL"],
        )


def _customer(session: Session, customer_id: str) -> Customer | None:
    return session.scalar(select(Customer).where(Customer.id == customer_id, Customer.deleted_at.is_(None)))
