"""Signing in and out (§3.1, §6.1)."""

from __future__ import annotations

from flask import current_app, flash, redirect, request, session, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.views import AuthDBView
from flask_babel import gettext, lazy_gettext
from flask_login import current_user, login_user, logout_user
from flask_wtf import FlaskForm
from sqlalchemy import select
from werkzeug.wrappers import Response
from wtforms import EmailField, PasswordField
from wtforms.validators import InputRequired

from models import audit, clock
from models.accounts import password_policy, user
from models.accounts.membership import Membership
from models.accounts.user import EMAIL_LENGTH
from models.db import db
from models.mail import outbox
from views.base import actor, render
from views.forms.fields import AtMost
from views.redirects import local_path

_WRONG = lazy_gettext("The email address or the password is wrong.")


class SignInForm(FlaskForm):
    """What signing in asks for."""

    email = EmailField(
        lazy_gettext("Email address"),
        [InputRequired(lazy_gettext("Enter the email address.")), AtMost(EMAIL_LENGTH)],
        render_kw={"autocomplete": "username", "autofocus": True},
    )
    password = PasswordField(
        lazy_gettext("Password"),
        [InputRequired(lazy_gettext("Enter the password.")), AtMost(password_policy.MOST)],
        render_kw={"autocomplete": "current-password"},
    )


class SignInView(AuthDBView):
    """The public door. FAB knows it as its ``auth_view``."""

    @expose("/login/", methods=["GET", "POST"])
    def login(self) -> Response | str:
        """Ask for address and password, and let the right ones in."""
        if current_user.is_authenticated:
            return redirect(url_for("HomeView.index"))
        form = SignInForm()
        if form.validate_on_submit():
            found = _signed_in_user(form.email.data, form.password.data)
            if found is not None:
                return _begin_session(found)
            flash(_WRONG, "danger")
        return render("accounts/sign_in.html", form=form, **_demo_accounts()), 401 if form.is_submitted() else 200

    @expose("/logout/", methods=["POST"])
    def logout(self) -> Response:
        """End the session."""
        audit.record(db.session(), "sign_out", ("User", current_user.id), by=actor())
        db.session.commit()
        logout_user()
        session.clear()
        flash(gettext("You have signed out."), "success")
        return redirect(url_for("SignInView.login"))


def _signed_in_user(email: str, password: str) -> user.User | None:
    """The user whose address and password these are, None for every other case, told apart by nothing."""
    now = clock.utc_now()
    found = user.find_by_email(db.session(), email)
    right = user.password_matches(found, password)
    by = actor(found)
    accepted = right and found.active and not user.is_locked(found, now=now)
    if accepted:
        user.note_sign_in(db.session(), found, now=now, by=by)
        if user.needs_rehash(found):
            found.password = user.hash_password(password)
    elif found is not None and not right:
        locked = user.count_failure(
            db.session(),
            found,
            now=now,
            limit=current_app.config["LOCK_AFTER_FAILURES"],
            lock_for=current_app.config["LOCK_FOR"],
            by=by,
        )
        if locked:
            values = {"Email": found.email, "PortalUrl": current_app.config["PORTAL_URL"]}
            outbox.write(db.session(), "account_locked", found.email, values, now=now)
    else:
        audit.record(db.session(), "sign_in.refused", ("User", found.id if found else 0), by=by)
    db.session.commit()
    return found if accepted else None


def _begin_session(found: user.User) -> Response:
    """A new session, in the user's tenant where there is only one."""
    # Nothing of an earlier visitor of this browser may reach the new user.
    session.clear()
    session.permanent = True
    login_user(found)
    tenants = db.session.scalars(select(Membership.tenant_id).where(Membership.user_id == found.id).limit(2)).all()
    if len(tenants) == 1 and not found.roles:
        session["tenant_id"] = tenants[0]
        return redirect(local_path(request.args.get("next")) or url_for("HomeView.index"))
    return redirect(url_for("TenantView.list"))


def _demo_accounts() -> dict[str, object]:
    if not current_app.config["PORTAL_DEMO"]:
        return {"demo_accounts": [], "demo_password": None}
    return {
        "demo_accounts": [
            ("operator@example.jp", gettext("Operator of one tenant")),
            ("multi@example.jp", gettext("Operator and viewer of two tenants")),
            ("viewer@example.jp", gettext("Looks, changes nothing")),
            ("staff@example.jp", gettext("NEC staff, every tenant")),
            ("admin@example.jp", gettext("NEC administrator")),
        ],
        "demo_password": "Mimamori-2026!",
    }
