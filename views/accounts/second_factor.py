"""二要素認証: the signed-in user's own authenticator app, passkeys and recovery codes."""

from __future__ import annotations

import base64
import binascii
from typing import Any

import segno
from flask import g, redirect, session, url_for
from flask_appbuilder import expose
from flask_babel import gettext
from markupsafe import Markup

from models import sealed_secret
from models.accounts import second_factor, totp
from models.accounts.second_factor import Overview
from models.accounts.user import User
from models.db import db
from models.errors import DomainError
from views.accounts import required_factor
from views.accounts.factor_forms import CodeForm, confirmation, show_refusal
from views.accounts.new_password_form import CurrentPasswordForm
from views.accounts.passkey_challenge import site
from views.base import PortalView, render
from views.flashes import flash_success
from views.screen import formats
from views.screen.table import ICON_BUTTON, Button, Empty, Table, filled_table
from views.shown_once import show_token_once, token_to_show

_SECRET = "totp_secret"  # nosec B105  # noqa: S105  (the name of a key)


class SecondFactorView(PortalView):
    """The pages of two-factor authentication, in a tenant or without one."""

    route_base = "/second-factor"
    class_permission_name = "SecondFactor"

    @expose("/")
    def show(self) -> str:
        """Show the user's second factors, and once the new recovery codes."""
        user = g.identity.user
        held = second_factor.overview(db.session(), user.id)
        new = token_to_show(User, [user.id])
        return render(
            "accounts/second_factor.html",
            title=gettext("Two-factor authentication"),
            active=g.identity.has_second_factor,
            required=required_factor.lacks_second_factor(g.identity),
            held=held,
            new_codes=new["token"].split() if new else None,
            passkeys=passkeys_table(held) if site() is not None or held.passkeys else None,
            next_url=required_factor.next_page()
            if g.identity.has_second_factor and required_factor.has_next()
            else None,
        )

    @expose("/app", methods=["GET", "POST"])
    def app(self) -> Any:
        """Show the QR code of a new authenticator app, and set it up with its first code."""
        person, form = g.identity.user, CodeForm()
        secret = _new_secret(person.id)
        if form.validate_on_submit():
            try:
                codes = second_factor.add_app(db.session(), person, secret, confirmation(form))
            except DomainError as error:
                show_refusal(form, error, url_for("SecondFactorView.app"))
            else:
                session.pop(_SECRET)
                flash_success(gettext("The authenticator app has been set up."))
                return done(codes)
        uri = totp.uri(secret, email=person.email, issuer=gettext("Partner service portal"))
        page = render(
            "accounts/second_factor_app.html",
            title=gettext("Set up an authenticator app"),
            form=form,
            qr_code=_qr_code(uri),
            secret=" ".join(secret[start : start + 4] for start in range(0, len(secret), 4)),
            uri=uri,
        )
        return page, 422 if form.is_submitted() else 200

    @expose("/app/off", methods=["GET", "POST"])
    def app_off(self) -> Any:
        """Turn the authenticator app off, with the password and a code."""
        form = CodeForm()
        if form.validate_on_submit():
            try:
                second_factor.remove_app(db.session(), g.identity.user, confirmation(form))
            except DomainError as error:
                show_refusal(form, error, url_for("SecondFactorView.app_off"))
            else:
                flash_success(gettext("The authenticator app has been turned off."))
                return redirect(url_for("SecondFactorView.show"))
        return confirmation_page(
            form,
            gettext("Turn off the authenticator app"),
            gettext("Codes of the app are not accepted any more. Without any second factor, your other sessions end."),
            danger=True,
        )

    @expose("/codes", methods=["GET", "POST"])
    def codes(self) -> Any:
        """Replace the recovery codes."""
        person = g.identity.user
        if not g.identity.has_second_factor:
            return redirect(url_for("SecondFactorView.show"))
        has_app = second_factor.overview(db.session(), person.id).app_since is not None
        form = CodeForm() if has_app else CurrentPasswordForm()
        if form.validate_on_submit():
            try:
                codes = second_factor.renew_codes(db.session(), person, confirmation(form))
            except DomainError as error:
                show_refusal(form, error, url_for("SecondFactorView.codes"))
            else:
                return done(codes)
        return confirmation_page(
            form, gettext("Create new recovery codes"), gettext("The recovery codes that you have now stop working.")
        )


def done(codes: list[str] | None) -> Any:
    """Return the redirect after a second factor was added; the next page shows the new recovery codes once."""
    if codes is not None:
        show_token_once(db.session.get(User, g.identity.user.id), " ".join(codes))
    return redirect(url_for("SecondFactorView.show"))


def confirmation_page(form: Any, title: str, told: str, *, danger: bool = False) -> Any:
    """Return the page that asks for the password, and for a code if the form has a field for it.

    :param told: what follows from it.
    """
    page = render("accounts/second_factor_confirm.html", title=title, form=form, told=told, danger=danger)
    return page, 422 if form.is_submitted() else 200


def passkeys_table(held: Overview) -> Table:
    """Return the table of the user's passkeys."""
    add = Button(gettext("Add a passkey"), url_for("PasskeyView.add"), "plus")
    return filled_table(
        [
            (gettext("Name"), formats.TEXT, lambda row: row.name),
            (gettext("Added on"), formats.TIME, lambda row: row.created_at),
            (gettext("Last used"), formats.TIME, lambda row: row.last_used_at),
        ],
        held.passkeys,
        buttons=_passkey_buttons,
        title=gettext("Passkeys"),
        links=[add] if site() is not None and held.passkeys else [],
        empty=Empty(
            "key",
            gettext("No passkey has been added."),
            gettext("A passkey is kept by your device, and opened with its PIN, fingerprint or face."),
            [add],
        ),
    )


def _passkey_buttons(row: Any) -> list[Button]:
    return [
        Button(
            "",
            url_for("PasskeyView.rename", passkey_id=row.id),
            "pencil",
            gettext("Rename %(name)s", name=row.name),
            css=ICON_BUTTON,
        ),
        Button(
            "",
            url_for("PasskeyView.remove", passkey_id=row.id),
            "trash",
            gettext("Remove %(name)s", name=row.name),
            css=ICON_BUTTON,
        ),
    ]


def _new_secret(user_id: int) -> str:
    """Return the secret of an app that is being set up. It is kept, encrypted, in the browser's session until then."""
    purpose = f"new {totp.purpose(user_id)}"
    try:
        secret = sealed_secret.unseal(base64.b64decode(session.get(_SECRET, "")), purpose)
    except binascii.Error:
        secret = None
    if secret is None:
        secret = totp.new_secret()
        session[_SECRET] = base64.b64encode(sealed_secret.seal(secret, purpose)).decode()
    return secret


def _qr_code(text: str) -> Markup:
    """Return a QR code as inline SVG, without styles."""
    drawn = segno.make(text, error="l").svg_inline(
        scale=4, border=4, dark="#000", light="#fff", omitsize=True, svgclass=None, lineclass=None
    )
    return Markup(drawn)  # nosec B704  # noqa: S704  (of segno: paths only, no text)
