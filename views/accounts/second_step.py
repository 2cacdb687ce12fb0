"""The second step of signing in: a code, or a passkey, of a user whose password was correct."""

from __future__ import annotations

from typing import Any

from flask import abort, current_app, redirect, request, url_for
from flask_appbuilder import expose
from flask_babel import gettext, lazy_gettext
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import StringField
from wtforms.validators import InputRequired

from models import clock
from models.accounts import passkey, second_step
from models.accounts.identity import SignedIn
from models.accounts.second_factor import WRONG_CODE
from models.accounts.second_step import StepOver
from models.accounts.sign_in_rules import Locking, SecondStep
from models.db import db
from views.accounts import passkey_challenge, pending_step
from views.accounts.passkey_challenge import site
from views.accounts.sign_in import begin_session
from views.base import PortalView, actor, render
from views.flashes import flash_error, flash_warning
from views.forms.fields import MaxLength
from views.transaction import commit_despite_error_status

CODE_LENGTH = 40
"""More than any code has, with blanks or hyphens."""

_PURPOSE = "second step"


class SecondStepForm(FlaskForm):
    """A code of the authenticator app, or a recovery code."""

    code = StringField(
        lazy_gettext("Code"),
        [InputRequired(lazy_gettext("Enter the code.")), MaxLength(CODE_LENGTH)],
        render_kw={"autocomplete": "one-time-code", "autofocus": True},
    )


class SecondStepView(PortalView):
    """The page after the password."""

    route_base = "/second-step"
    class_permission_name = "SecondStep"

    @expose("/", methods=["GET", "POST"])
    def ask(self) -> Any:
        """Ask for a code or a passkey, and sign the user in if it is correct."""
        step = pending_step.pending()
        if step is None:
            return _begin_again()
        try:
            return self._respond(step, second_step.user_of(db.session(), step))
        except StepOver:
            return _begin_again()

    @expose("/passkey")
    def options(self) -> Response:
        """Return the options with which the browser uses one of the user's passkeys."""
        step, at = pending_step.pending(), site()
        if step is None or at is None:
            abort(404)
        held = passkey.of_user(db.session(), step.user_id)
        if not held:
            abort(404)
        options, challenge = passkey.request_options(at, held, alone=False)
        return passkey_challenge.send(options, challenge, _PURPOSE)

    def _respond(self, step: SecondStep, user: Any) -> Any:
        person = None
        if "passkey" in request.form:
            form = SecondStepForm(formdata=None)
            person = _with_passkey(step)
        else:
            form = SecondStepForm()
            if form.validate_on_submit():
                person = _with_code(step, form.code.data)
        if person is not None:
            return begin_session(person, request.args)
        refused = request.method == "POST"
        if refused:
            # What was wrong is counted or recorded.
            commit_despite_error_status()
        page = render(
            "accounts/second_step.html",
            form=form,
            email=user.email,
            passkeys=site() is not None and bool(passkey.of_user(db.session(), step.user_id)),
            support_email=current_app.config["SUPPORT_EMAIL"],
        )
        return page, 401 if refused else 200


def _begin_again() -> Response:
    pending_step.forget()
    flash_warning(gettext("Signing in took too long, or your account has changed. Sign in again."))
    return redirect(url_for("SignInView.login", **pending_step.destination()))


def _with_code(step: SecondStep, code: str) -> SignedIn | None:
    settings = current_app.config
    person = second_step.complete_with_code(
        db.session(),
        step,
        code,
        locking=Locking(settings["LOCK_AFTER_FAILURES"], settings["LOCK_FOR"], settings["PORTAL_URL"]),
        now=clock.utc_now(),
        by=actor(),
    )
    if person is None:
        flash_error(gettext(WRONG_CODE))
    return person


def _with_passkey(step: SecondStep) -> SignedIn | None:
    signed = passkey_challenge.take(request.form.get("passkey"), _PURPOSE)
    person = None
    if signed is not None:
        person = second_step.complete_with_passkey(db.session(), step, signed, now=clock.utc_now(), by=actor())
    if person is None:
        flash_error(gettext("The passkey was not accepted. Try again."))
    return person
