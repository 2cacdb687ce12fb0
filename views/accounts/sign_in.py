"""Sign-in and sign-out (§3.1, §6.1)."""

from __future__ import annotations

from collections.abc import Mapping

from flask import current_app, redirect, request, session, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.views import AuthDBView
from flask_babel import gettext, lazy_gettext
from flask_login import current_user, login_user, logout_user
from flask_wtf import FlaskForm
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response
from wtforms import EmailField, PasswordField
from wtforms.validators import InputRequired

from models import clock
from models.accounts import membership, password_policy, sign_in_rules, user_session
from models.accounts.identity import SignedIn
from models.accounts.sign_in_rules import SecondStep
from models.accounts.user import EMAIL_LENGTH
from models.db import db
from views import form_draft
from views.accounts.passkey_challenge import site
from views.accounts.pending_step import ask_for_second_factor, destination
from views.accounts.restored_form import flash_draft_lost
from views.base import actor, render
from views.flashes import flash_error, flash_success
from views.forms.fields import MaxLength
from views.redirects import local_path
from views.routing import TransactionalRoutes
from views.transaction import commit_despite_error_status

_WRONG = lazy_gettext("The email address or the password is wrong.")


class SignInForm(FlaskForm):
    """The credentials of a sign-in."""

    email = EmailField(
        lazy_gettext("Email address"),
        [InputRequired(lazy_gettext("Enter the email address.")), MaxLength(EMAIL_LENGTH)],
        render_kw={"autocomplete": "username", "autofocus": True},
    )
    password = PasswordField(
        lazy_gettext("Password"),
        [InputRequired(lazy_gettext("Enter the password.")), MaxLength(password_policy.MOST)],
        render_kw={"autocomplete": "current-password"},
    )


class SignInView(TransactionalRoutes, AuthDBView):
    """The sign-in page, registered with FAB as its ``auth_view``."""

    @expose("/login/", methods=["GET", "POST"])
    def login(self) -> Response | tuple[str, int]:
        """Ask for email address and password, and sign the user in if they are correct."""
        if current_user.is_authenticated:
            return _restored(current_user.id, request.args) or redirect(url_for("HomeView.index"))
        form = SignInForm()
        if form.validate_on_submit():
            person = sign_in_rules.sign_in(
                db.session(),
                form.email.data,
                form.password.data,
                lock_after=current_app.config["LOCK_AFTER_FAILURES"],
                lock_for=current_app.config["LOCK_FOR"],
                portal_url=current_app.config["PORTAL_URL"],
                now=clock.utc_now(),
                by=actor(),
            )
            if isinstance(person, SecondStep):
                return ask_for_second_factor(person)
            if person is not None:
                return begin_session(person, request.args)
            commit_despite_error_status()
            flash_error(_WRONG)
        page = render(
            "accounts/sign_in.html",
            form=form,
            passkeys=site() is not None,
            destination=destination(),
            **_demo_accounts(),
        )
        return page, 401 if form.is_submitted() else 200

    @expose("/logout/", methods=["POST"])
    def logout(self) -> Response:
        """End the session."""
        end_session()
        flash_success(gettext("You have signed out."))
        return redirect(url_for("SignInView.login"))


def end_session() -> None:
    """End the session of the user signed in in this browser, if any, and clear the session cookie."""
    if current_user.is_authenticated:
        sign_in_rules.sign_out(db.session(), current_user, by=actor())
    logout_user()
    session.clear()


def begin_session(person: SignedIn, wanted: Mapping[str, str]) -> Response:
    """Record where a session that has just started comes from, and put it into this browser."""
    record_origin(db.session(), person)
    return open_session(person, wanted)


def record_origin(session: Session, person: SignedIn) -> None:
    """Store the browser and the IP address of a person who has just signed in."""
    user_session.record_origin(
        session,
        person.session_token,
        ip_address=request.remote_addr,
        user_agent=request.user_agent.string,
    )


def open_session(person: SignedIn, wanted: Mapping[str, str], *, tenant_id: str | None = None) -> Response:
    """Put a new session into this browser, with the person's tenant selected if there is only one.

    :param wanted: ``next`` and ``draft`` of the sign-in page: what the person wanted before signing in.
    :param tenant_id: the tenant whose single sign-on signed the person in, the only one that the session may enter.
    """
    # No data of a previous user of this browser may reach the new one.
    session.clear()
    session.permanent = True
    login_user(person)
    if (answer := _restored(person.id, wanted, tenant_id)) is not None:
        return answer
    tenant_id = tenant_id or membership.only_tenant(db.session(), person.id)
    if tenant_id is not None:
        session["tenant_id"] = tenant_id
        return redirect(local_path(wanted.get("next")) or url_for("HomeView.index"))
    return redirect(url_for("TenantView.list"))


def _restored(user_id: int, wanted: Mapping[str, str], only_tenant_id: str | None = None) -> Response | None:
    """Lead to the form that was sent before signing in, in its tenant; None when there is none of this user there."""
    draft_id = wanted.get("draft", "")
    draft = form_draft.find(draft_id, user_id)
    if draft is not None and (only_tenant_id is None or draft.tenant_id in ("", only_tenant_id)):
        # Whether the user may still enter it is checked with the next request. NEC staff are asked for the reason then.
        session["tenant_id"] = draft.tenant_id
        return redirect(url_for("RestoredFormView.show", draft=draft_id))
    if draft_id:
        flash_draft_lost()
    return None


def _demo_accounts() -> dict[str, object]:
    if not current_app.config["PORTAL_DEMO"]:
        return {"demo_accounts": [], "demo_password": None}  # nosec B105  # (public, and refused in production)
    return {
        "demo_accounts": [
            ("operator@example.jp", gettext("Operator of one tenant")),
            ("multi@example.jp", gettext("Operator and viewer of two tenants")),
            ("viewer@example.jp", gettext("Looks, changes nothing")),
            ("staff@example.jp", gettext("NEC staff, every tenant")),
            ("admin@example.jp", gettext("NEC administrator")),
        ],
        "demo_password": "Mimamori-2026!",  # nosec B105  # (public, and refused in production)
    }
