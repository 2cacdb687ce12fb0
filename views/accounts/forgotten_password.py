"""パスワード再設定画面 (§12): a link by mail for users who have forgotten their password. It needs no sign-in."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from flask import current_app, redirect, request, url_for
from flask_appbuilder import expose
from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms.validators import InputRequired

from models import clock
from models.accounts import password_request
from models.accounts.user import EMAIL_LENGTH, clean_email
from models.db import db
from views.base import PortalView, actor, render
from views.forms.fields import EmailAddressField, MaxLength, ValidEmail


class ForgottenPasswordForm(FlaskForm):
    """The email address of an account."""

    email = EmailAddressField(
        lazy_gettext("Email address"),
        [InputRequired(lazy_gettext("Enter the email address.")), MaxLength(EMAIL_LENGTH), ValidEmail()],
        render_kw={"autocomplete": "username"},
    )


class ForgottenPasswordView(PortalView):
    """The form for the address. Its response is the same whether or not there is a user with that address."""

    route_base = "/forgotten-password"
    class_permission_name = "ForgottenPassword"

    @expose("/", methods=["GET", "POST"])
    def ask(self) -> Any:
        """Ask for the email address, and have a link mailed to it."""
        form = ForgottenPasswordForm()
        if form.validate_on_submit():
            password_request.add(db.session(), form.email.data, now=clock.utc_now(), by=actor())
            return redirect(url_for("ForgottenPasswordView.sent"))
        return render("accounts/forgotten_password.html", form=form), 422 if form.is_submitted() else 200

    @expose("/sent", methods=["GET"])
    def sent(self) -> str:
        """Say that a mail has been sent if there is a user with the address."""
        return render("accounts/forgotten_password.html", form=None, support_email=current_app.config["SUPPORT_EMAIL"])


def typed_address() -> str:
    """Return the key by which requests for the same address are counted, from all IP addresses together."""
    typed = clean_email(request.form.get("email", ""))
    return f"forgotten password of {sha256(typed.encode('utf-8', 'surrogatepass')).hexdigest()}"
