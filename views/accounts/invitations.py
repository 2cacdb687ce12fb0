"""ユーザ招待 for NEC staff: who is invited into which tenant (§2.1), with resending and withdrawing."""

from __future__ import annotations

from typing import Any, ClassVar

from flask import abort, current_app, request
from flask_babel import gettext, lazy_gettext
from sqlalchemy.orm import Session, joinedload
from wtforms import SelectField

from models import clock
from models.accounts import invitation_rules, role, user_rules
from models.accounts.invitation import InvitationState, UserInvitation, state_at
from models.accounts.user import Role
from models.errors import N_, DomainError
from models.tenants.tenant import Tenant, tenant_names
from views.base import actor
from views.data_interface import PortalInterface
from views.flashes import flash_success
from views.forms.fields import EmailAddressField, Required, ValidEmail
from views.screen import formats
from views.screen.actions import action
from views.screen.filters import Choice, IdPart, Part
from views.screen.form import ScreenForm
from views.screen.labels import Labels
from views.screen.navigation import Above
from views.screen.screen import Screen
from views.transaction import cross_tenant_session

_REASON = "NEC's staff invite people into every tenant"
_NOTHING = ("", lazy_gettext("Please choose"))
_OPEN = frozenset({InvitationState.PENDING, InvitationState.EXPIRED})

STATES = {
    InvitationState.PENDING: lazy_gettext("Waiting for the registration"),
    InvitationState.USED: lazy_gettext("Registration completed"),
    InvitationState.EXPIRED: lazy_gettext("Expired"),
    InvitationState.WITHDRAWN: lazy_gettext("Withdrawn"),
}
_TONES = {InvitationState.PENDING: "blue", InvitationState.USED: "green", InvitationState.EXPIRED: "orange"}


class InvitationForm(ScreenForm):
    """An email address, and where it is invited."""

    email = EmailAddressField(
        lazy_gettext("Email address"),
        [Required(), ValidEmail()],
        description=lazy_gettext(
            "A person who is already a user is added to the tenant at once, and notified by email."
        ),
        render_kw={"autocomplete": "off"},
    )
    tenant_id = SelectField(lazy_gettext("Tenant"), [Required()])
    role_id = SelectField(lazy_gettext("Role"), [Required()])

    def set_choices(self, session: Session) -> None:
        """Set the tenants and roles that can be chosen."""
        names = sorted(tenant_names(session).items())
        self.tenant_id.choices = [_NOTHING, *((key, f"{key} {name}") for key, name in names)]
        self.role_id.choices = [
            _NOTHING,
            *((str(each.id), role.name_with_tenant(each)) for each in role.in_tenants(session)),
        ]


