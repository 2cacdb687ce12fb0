"""テナント for NEC staff: all tenants, with what is set up for each; they are created and renamed here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from flask import current_app, g, url_for
from flask_babel import gettext, lazy_gettext
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from wtforms import BooleanField, SelectField
from wtforms.validators import ValidationError

from models import clock
from models.accounts import invitation_rules, role
from models.customers.customer import Customer
from models.db import db
from models.errors import N_, DomainError
from models.tenants import tenant_rules
from models.tenants.settings import DEFAULT_GRACE_DAYS
from models.tenants.tenant import NAME_LENGTH, Tenant
from models.utms.utm import Utm
from views.base import actor, url_if
from views.data_interface import PortalInterface
from views.forms.fields import CodeField, EmailAddressField, MaxLength, OneLine, Required, TextField, ValidEmail
from views.screen import formats
from views.screen.filters import IdPart, NamePart
from views.screen.form import ScreenForm
from views.screen.labels import Labels
from views.screen.navigation import Above
from views.screen.screen import Screen
from views.screen.table import ICON_BUTTON, Button, Table
from views.tenants.settings_form import GRACE_DAYS, PASSKEY_SIGN_IN, SECOND_FACTOR, is_grace_days
from views.transaction import cross_tenant_session

_REASON = "NEC's staff set up tenants"
_PAGES = (
    ("settings", lazy_gettext("Tenant settings"), "settings"),
    ("logo", lazy_gettext("Logo"), "building"),
    ("questions", lazy_gettext("Additional items"), "list-check"),
    ("exemptions", lazy_gettext("Exemptions from the contract check"), "clipboard-check"),
)
"""The pages where a tenant is set up (``views.tenants.destinations``), with label and icon."""


class TenantNameForm(ScreenForm):
    """The name of a tenant. Everything else is on the pages of its settings."""

    name = TextField(
        lazy_gettext("Tenant name"),
        [Required(), MaxLength(NAME_LENGTH), OneLine()],
        description=lazy_gettext("Shown to its users, and to its customers unless the settings specify another name."),
        render_kw={"autocomplete": "off"},
    )


class NewTenantForm(TenantNameForm):
    """A tenant with its first settings."""

    utm_applications = BooleanField(
        lazy_gettext("Customers can apply for more UTMs in the customers' portal."), default=True
    )
    shortage_grace_days = CodeField(
        lazy_gettext(GRACE_DAYS), [Required(), is_grace_days], default=str(DEFAULT_GRACE_DAYS)
    )

    invited_email = EmailAddressField(
        lazy_gettext("Email address of the first user"),
        [ValidEmail()],
        description=lazy_gettext("Optional. The address is invited to the new tenant with this role."),
        render_kw={"autocomplete": "off"},
    )
    invited_role = SelectField(lazy_gettext("Role of the first user"))

    def set_choices(self, roles: Iterable[Any]) -> None:
        """Set the roles that can be chosen."""
        self.invited_role.choices = [("", lazy_gettext("Please choose")), *((each.name, each.name) for each in roles)]

    def validate_invited_role(self, field: Any) -> None:
        """Require a role if an address is given."""
        if self.invited_email.data and not field.data:
            raise ValidationError(gettext("This field is required."))

    def settings(self) -> dict[str, Any]:
        """Return the first settings."""
        return {
            "utm_applications": self.utm_applications.data,
            "shortage_grace_days": int(self.shortage_grace_days.data),
        }


class StaffTenantView(Screen):
    """The tenants. Buttons choose a tenant and open one of the pages where it is set up."""

    datamodel = PortalInterface(Tenant)
    form = TenantNameForm
    labels = Labels(
        lazy_gettext("tenant"),
        lazy_gettext("Tenants"),
        "building",
        {
            "added": N_("The tenant has been created. Set its notification addresses next, and invite its users."),
            "edit_title": N_("Rename tenant"),
            "ask_edit": N_("The name will be changed. Are you sure?"),
            "changed": N_("The name has been changed."),
            "conflict": N_("Somebody else renamed this tenant while you were editing."),
            "empty_hint": N_("Create the first one."),
        },
    )
    methods = frozenset({"list", "add", "show", "edit"})
    route_base = "/staff/tenants"
    row_rule = "<string:staff_tenant_id>"
    class_permission_name = "StaffTenants"
    tenantless = True
    # These changed nothing of the tenant itself.
    history_without = ("tenant.entered", "tenant.left", "invoice.", "mail_template.")
    above: ClassVar = [Above(lazy_gettext("NEC Staff"), None, None)]
    base_order = ("id", "asc")
    list_columns: ClassVar = ["id", "name", "customers", "utms", "created_at"]
    order_columns: ClassVar = ["id", "name", "created_at"]
    filters = (
        IdPart("id", most=8, placeholder="T8000000"),
        NamePart("name", most=NAME_LENGTH, beside=True),
    )
    show_fieldsets: ClassVar = [(None, {"fields": ["id", "name", "customers", "utms", "created_at"]})]
    label_columns: ClassVar = {
        "id": lazy_gettext("Tenant ID"),
        "customers": lazy_gettext("Number of customers"),
        "utms": lazy_gettext("Number of UTMs"),
        "created_at": lazy_gettext("Created at"),
        "password_sign_in": lazy_gettext("Members may also sign in by password"),
        "second_factor_required": lazy_gettext(SECOND_FACTOR),
        "passkey_sign_in": lazy_gettext(PASSKEY_SIGN_IN),
    }
    formatters_columns: ClassVar = {"id": formats.CODE, "customers": formats.NUMBER, "utms": formats.NUMBER}

    def rows_session(self) -> Session:
        """Return the session that also writes the settings of a new tenant and the audit entries of all of them."""
        return cross_tenant_session(_REASON)

    def new_form(self) -> NewTenantForm:
        """Return the form of a new tenant."""
        form = NewTenantForm()
        form.set_choices(role.in_tenant(db.session(), None))
        return form

    def create(self, form: NewTenantForm) -> Tenant:
        """Create a tenant with its first settings, and invite its first user."""
        session = self.rows_session()
        tenant = tenant_rules.create(session, form.name.data.strip(), form.settings(), by=actor())
        if form.invited_email.data:
            _invite(session, tenant, form)
        return tenant

    def change(self, row: Tenant, form: TenantNameForm, *, version: int) -> None:
        """Rename a tenant."""
        tenant_rules.rename(self.rows_session(), row, form.name.data.strip(), version=version, by=actor())

    def table(self, rows: Sequence[Tenant], columns: Sequence[str] | None = None, **options: Any) -> Table:
        """Return a table of tenants, after counting what belongs to them."""
        self._count_rows([row.id for row in rows])
        return super().table(rows, columns, **options)

    def prepare_file(self, session: Session) -> None:
        """Count what belongs to each tenant."""
        self._count_rows(None, session)

    def _count_rows(self, tenant_ids: Sequence[str] | None, session: Session | None = None) -> None:
        """Count the customers and UTMs of tenants, for ``value``.

        :param tenant_ids: the tenants; None for all.
        """
        session = session or self.rows_session()
        g.tenant_counts = {}
        for name, model, kept in (("customers", Customer, Customer.deleted_at), ("utms", Utm, Utm.removed_at)):
            statement = (
                select(model.tenant_id, func.count().label("count")).where(kept.is_(None)).group_by(model.tenant_id)
            )
            if tenant_ids is not None:
                statement = statement.where(model.tenant_id.in_(tenant_ids))
            g.tenant_counts[name] = {row.tenant_id: row.count for row in session.execute(statement)}

    def value(self, row: Tenant, name: str) -> Any:
        """Return the value of a column for a tenant."""
        if name not in {"customers", "utms"}:
            return super().value(row, name)
        if "tenant_counts" not in g:
            self._count_rows([row.id])
        return g.tenant_counts[name].get(row.id, 0)

    def buttons(self, row: Tenant, back: dict[str, str]) -> list[Button]:
        """Return the buttons of a tenant in the list, with the one that opens its settings."""
        name = gettext("Open the settings of %(name)s", name=row.name)
        return [
            *super().buttons(row, back),
            Button("", _url("settings"), "settings", name, {"tenant_id": row.id}, css=ICON_BUTTON),
        ]

    def page_buttons(self, row: Tenant) -> list[Button]:
        """Return the buttons of a tenant's page, with those that open the pages where it is set up."""
        found = [Button(label, _url(to), icon, "", {"tenant_id": row.id}) for to, label, icon in _PAGES]
        single_sign_on = url_if("can_edit", "IdentityProviders", "IdentityProviderView.edit", staff_tenant_id=row.id)
        if single_sign_on is not None:
            found.append(Button(gettext("Single sign-on"), single_sign_on, "login"))
        if url := url_if("can_add", "StaffInvitations", "StaffInvitationView.add", tenant_id=row.id):
            found.append(Button(gettext("Invite a user"), url, "user-plus"))
        return [*found, *super().page_buttons(row)]


def _invite(session: Session, tenant: Tenant, form: NewTenantForm) -> None:
    settings = current_app.config
    request = invitation_rules.Invitation(clock.utc_now(), actor(), settings["PORTAL_URL"], settings["SUPPORT_EMAIL"])
    try:
        invitation_rules.invite(session, tenant, form.invited_email.data, form.invited_role.data, request=request)
    except DomainError as error:
        # The tenant is not created either, because its transaction is not committed.
        session.rollback()
        raise DomainError(error.message, field="invited_email", **error.values) from error


def _url(to: str) -> str:
    return url_for("TenantView.select", to=to)
