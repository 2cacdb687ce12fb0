"""The screen of the API tokens with which the customers' portal accesses a tenant: issue, rename, reissue, revoke."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from flask import url_for
from flask_babel import lazy_gettext

from models import clock
from models.db import db
from models.errors import N_
from models.tenants import api_token
from models.tenants.api_token import NAME_LENGTH, PortalToken
from views.base import actor
from views.data_interface import PortalInterface
from views.forms.fields import MaxLength, OneLine, Required, TextField
from views.screen import formats
from views.screen.actions import action
from views.screen.filters import Search
from views.screen.form import ScreenForm
from views.screen.labels import Labels
from views.screen.navigation import Above
from views.screen.screen import Screen
from views.screen.table import Button, Table
from views.shown_once import show_token_once


class TokenForm(ScreenForm):
    """The form for the name of a token."""

    name = TextField(
        lazy_gettext("Name"),
        [Required(), MaxLength(NAME_LENGTH), OneLine()],
        description=lazy_gettext("A name to recognise it by, such as the system that uses it."),
        render_kw={"autocomplete": "off"},
    )


class PortalTokenView(Screen):
    """APIトークン of the tenant."""

    datamodel = PortalInterface(PortalToken)
    rules = api_token
    labels = Labels(
        lazy_gettext("token"),
        lazy_gettext("API tokens"),
        "key",
        {
            "add_button": N_("Issue"),
            "add_title": N_("Issue a token"),
            "added": N_("A token has been issued."),
            "edit_title": N_("Rename token"),
            "ask_edit": N_("The name will be changed. Are you sure?"),
            "changed": N_("The name has been changed."),
            "conflict": N_("Somebody else renamed this token while you were editing."),
            "already_deleted": api_token.ENDED,
            "empty": N_("There is no token."),
            "empty_hint": N_("The customers' portal cannot read this tenant's data until it has one."),
        },
    )
    form = TokenForm
    methods = frozenset({"list", "add", "edit"})
    route_base = "/tenant-settings/tokens"
    row_rule = "<key:token_key>"
    class_permission_name = "PortalTokens"
    add_on_list = True
    secret_help = lazy_gettext(
        "It is shown only once. Enter it in the customers' portal, and do not store it anywhere else."
    )
    unique_errors = api_token.UNIQUE_ERRORS
    trash = "revoked_at"
    above: ClassVar = [
        Above(lazy_gettext("Tenant settings"), "TenantSettingsView.show", ("can_show", "TenantSettings"))
    ]
    list_intro = lazy_gettext("The customers' portal reads this tenant's data with such a token.")
    list_columns: ClassVar = ["name", "issued_at", "last_used_at"]
    order_columns: ClassVar = []
    label_columns: ClassVar = {
        "issued_at": lazy_gettext("Issued at"),
        "last_used_at": lazy_gettext("Last used"),
        # Of the change history.
        "revoked_at": lazy_gettext("Revoked at"),
    }
    formatters_columns: ClassVar = {"last_used_at": formats.TIME.with_empty(lazy_gettext("Not used yet"))}

    def create(self, form: TokenForm) -> Any:
        """Issue a token and show it on the next page."""
        row, token = api_token.create(db.session(), form.name.data, now=clock.utc_now(), by=actor())
        show_token_once(row, token)
        return row

    def change(self, row: Any, form: TokenForm, *, version: int) -> None:
        """Rename a token."""
        api_token.rename(db.session(), row, form.name.data, version=version, by=actor())

    def list_links(self, search: Search, tables: Sequence[Table]) -> Sequence[Button]:
        """Return the link to the description of the API."""
        return [Button(lazy_gettext("Description of the API (OpenAPI)"), url_for("CustomerApi.openapi"), "file-text")]

    @action(
        N_("Reissue"),
        icon="refresh",
        accessible_name=N_("Reissue %(name)s"),
        title=N_("%(name)s"),
        question=N_("A new token will be issued. The present one stops working at once. Are you sure?"),
        tone="danger",
        done=N_("A new token has been issued."),
    )
    def reissue(self, row: Any) -> None:
        """Issue a new secret for a token; the previous one becomes invalid immediately."""
        show_token_once(row, api_token.reissue(db.session(), row, now=clock.utc_now(), by=actor()))

    @action(
        N_("Revoke"),
        icon="ban",
        accessible_name=N_("Revoke %(name)s"),
        title=N_("Revoke token"),
        question=N_("%(name)s will be revoked and stops working at once. Are you sure?"),
        done=N_("The token has been revoked."),
        tone="danger",
    )
    def revoke(self, row: Any) -> None:
        """Revoke a token permanently, with immediate effect."""
        api_token.revoke(db.session(), row, now=clock.utc_now(), by=actor())
