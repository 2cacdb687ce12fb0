"""シングルサインオン of a tenant, for NEC's staff: the connection with its provider, its domains, and the bound accounts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from flask import abort, current_app, redirect, request, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext, lazy_gettext
from flask_wtf import FlaskForm
from sqlalchemy import select
from sqlalchemy.orm import Session
from wtforms import BooleanField, PasswordField

from models import clock
from models.accounts import identity_subject, single_sign_on
from models.accounts.identity_subject import IdentitySubject
from models.db import db
from models.errors import Conflict, DomainError, Gone
from models.tenants import identity_domain, identity_provider
from models.tenants.identity_domain import DOMAIN_LENGTH, IdentityDomain
from models.tenants.identity_provider import CLIENT_ID_LENGTH, ISSUER_LENGTH, LABEL_LENGTH, SECRET_LENGTH, Connection
from models.tenants.tenant import Tenant
from views.arguments import key_or_none
from views.base import PortalView, actor, render
from views.confirmation import response_before_saving, validates_first
from views.flashes import flash_error, flash_success
from views.forms.errors import add_error
from views.forms.fields import CodeField, MaxLength, OneLine, Required, TextField, VersionField
from views.screen import formats
from views.screen.conflict import Difference, compared, differing
from views.screen.table import ICON_BUTTON, Button, Empty, Question, Table, filled_table
from views.transaction import cross_tenant_session

# Wraps, unlike other codes: a record and a subject are long.
_LONG_CODE = formats.Format(css="text font-monospace")
_REASON = "NEC's staff set up the single sign-on of tenants"


class ConnectionForm(FlaskForm):
    """The connection of a tenant with its provider."""

    issuer = CodeField(
        lazy_gettext("Issuer (URL)"),
        [Required(), MaxLength(ISSUER_LENGTH)],
        description=lazy_gettext(
            "Exactly as the provider's metadata names it, such as https://login.example.jp/realms/one."
        ),
    )
    client_id = CodeField(lazy_gettext("Client ID"), [Required(), MaxLength(CLIENT_ID_LENGTH), OneLine()])
    client_secret = PasswordField(
        lazy_gettext("Client secret"),
        [MaxLength(SECRET_LENGTH), OneLine()],
        description=lazy_gettext(
            "It is stored encrypted and never shown again. Leave it empty to keep the stored one."
        ),
        render_kw={"autocomplete": "off"},
    )
    label = TextField(
        lazy_gettext("Label of the button"),
        [Required(), MaxLength(LABEL_LENGTH), OneLine()],
        description=lazy_gettext("Shown to users on the way to the provider."),
    )
    active = BooleanField(lazy_gettext("In use: users with an address of a confirmed domain can sign in with it."))
    trusts_addresses = BooleanField(
        lazy_gettext("Trust the directory's addresses"),
        description=lazy_gettext(
            "Needed for Entra ID, which does not say whether an address is verified. Only for the directory of the tenant"
            " itself."
        ),
    )
    password_sign_in = BooleanField(
        lazy_gettext("Members may also sign in by password"),
        description=lazy_gettext("Otherwise they can enter this tenant only by single sign-on. NEC's staff still can."),
    )
    version = VersionField()

    @classmethod
    def of(cls, stored: Connection, version: int) -> ConnectionForm:
        """Return the form with the stored connection."""
        data = {name: getattr(stored, name) for name in Connection.__slots__}
        return cls(formdata=None, data=data | {"version": str(version)})

    def connection(self) -> Connection:
        """Return the connection as entered."""
        return Connection(**{name: self[name].data for name in Connection.__slots__})

    def labelled_fields(self) -> Iterator[tuple[Any, str]]:
        """Yield all fields with their labels."""
        for field in self:
            yield field, str(field.label.text)


class DomainForm(FlaskForm):
    """A domain to add."""

    domain = CodeField(
        lazy_gettext("Domain"),
        [Required(), MaxLength(DOMAIN_LENGTH)],
        description=lazy_gettext("The part of the email addresses after the @, such as example.co.jp."),
    )


class IdentityProviderView(PortalView):
    """The page below that of a tenant."""

    route_base = "/staff/tenants"
    class_permission_name = "IdentityProviders"
    tenantless = True

    @validates_first
    @expose("/<string:staff_tenant_id>/single-sign-on", methods=["GET", "POST"])
    @has_access
    def edit(self, staff_tenant_id: str) -> Any:
        """Show the page, or save the connection."""
        tenant = _tenant(staff_tenant_id)
        if request.method == "GET":
            return _page(tenant, ConnectionForm.of(*identity_provider.stored(_session(), tenant)))
        form = ConnectionForm()
        if (answer := response_before_saving(form, lambda: _page(tenant, form))) is not None:
            return answer
        try:
            single_sign_on.save_connection(
                _session(),
                tenant,
                form.connection(),
                form.client_secret.data or "",
                version=form.version.shown,
                allow_local=not current_app.config["PRODUCTION"],
                by=actor(),
            )
        except Conflict:
            stored, version = identity_provider.stored(_session(), tenant)
            form.version.data = str(version)
            return _page(tenant, form, conflict=_differences(form, stored)), 409
        except DomainError as error:
            add_error(form, error)
            return _page(tenant, form), 422
        flash_success(gettext("The connection has been saved."))
        return _back(tenant)

    @expose("/<string:staff_tenant_id>/single-sign-on/add-domain", methods=["POST"])
    @has_access
    def add_domain(self, staff_tenant_id: str) -> Any:
        """Add a domain, to be confirmed."""
        tenant, form = _tenant(staff_tenant_id), DomainForm()
        if form.validate():
            try:
                identity_domain.add(_session(), tenant, form.domain.data, by=actor())
            except DomainError as error:
                add_error(form, error)
            else:
                flash_success(gettext("The domain has been added. Confirm it when its TXT record is there."))
                return _back(tenant)
        return _page(tenant, ConnectionForm.of(*identity_provider.stored(_session(), tenant)), domain_form=form), 422

    @expose("/<string:staff_tenant_id>/single-sign-on/verify-domain", methods=["POST"])
    @has_access
    def verify_domain(self, staff_tenant_id: str) -> Any:
        """Confirm a domain, whose TXT record the person has looked up."""
        tenant = _tenant(staff_tenant_id)
        row = _row(IdentityDomain, tenant)
        try:
            identity_domain.verify(_session(), row, now=clock.utc_now(), by=actor())
        except (DomainError, Gone) as error:
            return _refused(tenant, error)
        flash_success(gettext("The domain has been confirmed."))
        return _back(tenant)

    @expose("/<string:staff_tenant_id>/single-sign-on/remove-domain", methods=["POST"])
    @has_access
    def remove_domain(self, staff_tenant_id: str) -> Any:
        """Remove a domain, and end the sessions of the tenant's single sign-on."""
        tenant = _tenant(staff_tenant_id)
        row = _row(IdentityDomain, tenant)
        try:
            single_sign_on.remove_domain(_session(), tenant, row, by=actor())
        except (DomainError, Gone) as error:
            return _refused(tenant, error)
        flash_success(gettext("The domain has been removed."))
        return _back(tenant)

    @expose("/<string:staff_tenant_id>/single-sign-on/release", methods=["POST"])
    @has_access
    def release(self, staff_tenant_id: str) -> Any:
        """Release an account of the provider from its user."""
        tenant = _tenant(staff_tenant_id)
        identity_subject.release(_session(), _row(IdentitySubject, tenant), by=actor())
        flash_success(gettext("The account has been released. The next sign-in binds one again."))
        return _back(tenant)