class StaffInvitationView(Screen):
    """The invitations into all tenants."""

    datamodel = PortalInterface(
        UserInvitation, options=(joinedload(UserInvitation.tenant), joinedload(UserInvitation.role))
    )
    form = InvitationForm
    labels = Labels(
        lazy_gettext("invitation"),
        lazy_gettext("Invitations of users"),
        "mail",
        {
            "add_button": N_("Invite"),
            "add_title": N_("Invite a user"),
            "ask_add": N_("A mail will be sent to this address. Are you sure?"),
            "added": N_("The mail has been sent."),
            "empty": N_("Nobody has been invited yet."),
            "empty_hint": N_("Invite the first user of a tenant."),
            "show_all": N_("Show all invitations"),
        },
    )
    methods = frozenset({"list", "add"})
    route_base = "/staff/invitations"
    row_rule = "<key:invitation_key>"
    class_permission_name = "StaffInvitations"
    named_by = "email"
    tenantless = True
    above: ClassVar = [Above(lazy_gettext("NEC Staff"), None, None)]
    base_order = ("sent_at", "desc")
    list_columns: ClassVar = ["email", "tenant", "role", "state", "invited_by", "sent_at", "expires_at"]
    order_columns: ClassVar = ["email", "sent_at", "expires_at"]
    filters = (
        Part("email", most=254, beside=True),
        IdPart("tenant_id", lazy_gettext("Tenant ID"), most=8, beside=True),
        Choice("state", labels=STATES, on=lambda value: state_at(clock.utc_now()) == value, beside=True),
    )
    label_columns: ClassVar = {
        "tenant": lazy_gettext("Tenant"),
        "role": lazy_gettext("Role"),
        "state": lazy_gettext("Status"),
        "invited_by": lazy_gettext("Invited by"),
        "sent_at": lazy_gettext("Invited at"),
        "expires_at": lazy_gettext("Link valid until"),
    }
    formatters_columns: ClassVar = {
        "email": formats.EMAIL,
        "tenant": formats.TEXT,
        "role": formats.TEXT,
        "state": formats.badge(STATES, _TONES),
        "invited_by": formats.EMAIL,
        "sent_at": formats.DAY_OF_TIME,
    }

    def rows_session(self) -> Session:
        """Return the session that reads and writes the invitations of all tenants."""
        return cross_tenant_session(_REASON)

    def new_form(self) -> InvitationForm:
        """Return the form, with the tenant of the link that led here."""
        form = InvitationForm(data={"tenant_id": request.args.get("tenant_id", "")})
        form.set_choices(self.rows_session())
        return form

    def create(self, form: InvitationForm) -> Any:
        """Invite the address, or add its user to the tenant."""
        session = self.rows_session()
        tenant = session.get(Tenant, form.tenant_id.data)
        chosen = session.get(Role, int(form.role_id.data))
        if tenant is None or chosen is None:
            abort(404)
        if not role.may_be_held(chosen, tenant.id):
            raise DomainError(user_rules.OF_ANOTHER_TENANT, field="role_id")
        invited = invitation_rules.invite(session, tenant, form.email.data, chosen.name, request=context())
        if invited is None:
            flash_success(
                gettext("%(email)s is a user already and has been added to the tenant.", email=form.email.data)
            )
        return invited

    def after_creation(self, row: Any) -> str:
        """Return the URL of the list: an invitation has no page of its own."""
        return str(self.list_url())

    def value(self, row: UserInvitation, name: str) -> Any:
        """Return the value of a column for an invitation."""
        match name:
            case "tenant":
                return f"{row.tenant_id} {row.tenant.name}"
            case "role":
                return row.role.name if row.role is not None else None
            case "state":
                return row.state(now=clock.utc_now())
            case _:
                return super().value(row, name)

    @action(
        "",
        icon="send",
        accessible_name=N_("Send the invitation of %(name)s again"),
        title=N_("Send the invitation again"),
        question=N_(
            "A new link will be mailed to %(name)s, valid for 7 days. The previous link stops working. Are you sure?"
        ),
        done=N_("The invitation has been sent again."),
        already=invitation_rules.ENDED,
        when=lambda row: row.state(now=clock.utc_now()) in _OPEN,
    )
    def send_again(self, row: UserInvitation) -> None:
        """Mail a new link; the previous one ends."""
        invitation_rules.send_again(self.rows_session(), row, request=context())

    @action(
        "",
        icon="x",
        accessible_name=N_("Withdraw the invitation of %(name)s"),
        title=N_("Withdraw the invitation"),
        question=N_("The link that was mailed to %(name)s stops working. Are you sure?"),
        done=N_("The invitation has been withdrawn."),
        already=invitation_rules.ENDED,
        tone="danger",
        when=lambda row: row.state(now=clock.utc_now()) in _OPEN,
    )
    def withdraw(self, row: UserInvitation) -> None:
        """Withdraw an invitation."""
        invitation_rules.withdraw(self.rows_session(), row, now=clock.utc_now(), by=actor())


def context() -> invitation_rules.Invitation:
    """Return the context of an invitation by the person of this request."""
    settings = current_app.config
    return invitation_rules.Invitation(clock.utc_now(), actor(), settings["PORTAL_URL"], settings["SUPPORT_EMAIL"])
