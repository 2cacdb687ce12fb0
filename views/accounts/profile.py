"""The signed-in user's own profile: what was entered at the registration (§2.2)."""

from __future__ import annotations

from typing import Any

from flask import g, redirect, request, url_for
from flask_appbuilder import expose
from flask_babel import gettext

from models.accounts.profile import change_profile, profile_of
from models.accounts.user import User
from models.db import db
from models.errors import Conflict, DomainError, Gone
from views.accounts.profile_form import ProfileForm
from views.base import PortalView, actor, render
from views.confirmation import back_to_form, returns_to_form
from views.flashes import flash_success
from views.forms.errors import add_error
from views.forms.fields import version_shown
from views.screen.conflict import compared
from views.screen.form import changed_by_others, differences, fingerprints


class OwnProfileForm(ProfileForm):
    """The profile of the signed-in user."""

    def stored(self, row: Any) -> dict[str, Any]:
        """Return the values of the fields for a user."""
        return profile_of(row)._asdict()


class ProfileView(PortalView):
    """The page of one's own profile. Every user has it, in a tenant or without one."""

    route_base = "/profile"
    class_permission_name = "Profile"

    @returns_to_form
    @expose("/", methods=["GET", "POST"])
    def edit(self) -> Any:
        """Show the profile in a form, or change it."""
        user = _user()
        form = OwnProfileForm(data=OwnProfileForm(formdata=None).stored(user))
        if request.method == "GET" or back_to_form():
            return _page(form, user)
        if not form.validate():
            return _page(form, user), 422
        shown = request.form.get("shown", "")
        version = version_shown(request.form.get("version"))
        if user.version != version and shown and not changed_by_others(form, user, shown):
            # The other change did not affect the profile, but for instance a role.
            version = user.version
        try:
            change_profile(db.session(), user.id, form.profile(), version=version, by=actor())
        except Conflict:
            db.session.rollback()
            user = _user()
            found = differences(form, changed_by_others(form, user, shown))
            return _page(form, user, conflict=compared(found)), 409
        except DomainError as error:
            db.session.rollback()
            add_error(form, error)
            return _page(form, _user()), 422
        flash_success(gettext("Your profile has been changed."))
        return redirect(url_for("ProfileView.edit"))


def _user() -> Any:
    user = db.session.get(User, g.identity.user.id)
    if user is None:
        raise Gone
    return user


def _page(form: OwnProfileForm, user: Any, conflict: Any = None) -> str:
    return render(
        "accounts/profile.html",
        form=form,
        user=user,
        shown=fingerprints(form, user),
        conflict=conflict,
        title=gettext("Profile"),
        cancel_url=url_for("HomeView.index"),
    )