def _session() -> Session:
    return cross_tenant_session(_REASON)


def _tenant(tenant_id: str) -> Tenant:
    """Return a tenant; abort with 404 if there is none of this ID."""
    found: Tenant | None = _session().get(Tenant, tenant_id)
    if found is None:
        abort(404)
    return found


def _row(model: Any, tenant: Tenant) -> Any:
    """Return the submitted row of a tenant; abort with 404 if it has no such row."""
    key = key_or_none(request.form.get("key"))
    found = select(model).where(model.id == key, model.tenant_id == tenant.id)
    row = _session().scalar(found) if key is not None else None
    if row is None:
        abort(404)
    return row


def _back(tenant: Tenant) -> Any:
    return redirect(url_for("IdentityProviderView.edit", staff_tenant_id=tenant.id))


def _refused(tenant: Tenant, error: Exception) -> Any:
    """Return to the page with the reason; nothing has been written."""
    _session().rollback()
    db.session.rollback()
    flash_error(error if isinstance(error, DomainError) else gettext("The domain has already been removed."))
    return _back(tenant)


def _differences(form: ConnectionForm, stored: Connection) -> list[Difference]:
    typed = form.connection()
    return differing(
        (form[name].label.text, _told(getattr(stored, name)), _told(getattr(typed, name)))
        for name in Connection.__slots__
    )


