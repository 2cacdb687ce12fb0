"""ユーザ情報入力 (§2.2): registration by the link of an invitation, in two steps. It needs no sign-in.

Opening the link changes nothing, because mail scanners open links too. The steps work without JavaScript.
"""

from __future__ import annotations

from typing import Any

from flask import current_app, g, request
from flask_appbuilder import expose
from flask_wtf.csrf import CSRFError
from sqlalchemy.orm import Session

from models import clock
from models.accounts import invitation_rules, password_policy, registration
from models.accounts.invitation import UserInvitation
from models.accounts.registration import Step
from models.actor import Actor
from models.errors import DomainError
from models.scope import tenant_session
from views.accounts.profile_form import RegistrationCheckForm, RegistrationForm
from views.accounts.sign_in import end_session
from views.base import render
from views.confirmation import validates_first
from views.forms.errors import add_error
from views.mailed_link import MailedLinkView
from views.transaction import commit_despite_error_status

_UNKNOWN = "unknown"
_DONE = "done"
_JOINED = "joined"
_STATUS = {Step.EXPIRED: 410, Step.WITHDRAWN: 410, Step.INACTIVE: 410, _UNKNOWN: 404}


class RegistrationView(MailedLinkView):
    """The pages behind the link of an invitation."""

    route_base = "/register"
    class_permission_name = "Registration"

    @validates_first
    @expose("/<string:invitation_token>", methods=["GET", "POST"])
    def register(self, invitation_token: str) -> Any:
        """Show a step of the registration, or the state of the link; on POST, take the step."""
        tenant_id = invitation_rules.tenant_of(invitation_token)
        form = RegistrationForm()
        if form.is_submitted() and not form.validate() and "csrf_token" in form.errors:
            raise CSRFError
        if tenant_id is None:
            return _closed(_UNKNOWN)
        with tenant_session(tenant_id) as session, session.begin():
            invitation = invitation_rules.look_up(session, invitation_token)
            if invitation is None:  # a newer mail was sent in the meantime
                return _closed(_UNKNOWN)
            return _respond(session, invitation, form)


def _respond(session: Session, invitation: UserInvitation, form: RegistrationForm) -> Any:
    step = registration.step_of(session, invitation, now=clock.utc_now())
    if step == Step.JOIN:
        return _join(session, invitation)
    if step != Step.REGISTER:
        return _closed(step)
    if request.method == "POST" and "register" in request.form:
        return _register(session, invitation)
    if request.method == "POST" and "back" not in request.form:
        return _enter(session, invitation, form)
    # Back from the second step: what was typed, without the errors of the empty password.
    return _form_page(invitation, RegistrationForm(formdata=request.form or None))


def _enter(session: Session, invitation: UserInvitation, form: RegistrationForm) -> Any:
    """Take the first step: keep the password's hash, and show what was typed."""
    words = registration.words_of(invitation, form.profile())
    if not form.validate() or form.add_policy_errors(invitation.email, words):
        return _form_page(invitation, form), 422
    try:
        entry = registration.enter(session, invitation, form.password.data, form.profile(), now=clock.utc_now())
    except DomainError as error:
        add_error(form, error)
        return _form_page(invitation, form), 422
    return render("accounts/registration_check.html", invitation=invitation, profile=form.profile(), entry=entry)


def _register(session: Session, invitation: UserInvitation) -> Any:
    """Take the second step: create the user."""
    form = RegistrationCheckForm()
    back = RegistrationForm()
    if not form.validate():
        back.validate()
        return _form_page(invitation, back), 422
    try:
        user = registration.register(
            session,
            invitation,
            form.profile(),
            entry=form.entry_number,
            now=clock.utc_now(),
            by=_visitor(invitation),
        )
    except DomainError as error:
        add_error(back, error)
        return _form_page(invitation, back), 422
    if user is None:
        return _closed(registration.step_of(session, invitation, now=clock.utc_now()))
    _end_other_session()
    return _done(_DONE, email=user.email, name=user.get_full_name())


def _join(session: Session, invitation: UserInvitation) -> Any:
    """Add somebody who has become a user since the invitation."""
    if request.method != "POST":
        return render("accounts/registration_join.html", invitation=invitation)
    if not registration.join(session, invitation, now=clock.utc_now(), by=_visitor(invitation)):
        return _closed(registration.step_of(session, invitation, now=clock.utc_now()))
    _end_other_session()
    return _done(_JOINED, email=invitation.email)


def _form_page(invitation: UserInvitation, form: RegistrationForm) -> str:
    return render("accounts/registration.html", form=form, invitation=invitation, symbols=password_policy.SYMBOLS)


def _done(state: str, **facts: str) -> str:
    return render("accounts/registration_end.html", state=state, **facts)


def _closed(state: str) -> tuple[str, int]:
    page = render("accounts/registration_end.html", state=state, support_email=current_app.config["SUPPORT_EMAIL"])
    return page, _STATUS.get(state, 200)


def _end_other_session() -> None:
    """End the session of whoever is still signed in in this browser, so that sign-in asks for the new user."""
    end_session()
    commit_despite_error_status()


def _visitor(invitation: UserInvitation) -> Actor:
    return Actor(invitation.email, address=request.remote_addr, request_id=g.get("request_id"))
