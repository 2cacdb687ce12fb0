"""Users, for NEC Admin: their accounts, the roles they hold in every tenant, and their memberships."""

from __future__ import annotations

from typing import Any, ClassVar

from flask import abort, current_app, redirect, request
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext, lazy_gettext
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, selectinload
from werkzeug.wrappers import Response

from models import clock
from models.accounts import password_link, role, second_factor, user_rules
from models.accounts.membership import Membership
from models.accounts.sign_in_history import SIGN_INS
from models.accounts.user import Role, User, is_locked
from models.db import db
from models.errors import N_, DomainError, Gone
from models.tenants.tenant import Tenant
from views.accounts.access_ledger import is_review_due
from views.accounts.memberships import memberships_table
from views.accounts.tabs import ADMINISTRATION
from views.accounts.user_form import NAMES, MembershipForm, UserForm
from views.base import actor
from views.data_interface import PortalInterface
from views.flashes import flash_error, flash_success, flash_warning
from views.screen import formats
from views.screen.actions import action
from views.screen.already_done import row_to_write
from views.screen.filters import Choice, NamePart, Part, YesNo
from views.screen.formats import Format
from views.screen.labels import Labels
from views.screen.screen import FAB_ROUTES, Screen
from views.screen.table import Table
from views.transaction import cross_tenant_session

_NOT_IN_TENANT = N_("The user does not belong to this tenant any more.")
_REASON = "a user's place is in any tenant, whichever the administrator works in"


def _places(held: Any) -> str:
    return ", ".join(f"{each.tenant.name} ({each.role.name})" for each in held)