def _told(value: Any) -> str:
    if isinstance(value, bool):
        return gettext("Yes") if value else gettext("No")
    return str(value)


def _page(
    tenant: Tenant,
    form: ConnectionForm,
    *,
    domain_form: DomainForm | None = None,
    conflict: Sequence[Difference] | None = None,
) -> str:
    return render(
        "tenants/single_sign_on.html",
        tenant=tenant,
        form=form,
        domain_form=domain_form or DomainForm(formdata=None),
        conflict=compared(conflict),
        redirect_uri=single_sign_on.redirect_uri(tenant.id, portal_url=current_app.config["PORTAL_URL"]),
        domains=_domains_table(tenant),
        subjects=_subjects_table(tenant),
    )


def _domains_table(tenant: Tenant) -> Table:
    def url(to: str) -> str:
        return url_for(f"IdentityProviderView.{to}", staff_tenant_id=tenant.id)

    def buttons(row: IdentityDomain) -> list[Button]:
        verify_text = gettext(
            "Confirm %(name)s only after you have seen its TXT record. Have you seen it?", name=row.domain
        )
        remove_text = gettext(
            "%(name)s will be removed, and all who signed in to this tenant by single sign-on are signed out. Are you sure?",
            name=row.domain,
        )
        remove = Button(
            "",
            url("remove_domain"),
            "trash",
            gettext("Remove %(name)s", name=row.domain),
            {"key": str(row.id)},
            Question(remove_text, gettext("Remove domain"), "danger"),
            css=ICON_BUTTON,
        )
        if row.verified_at is not None:
            return [remove]
        question = Question(verify_text, gettext("Confirm domain"), "primary")
        name = gettext("Confirm %(name)s", name=row.domain)
        return [
            Button(gettext("Confirm"), url("verify_domain"), "check", name, {"key": str(row.id)}, question),
            remove,
        ]

    return filled_table(
        [
            (gettext("Domain"), _LONG_CODE, lambda row: row.domain),
            (gettext("TXT record"), _LONG_CODE, lambda row: row.record),
            (gettext("Confirmed at"), formats.TIME.with_empty(gettext("Not confirmed")), lambda row: row.verified_at),
            (gettext("Confirmed by"), formats.TEXT, lambda row: row.verified_by),
        ],
        identity_domain.listed(_session(), tenant.id),
        buttons=buttons,
        title=gettext("Domains"),
        empty=Empty("mail", gettext("There is no domain."), gettext("Nobody can sign in without a confirmed domain.")),
    )


def _subjects_table(tenant: Tenant) -> Table:
    def buttons(row: IdentitySubject) -> list[Button]:
        text = gettext(
            "The account of %(name)s will be released. The next account that signs in with this address takes its place."
            " Are you sure?",
            name=row.user.email,
        )
        return [
            Button(
                "",
                url_for("IdentityProviderView.release", staff_tenant_id=tenant.id),
                "plug-off",
                gettext("Release the account of %(name)s", name=row.user.email),
                {"key": str(row.id)},
                Question(text, gettext("Release account"), "danger"),
                css=ICON_BUTTON,
            )
        ]

    return filled_table(
        [
            (gettext("Email address"), formats.TEXT, lambda row: row.user.email),
            (gettext("Account at the provider"), _LONG_CODE, lambda row: row.subject),
            (gettext("First sign-in"), formats.TIME, lambda row: row.created_at),
        ],
        identity_subject.listed(_session(), tenant.id),
        buttons=buttons,
        title=gettext("Bound accounts"),
        empty=Empty("users", gettext("Nobody has signed in by single sign-on yet.")),
    )
