"""Users, for NEC Admin: who signs in, with which roles everywhere and in which tenants."""

from __future__ import annotations

from datetime import UTC
from typing import Any, ClassVar

from flask import abort, current_app, flash, redirect, request, url_for
from flask import session as browser
from flask_appbuilder import expose
from flask_appbuilder.models.filters import BaseFilter
from flask_appbuilder.security.decorators import has_access
from flask_appbuilder.security.views import UserDBModelView
from flask_babel import gettext, lazy_gettext
from markupsafe import Markup, escape
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, selectinload
from werkzeug.wrappers import Response

from models import clock
from models.accounts import password_link, password_policy, role, user_rules
from models.accounts.membership import Membership
from models.accounts.user import Role, User
from models.db import db
from models.errors import DomainError
from models.scope import all_tenants
from models.tenants.tenant import Tenant
from views.accounts.tabs import ADMINISTRATION
from views.accounts.user_form import MembershipForm, NewUserForm, PasswordForm, UserForm
from views.base import actor
from views.crud import FabInterface, FabScreen

_LINK = "new_password_link"
_WHY = "a user's place is in any tenant, whichever the administrator works in"


class HeldEverywhere(BaseFilter):
    """The roles a user can hold in every tenant."""

    def apply(self, query: Any, _value: None) -> Any:
        """Narrow a query."""
        return query.filter(Role.name.in_(role.ELEVATED))


