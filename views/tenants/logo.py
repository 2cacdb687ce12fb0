"""The logo of the tenant's public pages (§5.4.1). It is saved at once, because a file cannot wait in a form."""

from __future__ import annotations

from typing import Any

from flask import redirect, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import gettext, lazy_gettext
from flask_wtf import FlaskForm
from wtforms import FileField

from models.db import db
from models.errors import DomainError
from models.tenants import logo_rules
from models.tenants import settings as tenant_settings
from models.tenants.settings import MAX_LOGO_BYTES
from views.base import PortalView, actor, render
from views.flashes import flash_error, flash_success
from views.forms.errors import add_error
from views.forms.fields import ChosenFile


class LogoForm(FlaskForm):
    """A file."""

    file = FileField(
        lazy_gettext("File"),
        [ChosenFile()],
        description=lazy_gettext("A PNG file of up to 200 KB, at most 1000 pixels wide and high."),
        render_kw={"accept": "image/png,.png", "required": True},
    )


class TenantLogoView(PortalView):
    """The present logo, and a form for another."""

    route_base = "/tenant-settings/logo"
    class_permission_name = "TenantSettings"

    @expose("/")
    @has_access
    @permission_name("edit")
    def logo(self) -> str:
        """Show the logo and the form."""
        return _page(LogoForm())

    @expose("/", methods=["POST"])
    @has_access
    @permission_name("edit")
    def replace(self) -> Any:
        """Store an uploaded file as the logo."""
        form = LogoForm()
        if not form.validate_on_submit():
            return _page(form), 422
        try:
            # One byte more than allowed, so that the rule detects a larger file without reading all of it.
            logo_rules.replace(db.session(), form.file.data.stream.read(MAX_LOGO_BYTES + 1), by=actor())
        except DomainError as error:
            db.session.rollback()
            add_error(form, error)
            return _page(form), 422
        flash_success(gettext("The logo has been saved."))
        return redirect(url_for("TenantLogoView.logo"))

    @expose("/remove", methods=["POST"])
    @has_access
    @permission_name("edit")
    def remove(self) -> Any:
        """Remove the logo."""
        try:
            logo_rules.remove(db.session(), by=actor())
        except DomainError as error:
            db.session.rollback()
            flash_error(error)
        else:
            flash_success(gettext("The logo has been removed."))
        return redirect(url_for("TenantLogoView.logo"))


def logo_url(logo_hash: str) -> str | None:
    """Return the URL of a logo, None without one."""
    return url_for("BrandView.logo", logo_hash=logo_hash) if logo_hash else None


def _page(form: LogoForm) -> str:
    return render(
        "tenants/settings/logo.html",
        form=form,
        logo_url=logo_url(tenant_settings.of_tenant(db.session()).logo_hash),
    )
