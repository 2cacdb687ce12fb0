"""Signing in with a passkey instead of the password, for users whose tenants allow it."""

from __future__ import annotations

from typing import Any

from flask import abort, current_app, redirect, request, url_for
from flask_appbuilder import expose
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response

from models import clock
from models.accounts import passkey, second_step
from models.db import db
from views.accounts import passkey_challenge, pending_step
from views.accounts.passkey_challenge import site
from views.accounts.sign_in import begin_session
from views.base import PortalView, actor
from views.flashes import flash_warning

_PURPOSE = "sign-in"


class PasskeySignInView(PortalView):
    """The button パスキーでサインイン on the sign-in page."""

    route_base = "/passkey-sign-in"
    class_permission_name = "PasskeySignIn"

    @expose("/options")
    def options(self) -> Response:
        """Return the options with which the browser uses a passkey, whoever's it is."""
        at = site()
        if at is None:
            abort(404)
        options, challenge = passkey.request_options(at, (), alone=True)
        return passkey_challenge.send(options, challenge, _PURPOSE)

    @expose("/", methods=["POST"])
    def sign_in(self) -> Any:
        """Sign the user of a passkey in."""
        if current_user.is_authenticated:
            return redirect(url_for("HomeView.index"))
        signed = passkey_challenge.take(request.form.get("passkey"), _PURPOSE)
        if signed is not None:
            person = second_step.sign_in_with_passkey(
                db.session(),
                signed,
                for_nec=current_app.config["NEC_PASSKEY_SIGN_IN"],
                now=clock.utc_now(),
                by=actor(),
            )
            if person is not None:
                return begin_session(person, request.args)
        flash_warning(
            gettext("You could not be signed in with the passkey. If your tenant does not allow it, use your password.")
        )
        return redirect(url_for("SignInView.login", **pending_step.destination()))
