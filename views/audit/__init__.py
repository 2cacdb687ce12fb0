"""Screens of the audit log."""

from __future__ import annotations

from models.errors import N_
from views.audit.log import AuditLogView
from views.audit.staff_log import StaffAuditLogView
from views.register import MenuEntry, Place, Rights

SCREENS = (AuditLogView, StaffAuditLogView)
RIGHTS = {
    "AuditLog": Rights(N_("Operation log"), read=("can_list", "can_show")),
    "StaffAuditLog": Rights(N_("Operation log of all tenants"), staff=("can_list", "can_show")),
}
MENU = (
    MenuEntry(Place.USER, 60, N_("Operation log"), "AuditLogView.list", ("can_list", "AuditLog")),
    MenuEntry(
        Place.STAFF,
        60,
        N_("Operation log of all tenants"),
        "StaffAuditLogView.list",
        ("can_list", "StaffAuditLog"),
        "history",
    ),
)
TENANTLESS = ("StaffAuditLogView.list", "StaffAuditLogView.show")
