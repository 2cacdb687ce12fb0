"""パスキー: the signed-in user's own passkeys."""

from __future__ import annotations

from typing import Any

from flask import abort, g, redirect, url_for
from flask_appbuilder import expose
from flask_babel import gettext, lazy_gettext
from flask_wtf import FlaskForm
from sqlalchemy import select
from werkzeug.wrappers import Response

from models.accounts import passkey, second_factor
from models.accounts.passkey import NAME_LENGTH, Passkey
from models.db import db
from models.errors import DomainError
from views.accounts import passkey_challenge
from views.accounts.factor_forms import NewPasskeyForm, confirmation, show_refusal
from views.accounts.new_password_form import CurrentPasswordForm
from views.accounts.passkey_challenge import site
from views.accounts.second_factor import confirmation_page, done
from views.base import PortalView, actor, render
from views.flashes import flash_success
from views.forms.errors import add_error
from views.forms.fields import MaxLength, OneLine, Required, TextField

_PURPOSE = "new passkey"


class PasskeyNameForm(FlaskForm):
    """The name of a passkey."""

    name = TextField(lazy_gettext("Name"), [Required(), MaxLength(NAME_LENGTH), OneLine()])


class PasskeyView(PortalView):
    """Adding, renaming and removing one's own passkeys."""

    route_base = "/passkeys"
    class_permission_name = "Passkeys"

    @expose("/add", methods=["GET", "POST"])
    def add(self) -> Any:
        """Register a passkey that the browser has made."""
        if site() is None:
            abort(404)
        form = NewPasskeyForm()
        if form.validate_on_submit():
            signed = passkey_challenge.take(form.passkey.data, _PURPOSE)
            try:
                codes = second_factor.add_passkey(
                    db.session(), g.identity.user, form.name.data, signed, confirmation(form)
                )
            except DomainError as error:
                show_refusal(form, error, url_for("PasskeyView.add"))
            else:
                flash_success(gettext("The passkey has been added."))
                return done(codes)
        form.passkey.data = ""
        page = render("accounts/passkey_add.html", title=gettext("Add a passkey"), form=form)
        return page, 422 if form.is_submitted() else 200

    @expose("/options")
    def options(self) -> Response:
        """Return the options with which the browser makes a passkey."""
        at, user = site(), g.identity.user
        if at is None:
            abort(404)
        options, challenge = passkey.creation_options(at, user, passkey.of_user(db.session(), user.id))
        return passkey_challenge.send(options, challenge, _PURPOSE)

    @expose("/<key:passkey_id>/name", methods=["GET", "POST"])
    def rename(self, passkey_id: int) -> Any:
        """Give a passkey another name."""
        row = _own(passkey_id)
        form = PasskeyNameForm(data={"name": row.name})
        if form.validate_on_submit():
            try:
                second_factor.rename_passkey(db.session(), row, form.name.data, by=actor())
            except DomainError as error:
                add_error(form, error)
            else:
                flash_success(gettext("The passkey has been renamed."))
                return redirect(url_for("SecondFactorView.show"))
        page = render("accounts/passkey_name.html", title=gettext("Rename the passkey"), form=form)
        return page, 422 if form.is_submitted() else 200

    @expose("/<key:passkey_id>/remove", methods=["GET", "POST"])
    def remove(self, passkey_id: int) -> Any:
        """Remove a passkey, with the password."""
        row = _own(passkey_id)
        form = CurrentPasswordForm()
        if form.validate_on_submit():
            try:
                second_factor.remove_passkey(db.session(), g.identity.user, passkey_id, confirmation(form))
            except DomainError as error:
                show_refusal(form, error, url_for("SecondFactorView.show"))
            else:
                flash_success(gettext("The passkey has been removed."))
                return redirect(url_for("SecondFactorView.show"))
        return confirmation_page(
            form,
            gettext("Remove the passkey"),
            gettext(
                'The passkey "%(name)s" is not accepted any more. Without any second factor, your other sessions end.'
                " Delete it on your device too.",
                name=row.name,
            ),
            danger=True,
        )


def _own(passkey_id: int) -> Passkey:
    """Return a passkey of the signed-in user; 404 for any other."""
    found = db.session.scalar(select(Passkey).where(Passkey.id == passkey_id, Passkey.user_id == g.identity.user.id))
    if found is None:
        abort(404)
    return found
