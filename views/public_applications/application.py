"""The application form of a tenant (§8.2.1), under the URL that the tenant gives to companies."""

from __future__ import annotations

from typing import Any

from flask import request, url_for
from flask_appbuilder import expose
from sqlalchemy.orm import Session

from models import clock
from models.applications import extra_question, rules
from models.applications.application import ServiceApplication
from models.errors import N_
from models.scope import tenant_session
from models.tenants import access_origin
from views.base import render
from views.confirmation import validates_first
from views.public_applications import form_pass
from views.public_applications.application_form import ApplicationForm, form_with
from views.public_applications.brand import brand_of
from views.public_applications.links import confirmation_url, read_invitation
from views.public_applications.steps import REFUSED, UNKNOWN, PublicFormView, closed, settings_of


class PublicApplicationView(PublicFormView):
    """サービス利用申請 by a company."""

    route_base = "/apply"
    class_permission_name = "PublicApplication"
    application_class = ServiceApplication
    form_template = "public_applications/application.html"
    heading = N_("Service application")

    @validates_first
    @expose("/<string:signed>", methods=["GET", "POST"])
    def apply(self, signed: str) -> Any:
        """Show a step of the form, or store the application and mail the link that confirms it."""
        invitation = read_invitation(signed)
        if invitation is None:
            return closed(UNKNOWN)
        with tenant_session(invitation.tenant_id) as session:
            settings = settings_of(session, *invitation)
            if isinstance(settings, int):
                return closed(settings)
            if not _may_open(session, signed):
                return render(
                    "public_applications/refused.html", brand=brand_of(session, invitation.tenant_id, settings)
                ), REFUSED
            return self.respond(session, invitation.tenant_id, settings, signed)

    @expose("/sent/<string:receipt>")
    def sent(self, receipt: str) -> Any:
        """Say that the mail was sent."""
        return self.sent_page(receipt, "public_applications/sent.html")

    def new_form(self, session: Session) -> ApplicationForm:
        """Return the form of this request, with the tenant's extra questions."""
        return form_with(extra_question.in_use(session))

    def send(self, session: Session, form: Any) -> ServiceApplication:
        """Store the application and mail the link."""
        return rules.submit(session, form.entered(), now=clock.utc_now(), url_of=confirmation_url)


def _may_open(session: Session, signed: str) -> bool:
    """Return whether this request may see the form (サービス申込みページアクセス許可URL).

    Its own steps carry a pass. A request from the form's own page is a change of the language.
    """
    if form_pass.is_pass(request.form.get(form_pass.FIELD, ""), signed):
        return True
    own = url_for("PublicApplicationView.apply", signed=signed, _external=True)
    return request.referrer == own or access_origin.allows(session, request.referrer)