class UserView(FabScreen, UserDBModelView):
    """FAB's screen of users."""

    datamodel = FabInterface(
        User,
        options=(
            selectinload(User.roles),
            selectinload(User.memberships).options(joinedload(Membership.tenant), joinedload(Membership.role)),
        ),
    )
    route_base = "/users"
    class_permission_name = "Users"
    include_route_methods = {
        *("list", "show", "add", "edit", "delete"),
        *("password", "issue_link", "join", "change_membership", "leave"),
    }
    tabs = ADMINISTRATION
    unique_errors = user_rules.UNIQUE_ERRORS
    # FAB's own, which go around the rules.
    userinfoedit = resetmypassword = resetpasswords = userinfo = None

    base_order = ("get_full_name", "asc")
    list_columns: ClassVar = ["get_full_name", "email", "active", "roles", "memberships", "last_login"]
    order_columns: ClassVar = ["get_full_name", "email", "active", "last_login"]
    search_columns: ClassVar = ["last_name", "first_name", "email", "active", "roles"]
    search_form_query_rel_fields: ClassVar = {"roles": [["name", HeldEverywhere, None]]}
    named_by = "email"
    add_form = NewUserForm
    edit_form = UserForm
    add_columns: ClassVar = ["last_name", "first_name", "email", "active", "roles", "password", "confirmation"]
    edit_columns: ClassVar = ["last_name", "first_name", "email", "active", "roles"]
    show_fieldsets: ClassVar = [
        (lazy_gettext("User"), {"fields": ["last_name", "first_name", "email", "active", "roles"]}),
        (lazy_gettext("Signing in"), {"fields": ["last_login", "login_count", "fail_login_count", "locked_until"]}),
    ]
    label_columns: ClassVar = {
        "get_full_name": lazy_gettext("Full name"),
        "last_name": lazy_gettext("Family name"),
        "first_name": lazy_gettext("Given name"),
        "email": lazy_gettext("Email address"),
        "active": lazy_gettext("May sign in"),
        "roles": lazy_gettext("Roles in every tenant"),
        "memberships": lazy_gettext("Tenants of the user"),
        "last_login": lazy_gettext("Last sign-in"),
        "login_count": lazy_gettext("Number of sign-ins"),
        "fail_login_count": lazy_gettext("Wrong passwords in a row"),
        "locked_until": lazy_gettext("Locked until"),
    }
    formatters_columns: ClassVar = {
        # Where it must break, it breaks before its @.
        "email": lambda address: Markup("<wbr>@").join(escape(part) for part in address.rsplit("@", 1)),
        "roles": lambda held: ", ".join(each.name for each in held) or "-",
        "memberships": lambda held: ", ".join(f"{each.tenant.name} ({each.role.name})" for each in held) or "-",
        "last_login": lambda at: clock.screen_time(at.replace(tzinfo=UTC)) if at else "-",
        "locked_until": lambda at: clock.screen_time(at) or "-",
    }
    list_title = lazy_gettext("Users")
    add_title = lazy_gettext("Create user")
    edit_title = lazy_gettext("Change user")
    delete_title = lazy_gettext("Delete user")
    show_template = "accounts/user.html"
    add_row_message = lazy_gettext("The user has been created.")
    edit_row_message = lazy_gettext("The user has been changed.")
    delete_row_message = lazy_gettext("The user has been deleted.")

    def create(self, form: NewUserForm) -> Any:
        """Make a user, with a password or with a link to set one."""
        by = actor()
        user = user_rules.create_user(db.session(), **form.values(), password=form.password.data or None, by=by)
        for name in form.roles.data:
            user_rules.grant_everywhere(db.session(), user, name, by=by)
        if not form.password.data:
            self._issue(user)
        return user

    def change(self, item: Any, form: UserForm) -> None:
        """Change a user and the roles held everywhere."""
        user_rules.change_user(db.session(), item, form.values(), form.roles.data, shown=form.shown.data, by=actor())

    def remove(self, item: Any) -> None:
        """Delete a user."""
        user_rules.delete_user(db.session(), item, by=actor())

    def undeletable(self) -> set[int]:
        """Nobody deletes their own account."""
        return {actor().user_id}

    def new_form(self) -> NewUserForm:
        """The empty form, or what was sent."""
        form = NewUserForm()
        form.offer(role.everywhere(db.session()))
        return form

    def form_of(self, item: Any) -> UserForm:
        """The form filled from a user."""
        form = UserForm(obj=item, shown=self.fingerprint(item))
        form.offer(role.everywhere(db.session()))
        return form

    def fingerprint(self, item: Any) -> str:
        """Of the fields of the form."""
        return user_rules.fingerprint(item)

    def stored_text(self, item: Any, field: Any) -> str | None:
        """Where another administrator's value differs from what was typed."""
        if field.name in {"shown", "csrf_token"}:
            return None
        if field.name == "roles":
            stored = sorted(each.name for each in item.roles)
            return ", ".join(stored) if stored != sorted(field.data) else None
        if field.name == "active":
            return (gettext("Yes") if item.active else gettext("No")) if bool(item.active) != field.data else None
        value = getattr(item, field.name)
        return value if value != field.data else None

    def shown_with(self, item: Any) -> dict[str, Any]:
        """Where the user belongs, and what may be done with them."""
        may = self.appbuilder.sm.has_access
        form = MembershipForm(formdata=None)
        held = {each.tenant_id for each in item.memberships}
        form.offer(db.session.scalars(select(Tenant).where(Tenant.id.not_in(held)).order_by(Tenant.id)), self._roles())
        return {
            "user": item,
            "memberships": item.memberships,
            "membership_form": form,
            "new_link": _link_to_show(item),
            "own": item.id == actor().user_id,
            **{
                f"may_{name}": may(f"can_{name}", "Users")
                for name in ("edit", "delete", "password", "issue_link", "join")
            },
        }

    @expose("/password/<key:pk>", methods=["GET", "POST"])
    @has_access
    def password(self, pk: int) -> Any:
        """Give a user a new password, which ends their sessions and a lock."""
        user = self.row_or_404(pk)
        form = PasswordForm(address=user.email)
        if form.validate_on_submit():
            user_rules.reset_password(db.session(), user, form.password.data, by=actor())
            db.session.commit()
            flash(gettext("The password has been set. The user's sessions have ended."), "success")
            return redirect(self.url_of(user))
        title = gettext("Set password")
        page = self.render_template(
            "accounts/password.html",
            title=title,
            crumbs=self.crumbs((str(user), self.url_of(user)), (title, None)),
            form=form,
            symbols=password_policy.SYMBOLS,
            back_url=self.url_of(user),
        )
        return page, 422 if form.is_submitted() else 200

    @expose("/link/<key:pk>", methods=["POST"])
    @has_access
    def issue_link(self, pk: int) -> Response:
        """Make a link with which the user sets a password; it is shown once."""
        user = self.row_or_404(pk)
        self._issue(user)
        db.session.commit()
        return redirect(self.url_of(user))

    @expose("/join/<key:pk>", methods=["POST"])
    @has_access
    def join(self, pk: int) -> Response:
        """Put a user into a tenant."""
        user = self.row_or_404(pk)
        tenant_id, role_name = request.form.get("tenant", ""), self._role_of_form()
        with all_tenants(_WHY) as session:
            tenant = session.get(Tenant, tenant_id)
            if tenant is None:
                abort(404)
            try:
                user_rules.join_tenant(session, user, tenant, role_name, by=actor())
                user_rules.tell_of_tenant(
                    session,
                    user,
                    tenant,
                    portal_url=current_app.config["PORTAL_URL"],
                    support_email=current_app.config["SUPPORT_EMAIL"],
                    now=clock.utc_now(),
                )
                session.commit()
            except DomainError as error:
                flash(gettext(error.message), "danger")
            else:
                flash(gettext("The user has been put into the tenant."), "success")
        return redirect(self.url_of(user))

    @expose("/membership/<key:pk>", methods=["POST"])
    @has_access
    def change_membership(self, pk: int) -> Response:
        """Change the role a user holds in a tenant."""
        user, role_name = self.row_or_404(pk), self._role_of_form()
        with all_tenants(_WHY) as session:
            try:
                user_rules.change_membership(session, self._membership(session, user), role_name, by=actor())
                session.commit()
            except DomainError as error:
                flash(gettext(error.message), "warning")
            else:
                flash(gettext("The role in the tenant has been changed."), "success")
        return redirect(self.url_of(user))

    @expose("/leave/<key:pk>", methods=["POST"])
    @has_access
    def leave(self, pk: int) -> Response:
        """Take a user out of a tenant."""
        user = self.row_or_404(pk)
        with all_tenants(_WHY) as session:
            user_rules.leave_tenant(session, self._membership(session, user), by=actor())
            session.commit()
        flash(gettext("The user has been taken out of the tenant."), "success")
        return redirect(self.url_of(user))

    @staticmethod
    def _membership(session: Session, user: Any) -> Membership:
        """The membership in the tenant of the form."""
        found = session.scalar(
            select(Membership).where(
                Membership.user_id == user.id, Membership.tenant_id == request.form.get("tenant", "")
            )
        )
        if found is None:
            abort(404)
        return found

    @staticmethod
    def _roles() -> list[Any]:
        return role.in_tenants(db.session())

    def _role_of_form(self) -> str:
        """The role of the form; 400 for one that cannot be chosen there."""
        name = request.form.get("role", "")
        if name not in {each.name for each in self._roles()}:
            abort(400)
        return name

    @staticmethod
    def _issue(user: Any) -> None:
        """Make a link, and keep it for the user's page, which shows it once."""
        token = password_link.issue(db.session(), user, now=clock.utc_now(), by=actor())
        browser[_LINK] = [user.id, token]


def _link_to_show(user: Any) -> str | None:
    """The address of a link made a moment ago for this user, taken away with the asking."""
    waiting = browser.get(_LINK)
    if waiting is None or waiting[0] != user.id:
        return None
    browser.pop(_LINK)
    path = url_for("PasswordSetupView.setup", token=waiting[1])
    return f"{current_app.config['PORTAL_URL']}{path}"
