"""The tokens with which the customers' portal calls for a tenant: made, renamed, reissued and revoked here."""

from __future__ import annotations

from typing import Any, ClassVar

from flask import abort, flash, redirect, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext, lazy_gettext
from flask_wtf import FlaskForm
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from models import clock
from models.db import db
from models.errors import Conflict, DomainError
from models.tenants import api_token
from models.tenants.api_token import NAME_LENGTH, PortalToken
from views.base import PortalModelView, actor, render
from views.data_interface import PortalInterface
from views.forms.errors import add_error
from views.forms.fields import AtMost, Needed, OneLine, TextField, VersionField
from views.shown_once import show_token_once, token_to_show


class TokenForm(FlaskForm):
    """What a token is called."""

    name = TextField(lazy_gettext("Name"), [Needed(), AtMost(NAME_LENGTH), OneLine()])
    version = VersionField()


class PortalTokenView(PortalModelView):
    """APIトークン of the tenant."""

    datamodel = PortalInterface(PortalToken)
    route_base = "/tenant-settings/tokens"
    class_permission_name = "PortalTokens"
    include_route_methods = {"list", "add", "edit", "reissue", "revoke"}
    base_order = ("name", "asc")
    list_columns: ClassVar = ["name", "issued_at", "last_used_at"]
    search_columns: ClassVar = ["name"]
    show_columns: ClassVar = ["name"]
    add_columns: ClassVar = ["name"]
    edit_columns: ClassVar = ["name"]

    @expose("/")
    @has_access
    def list(self) -> str:
        """List the tokens in force."""
        return self._list_page(TokenForm())

    @expose("/add", methods=["POST"])
    @has_access
    def add(self) -> Any:
        """Make a token, and show it on the next page."""
        form = TokenForm()
        if not form.validate():
            return self._list_page(form), 422
        try:
            row, token = api_token.create(db.session(), form.name.data, now=clock.utc_now(), by=actor())
            db.session.commit()
        except (DomainError, IntegrityError) as error:
            db.session.rollback()
            add_error(form, error, api_token.UNIQUE_ERRORS)
            return self._list_page(form), 422
        show_token_once(row, token)
        flash(gettext("A token has been issued."), "success")
        return redirect(url_for("PortalTokenView.list"))

    @expose("/<key:token_key>/edit", methods=["GET", "POST"])
    @has_access
    def edit(self, token_key: int) -> Any:
        """Give a token another name."""
        row = _token_or_404(token_key)
        form = TokenForm(obj=row)
        if not form.validate_on_submit():
            return _edit_page(form, row), 422 if form.is_submitted() else 200
        try:
            api_token.rename(db.session(), row, form.name.data, version=form.version.shown, by=actor())
            db.session.commit()
        except Conflict:
            db.session.rollback()
            row = _token_or_404(token_key)
            form.version.data = str(row.version)
            return _edit_page(form, row, conflict=True), 409
        except (DomainError, IntegrityError) as error:
            db.session.rollback()
            add_error(form, error, api_token.UNIQUE_ERRORS)
            return _edit_page(form, _token_or_404(token_key)), 422
        flash(gettext("The name has been changed."), "success")
        return redirect(url_for("PortalTokenView.list"))

    @expose("/<key:token_key>/reissue", methods=["POST"])
    @has_access
    def reissue(self, token_key: int) -> Any:
        """Give a token another secret; the one before ends at once."""
        row = _token_or_404(token_key)
        try:
            token = api_token.reissue(db.session(), row, now=clock.utc_now(), by=actor())
            db.session.commit()
        except DomainError as error:
            db.session.rollback()
            flash(gettext(error.message), "danger")
            return redirect(url_for("PortalTokenView.list"))
        show_token_once(row, token)
        flash(gettext("A new token has been issued."), "success")
        return redirect(url_for("PortalTokenView.list"))

    @expose("/<key:token_key>/revoke", methods=["POST"])
    @has_access
    def revoke(self, token_key: int) -> Any:
        """End a token for good, at once."""
        api_token.revoke(db.session(), _token_or_404(token_key), now=clock.utc_now(), by=actor())
        db.session.commit()
        flash(gettext("The token has been revoked."), "success")
        return redirect(url_for("PortalTokenView.list"))

    def _list_page(self, form: TokenForm) -> str:
        rows = api_token.in_force(db.session())
        waiting = token_to_show(PortalToken, [row.id for row in rows])
        return render(
            "tenants/api_tokens.html",
            form=form,
            tokens=[self._row(row) for row in rows],
            new_token=waiting["token"] if waiting else None,
            new_token_of=next(row.name for row in rows if row.id == waiting["key"]) if waiting else None,
            add_url=url_for("PortalTokenView.add") if self._may("add") else None,
            settings_url=url_for("TenantSettingsView.show"),
            openapi_url=url_for("CustomerApi.openapi"),
        )

    def _row(self, row: PortalToken) -> dict[str, Any]:
        return {
            "id": row.id,
            "name": row.name,
            "issued_at": clock.screen_time(row.issued_at),
            "last_used_at": clock.screen_time(row.last_used_at),
        } | {
            f"{method}_url": url_for(f"PortalTokenView.{method}", token_key=row.id) if self._may(method) else None
            for method in ("edit", "reissue", "revoke")
        }

    def _may(self, method: str) -> bool:
        return self.appbuilder.sm.has_access(f"can_{method}", "PortalTokens")


def _edit_page(form: TokenForm, row: PortalToken, *, conflict: bool = False) -> str:
    both = {"label": form.name.label.text, "stored": row.name, "typed": form.name.data}
    differences = [both] if row.name != form.name.data else []
    return render(
        "tenants/api_token_form.html",
        form=form,
        differences=differences if conflict else None,
        settings_url=url_for("TenantSettingsView.show"),
        back_url=url_for("PortalTokenView.list"),
    )


def _token_or_404(token_key: int) -> PortalToken:
    found = db.session.scalar(select(PortalToken).where(PortalToken.id == token_key, PortalToken.revoked_at.is_(None)))
    if found is None:
        abort(404)
    return found
