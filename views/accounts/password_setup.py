"""The page to set a password through a one-time link. It needs no sign-in: the link identifies the user."""

from __future__ import annotations

from typing import Any

from flask import current_app, redirect, url_for
from flask_appbuilder import expose
from flask_babel import gettext
from flask_wtf.csrf import CSRFError

from models import clock
from models.accounts import password_link, password_policy, password_rules
from models.db import db
from models.errors import DomainError
from views.accounts.new_password_form import NewPasswordForm
from views.accounts.sign_in import end_session
from views.base import actor, render
from views.flashes import flash_success
from views.mailed_link import MailedLinkView


class PasswordSetupView(MailedLinkView):
    """The page of a password link."""

    route_base = "/setup"
    class_permission_name = "PasswordSetup"

    @expose("/<string:token>", methods=["GET", "POST"])
    def setup(self, token: str) -> Any:
        """Ask for a password and set it. A GET request does not use the link up: mail programs open links, too."""
        link = password_link.open_link(db.session(), token, now=clock.utc_now())
        if link is None:
            return _no_link()
        form = NewPasswordForm()
        valid = form.validate_on_submit()
        if "csrf_token" in form.errors:
            raise CSRFError
        if valid and not form.add_policy_errors(link.user):
            return _use(token, form.password.data, link.user)
        page = render("accounts/password_setup.html", form=form, email=link.user.email, symbols=password_policy.SYMBOLS)
        return page, 422 if form.is_submitted() else 200


def _use(token: str, password: str, user: Any) -> Any:
    try:
        password_rules.use_link(db.session(), token, password, now=clock.utc_now(), by=actor(user))
        db.session.flush()
    except DomainError:  # the link was used or revoked since it was looked up
        db.session.rollback()
        return _no_link()
    # Another user may still be signed in in this browser.
    end_session()
    flash_success(gettext("The password has been set. Sign in with it."))
    return redirect(url_for("SignInView.login"))


def _no_link() -> tuple[str, int]:
    """Return the same response for every invalid link, so that it does not reveal which links have existed."""
    return render("accounts/password_setup.html", form=None, support_email=current_app.config["SUPPORT_EMAIL"]), 404
