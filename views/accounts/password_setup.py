"""Setting a password through a one-time link. Nobody is signed in here; the link says who it is for."""

from __future__ import annotations

from typing import Any

from flask import Response, current_app, redirect, url_for
from flask_appbuilder import expose
from flask_babel import gettext, lazy_gettext
from flask_wtf import FlaskForm
from flask_wtf.csrf import CSRFError
from wtforms import PasswordField
from wtforms.validators import EqualTo, InputRequired

from models import clock
from models.accounts import password_link, password_policy, password_rules
from models.db import db
from models.errors import DomainError
from views.accounts.sign_in import end_session
from views.base import PortalView, actor, render
from views.flashes import flash_success


class PasswordSetupForm(FlaskForm):
    """A new password, twice."""

    password = PasswordField(
        lazy_gettext("New password"),
        [InputRequired(lazy_gettext("Enter the password."))],
        render_kw={"autocomplete": "new-password"},
    )
    confirmation = PasswordField(
        lazy_gettext("New password (confirmation)"),
        [
            InputRequired(lazy_gettext("Enter the same password again.")),
            EqualTo("password", lazy_gettext("The two passwords differ.")),
        ],
        render_kw={"autocomplete": "new-password"},
    )

    def refuse_faults(self, email: str) -> bool:
        """Put what is wrong with the password on its field; True when something is."""
        faults = password_policy.faults(self.password.data, email)
        self.password.errors = [*self.password.errors, *(gettext(fault) for fault in faults)]
        return bool(faults)


class PasswordSetupView(PortalView):
    """Where a password link leads."""

    route_base = "/setup"
    class_permission_name = "PasswordSetup"

    def create_blueprint(self, *args: Any, **kwargs: Any) -> Any:
        """FAB's blueprint, whose pages tell nobody their address: the link is in it."""
        blueprint = super().create_blueprint(*args, **kwargs)
        blueprint.after_request(_tell_no_address)
        # Such a page sends no Referer, and Flask-WTF's general check refuses that on https. The form still checks its
        # token, here below.
        current_app.extensions["csrf"].exempt(blueprint)
        return blueprint

    @expose("/<string:token>", methods=["GET", "POST"])
    def setup(self, token: str) -> Any:
        """Ask for a password and set it. Looking uses nothing up: mail programmes open links too."""
        link = password_link.open_link(db.session(), token, now=clock.utc_now())
        if link is None:
            return _no_link()
        form = PasswordSetupForm()
        valid = form.validate_on_submit()
        if "csrf_token" in form.errors:
            raise CSRFError
        if valid and not form.refuse_faults(link.user.email):
            return _use(token, form.password.data, link.user)
        page = render("accounts/password_setup.html", form=form, email=link.user.email, symbols=password_policy.SYMBOLS)
        return page, 422 if form.is_submitted() else 200


def _use(token: str, password: str, user: Any) -> Any:
    try:
        password_rules.use_link(db.session(), token, password, now=clock.utc_now(), by=actor(user))
        db.session.flush()
    except DomainError:  # somebody else used the link since it was looked up
        db.session.rollback()
        return _no_link()
    # Whoever was signed in in this browser is not who goes on.
    end_session()
    flash_success(gettext("The password has been set. Sign in with it."))
    return redirect(url_for("SignInView.login"))


def _no_link() -> tuple[str, int]:
    """One answer to every link that opens nothing, so that it does not tell which links there were."""
    return render("accounts/password_setup.html", form=None, support_email=current_app.config["SUPPORT_EMAIL"]), 404


def _tell_no_address(response: Response) -> Response:
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