class UserView(Screen):
    """ユーザ: all users of the portal."""

    datamodel = PortalInterface(
        User,
        options=(
            selectinload(User.roles),
            selectinload(User.memberships).options(joinedload(Membership.tenant), joinedload(Membership.role)),
        ),
    )
    labels = Labels(
        lazy_gettext("user"),
        lazy_gettext("Users"),
        "shield-lock",
        {"add_title": N_("Create user"), "edit_title": N_("Change user"), "delete_title": N_("Delete user")},
    )
    form = UserForm
    routes = FAB_ROUTES
    route_base = "/users"
    class_permission_name = "Users"
    tenantless = True
    tabs = ADMINISTRATION
    unique_errors = user_rules.UNIQUE_ERRORS
    named_by = "email"
    show_template = "accounts/user.html"
    # The page counts the sign-ins; the audit log has each of them.
    history_without = SIGN_INS
    # The user name is the email address. No entry has the others.
    history_omits = ("username", "preferences", "created_on", "changed_on", "created_by_fk", "changed_by_fk")
    list_template = "accounts/users.html"
    base_order = ("get_full_name", "asc")
    list_columns: ClassVar = ["get_full_name", "email", "active", "roles", "memberships", "last_login"]
    order_columns: ClassVar = ["get_full_name", "email", "active", "last_login"]
    filters = (
        NamePart("last_name", operators=True),
        NamePart("first_name", operators=True),
        Part("email", operators=True),
        YesNo("active"),
        Choice(
            "roles",
            labels={name: name for name in role.ELEVATED},
            on=lambda name: User.roles.any(Role.name == name),
        ),
    )
    show_fieldsets: ClassVar = [
        (lazy_gettext("User"), {"fields": [*NAMES, "roles"]}),
        (
            lazy_gettext("Signing in"),
            {"fields": ["last_login", "login_count", "fail_login_count", "locked_until", "has_second_factor"]},
        ),
    ]
    label_columns: ClassVar = {
        "get_full_name": lazy_gettext("Full name"),
        "memberships": lazy_gettext("Tenants of the user"),
        "last_login": lazy_gettext("Last sign-in"),
        "login_count": lazy_gettext("Number of sign-ins"),
        "fail_login_count": lazy_gettext("Wrong passwords in a row"),
        "locked_until": lazy_gettext("Locked until"),
        "has_second_factor": lazy_gettext("Two-factor authentication"),
        # Of the change history.
        "role": lazy_gettext("Role"),
        "factor": lazy_gettext("Two-factor authentication"),
        "name": lazy_gettext("Name"),
        "company": lazy_gettext("Company name"),
        "department": lazy_gettext("Department name"),
        "phone": lazy_gettext("Phone number"),
        "note": lazy_gettext("Remarks"),
        "tenants": lazy_gettext("Tenants of the user"),
    }
    choices_columns: ClassVar = {
        "factor": {"totp": lazy_gettext("Authenticator app"), "passkey": lazy_gettext("Passkey")}
    }
    formatters_columns: ClassVar = {
        "active": formats.badge(
            {True: lazy_gettext("Yes"), False: lazy_gettext("No"), "locked": lazy_gettext("Locked")}, {"locked": "red"}
        ),
        "email": formats.EMAIL,
        "roles": formats.NAMES,
        "memberships": Format(lambda held: _places(held) or "-", _places, css="text"),
        "tenants": formats.LINES,
    }

    def prepared(self, form: Any) -> Any:
        """Return the form with the roles that can be held in every tenant."""
        form.set_choices(role.everywhere(db.session()))
        return form

    def create(self, form: UserForm) -> Any:
        """Create a user, and mail a link to set the password."""
        values = {name: form[name].data for name in NAMES}
        user = user_rules.create_user(db.session(), **values, by=actor())
        for name in form.roles.data:
            user_rules.grant_everywhere(db.session(), user, name, by=actor())
        # The link of a deactivated user would not work; the page has a button to send it later.
        if user.active:
            _send_link(user)
        return user

    def change(self, row: Any, form: UserForm, *, version: int) -> None:
        """Change a user and the roles held in every tenant."""
        values = {name: form[name].data for name in NAMES}
        across = cross_tenant_session(_REASON)
        user_rules.change_user(db.session(), row, values, form.roles.data, version=version, by=actor(), across=across)

    def remove(self, row: Any) -> None:
        """Delete a user."""
        user_rules.delete_user(db.session(), row, by=actor(), across=cross_tenant_session(_REASON))

    def value(self, row: Any, name: str) -> Any:
        """Return a column's value for a user. A locked account is shown as locked, whether it is active or not."""
        if name == "active" and is_locked(row, now=clock.utc_now()):
            return "locked"
        return super().value(row, name)

    def deletable(self, row: Any) -> bool:
        """Return whether the account is not the acting person's own."""
        return bool(row.id != actor().user_id)

    def refusal(self, method: str, row: Any) -> str | None:
        """Return why an action is not possible with a user: one's own second factors are removed with password and code."""
        own = method == "reset_second_factor" and row.id == actor().user_id
        return second_factor.OWN_FACTORS if own else None

    def is_review_due(self) -> bool:
        """Return whether the rights of all users are to be reviewed."""
        return is_review_due()

    def membership_form(self, user: Any) -> MembershipForm:
        """Return the form to add a user to a tenant to which the user does not belong yet."""
        form = MembershipForm(formdata=None)
        held = {each.tenant_id for each in user.memberships}
        others = select(Tenant).where(Tenant.id.not_in(held)).order_by(Tenant.id)
        form.set_choices(db.session.scalars(others), role.in_tenants(db.session()))
        return form

    def memberships_table(self, user: Any) -> Table:
        """Return the table of the tenants that a user belongs to."""
        return memberships_table(self, user)

    @action(
        N_("Send password link"),
        icon="link",
        question=N_("%(name)s will be mailed a link for setting a password. Earlier links stop working. Are you sure?"),
        done=N_("The link has been mailed to the user. It works once, for 24 hours."),
        already=N_("This user may not sign in, so a link would not work."),
        when=lambda user: user.active,
        single=False,
        on_page=True,
        url="/link/{row}",
    )
    def issue_link(self, row: Any) -> str:
        """Mail a user a link for setting a password."""
        _send_link(row)
        return str(self.page_of(row))

    @action(
        N_("Unlock"),
        icon="lock",
        accessible_name=N_("Unlock %(name)s"),
        title=N_("Unlock user"),
        question=N_("%(name)s can sign in again at once. Are you sure?"),
        done=N_("The user has been unlocked."),
        already=N_("This user is not locked any more."),
        when=lambda user: is_locked(user, now=clock.utc_now()),
    )
    def unlock(self, row: Any) -> None:
        """Unlock an account that was locked after too many wrong passwords."""
        user_rules.unlock(db.session(), row, by=actor())

    @action(
        N_("Reset second factors"),
        icon="shield-lock",
        title=N_("Reset second factors"),
        question=N_(
            "The authenticator app, passkeys and recovery codes of %(name)s stop working, and the user's sessions end."
            " Make sure that the person who asked for it is the user. Are you sure?"
        ),
        done=N_("The second factors have been reset. The user has been notified by email."),
        already=N_("This user has no second factor."),
        tone="danger",
        when=lambda user: user.has_second_factor,
        single=False,
        on_page=True,
        url="/reset-second-factor/{row}",
    )
    def reset_second_factor(self, row: Any) -> str:
        """Remove all second factors of a user who has lost them."""
        second_factor.reset(
            db.session(), row, portal_url=current_app.config["PORTAL_URL"], now=clock.utc_now(), by=actor()
        )
        return str(self.page_of(row))

    @expose("/join/<row>", methods=["POST"])
    @has_access
    def join(self, pk: int) -> Response:
        """Add a user to a tenant and notify the user by email."""
        user = row_to_write(self, pk)
        if not request.form.get("tenant") or not request.form.get("role"):
            flash_warning(gettext("Choose a tenant and a role."))
            return redirect(self.page_of(user))
        role_name, session = _role_of_form(), cross_tenant_session(_REASON)
        tenant = session.get(Tenant, request.form.get("tenant", ""))
        if tenant is None:
            abort(404)
        try:
            user_rules.join_tenant(session, user, tenant, role_name, by=actor())
            user_rules.mail_membership(
                session,
                user,
                tenant,
                portal_url=current_app.config["PORTAL_URL"],
                support_email=current_app.config["SUPPORT_EMAIL"],
                now=clock.utc_now(),
            )
        except DomainError as error:
            session.rollback()
            flash_error(error)
        else:
            flash_success(gettext("The user has been added to the tenant."))
        return redirect(self.page_of(user))

    @expose("/membership/<row>", methods=["POST"])
    @has_access
    def change_membership(self, pk: int) -> Response:
        """Change the role a user holds in a tenant."""
        user, role_name = row_to_write(self, pk), _role_of_form()
        session = cross_tenant_session(_REASON)
        try:
            user_rules.change_membership(session, _membership(session, user), role_name, by=actor())
        except DomainError as error:
            session.rollback()
            flash_error(error)
        except Gone:
            session.rollback()
            flash_warning(gettext(_NOT_IN_TENANT))
        else:
            flash_success(gettext("The role in the tenant has been changed."))
        return redirect(self.page_of(user))

    @expose("/leave/<row>", methods=["POST"])
    @has_access
    def leave(self, pk: int) -> Response:
        """Remove a user from a tenant."""
        user = row_to_write(self, pk)
        session = cross_tenant_session(_REASON)
        try:
            user_rules.leave_tenant(session, _membership(session, user), by=actor())
        except Gone:
            session.rollback()
            flash_warning(gettext(_NOT_IN_TENANT))
        else:
            flash_success(gettext("The user has been removed from the tenant."))
        return redirect(self.page_of(user))


def _membership(session: Session, user: Any) -> Membership:
    """Return a user's membership in the tenant named in the form; 404 if there is no such tenant.

    :raises Gone: the user no longer belongs to the tenant.
    """
    tenant_id = request.form.get("tenant", "")
    found = session.scalar(select(Membership).where(Membership.user_id == user.id, Membership.tenant_id == tenant_id))
    if found is None and session.get(Tenant, tenant_id) is None:
        abort(404)
    if found is None:
        raise Gone
    return found


def _role_of_form() -> str:
    """Return the role named in the form; 400 if it cannot be held in a tenant."""
    name = request.form.get("role", "")
    if name not in {each.name for each in role.in_tenants(db.session())}:
        abort(400)
    return name


def _send_link(user: Any) -> None:
    """Mail a password link to a user."""
    password_link.send(db.session(), user, portal_url=current_app.config["PORTAL_URL"], now=clock.utc_now(), by=actor())
