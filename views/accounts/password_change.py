"""パスワード変更画面 (§12): the signed-in user's own password."""

from __future__ import annotations

from typing import Any

from flask import current_app, g, redirect, url_for
from flask_appbuilder import expose
from flask_babel import gettext

from models import clock
from models.accounts import password_policy
from models.accounts.password_change import change_password
from models.accounts.sign_in_rules import Locking
from models.accounts.user import User
from models.db import db
from models.errors import DomainError, Gone
from views.accounts.new_password_form import CurrentPasswordForm, NewPasswordForm
from views.base import PortalView, actor, render
from views.flashes import flash_success
from views.forms.errors import message_of
from views.transaction import commit_despite_error_status


class PasswordChangeForm(CurrentPasswordForm, NewPasswordForm):
    """The current password, and the new one twice."""


class PasswordChangeView(PortalView):
    """The page to change one's own password. Every user may do so, in a tenant or without one."""

    route_base = "/password"
    class_permission_name = "PasswordChange"

    @expose("/", methods=["GET", "POST"])
    def change(self) -> Any:
        """Ask for the passwords and change the password."""
        form = PasswordChangeForm()
        # The current password is checked last, so that other mistakes are not counted as attempts to guess it.
        if form.validate_on_submit() and not form.add_policy_errors(_user()) and _change(form):
            flash_success(gettext('Success: the password of "%(name)s" has been changed.', name=g.identity.user.email))
            return redirect(url_for("HomeView.index"))
        page = render(
            "accounts/password_change.html",
            title=gettext("Change password"),
            form=form,
            email=g.identity.user.email,
            symbols=password_policy.SYMBOLS,
            back_url=url_for("HomeView.index"),
        )
        return page, 422 if form.is_submitted() else 200


def _user() -> User:
    """Return the signed-in user with all that the password must not contain.

    :raises Gone: the user has been deleted in the meantime.
    """
    user = db.session.get(User, g.identity.user.id)
    if user is None:
        raise Gone
    return user


def _change(form: PasswordChangeForm) -> bool:
    """Change the password, or add an error to the form."""
    settings = current_app.config
    try:
        changed = change_password(
            db.session(),
            g.identity.user,
            form.current_password.data,
            form.password.data,
            locking=Locking(settings["LOCK_AFTER_FAILURES"], settings["LOCK_FOR"], settings["PORTAL_URL"]),
            now=clock.utc_now(),
            by=actor(),
        )
    except DomainError as error:
        form.password.errors = [*form.password.errors, message_of(error)]
        return False
    if not changed:
        # The wrong password is counted.
        commit_despite_error_status(repeated=url_for("PasswordChangeView.change"))
        form.current_password.errors = [*form.current_password.errors, gettext("The current password is wrong.")]
    return changed
