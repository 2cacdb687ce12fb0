"""The audit log of all tenants and of what is outside them, such as signing in, for NEC staff."""

from __future__ import annotations

from typing import ClassVar

from flask_babel import lazy_gettext
from sqlalchemy.orm import Session

from models.errors import N_
from views.audit.log import AuditLog, filters_by
from views.audit_labels import ACTIONS, SIGN_IN
from views.screen import formats
from views.screen.filters import IdPart
from views.screen.labels import Labels
from views.screen.navigation import Above
from views.transaction import cross_tenant_session

_REASON = "NEC's staff look after the operation log of every tenant"


class StaffAuditLogView(AuditLog):
    """The entries of all tenants."""

    labels = Labels(
        lazy_gettext("entry of the operation log"),
        lazy_gettext("Operation log of all tenants"),
        "history",
        {"empty": N_("Nothing has been recorded yet."), "show_all": N_("Show all entries")},
    )
    route_base = "/staff/audit-log"
    class_permission_name = "StaffAuditLog"
    tenantless = True
    # By key instead of time: there is no index of the times of all tenants.
    base_order = ("id", "desc")
    order_columns: ClassVar = []
    above: ClassVar = [Above(lazy_gettext("NEC Staff"), None, None)]
    list_columns: ClassVar = ["at", "tenant_id", "actor", "action", "subject"]
    file_columns: ClassVar = ["at", "tenant_id", *AuditLog.file_columns[1:]]
    show_fieldsets: ClassVar = [
        (
            None,
            {"fields": ["at", "tenant_id", "actor", "role", "action", "subject", "address", "request_id"]},
        )
    ]
    filters = (
        IdPart("tenant_id", lazy_gettext("Tenant ID"), most=8, beside=True),
        # Signing in is outside any tenant, so the logs of tenants have none of it.
        *filters_by({**ACTIONS, **SIGN_IN}),
    )
    label_columns: ClassVar = {**AuditLog.label_columns, "tenant_id": lazy_gettext("Tenant ID")}
    formatters_columns: ClassVar = {**AuditLog.formatters_columns, "tenant_id": formats.CODE}

    def rows_session(self) -> Session:
        """Return the session that reads the entries of all tenants."""
        return cross_tenant_session(_REASON)
