"""The page behind the link in the mail サービス申込み確認 (§8.2). It requires no sign-in.

Opening the link confirms nothing, because mail scanners open links too. The applicant checks what was entered and confirms
it by a POST.
"""

from __future__ import annotations

from typing import Any

from flask import current_app, request
from flask_appbuilder import expose
from flask_wtf import FlaskForm
from flask_wtf.csrf import CSRFError
from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from models import clock
from models.applications import rules
from models.applications.application import ApplicationAnswer, ServiceApplication
from models.errors import Gone
from models.notifications.address import LinkState
from models.scope import tenant_session
from views.base import render
from views.confirmation import validates_first
from views.mailed_link import MailedLinkView
from views.public_applications.brand import brand_of
from views.public_applications.details import details
from views.public_applications.steps import UNKNOWN, closed, visitor

_DONE = "done"
_STATUS = {_DONE: 200, LinkState.OPEN: 200, LinkState.USED: 200, LinkState.EXPIRED: 410}


class ApplicationConfirmationView(MailedLinkView):
    """The confirmation of an application through a mailed link."""

    route_base = "/confirm-application"
    class_permission_name = "ApplicationConfirmation"

    @validates_first
    @expose("/<string:application_token>", methods=["GET", "POST"])
    def confirm(self, application_token: str) -> Any:
        """Show what was entered and the state of the link; on POST, confirm the application."""
        tenant_id = rules.tenant_of(application_token)
        form = FlaskForm()
        if form.is_submitted() and not form.validate():
            raise CSRFError
        if tenant_id is None:
            return closed(UNKNOWN)
        with tenant_session(tenant_id) as session, session.begin():
            application = rules.look_up(session, application_token)
            if application is None:  # deleted in the meantime
                return closed(UNKNOWN)
            try:
                state = _state(session, application, confirming=request.method == "POST")
            except Gone:
                return closed(UNKNOWN)
            page = render(
                "public_applications/confirmation.html",
                state=state,
                number=application.id,
                applied_at=application.applied_at,
                parts=details(_with_parts(session, application)) if state == LinkState.OPEN else (),
                brand=brand_of(session, tenant_id),
            )
            return page, _STATUS[state]


def _state(session: Session, application: ServiceApplication, *, confirming: bool) -> str:
    now = clock.utc_now()
    if not confirming:
        return rules.link_state(application, now=now)
    by = visitor(application.email)
    state = rules.confirm(session, application, now=now, by=by, portal_url=current_app.config["PORTAL_URL"])
    session.flush()
    return _DONE if state == LinkState.OPEN else state


def _with_parts(session: Session, application: ServiceApplication) -> ServiceApplication:
    """Return an application with its rows in other tables."""
    return session.scalars(
        select(ServiceApplication)
        .where(ServiceApplication.id == application.id)
        .options(
            selectinload(ServiceApplication.deliveries),
            selectinload(ServiceApplication.users),
            selectinload(ServiceApplication.answers).joinedload(ApplicationAnswer.field),
        )
        .execution_options(populate_existing=True)
    ).one()
