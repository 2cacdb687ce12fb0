"""The screens of tenants: selection, settings and API tokens."""

from __future__ import annotations

from models.errors import N_
from views.register import MenuEntry, Place, Rights
from views.tenants.api_tokens import PortalTokenView
from views.tenants.identity_provider import IdentityProviderView
from views.tenants.logo import TenantLogoView
from views.tenants.select import TenantView
from views.tenants.settings import TenantSettingsView
from views.tenants.staff_tenants import StaffTenantView

SCREENS = (TenantView, TenantSettingsView, TenantLogoView, PortalTokenView, StaffTenantView, IdentityProviderView)
RIGHTS = {
    "PortalTokens": Rights(
        N_("API tokens"),
        read=("can_list",),
        write=("can_add", "can_edit", "can_reissue", "can_revoke"),
        labels={"can_reissue": N_("Reissue"), "can_revoke": N_("Revoke")},
    ),
    "IdentityProviders": Rights(
        N_("Single sign-on"),
        staff=("can_edit", "can_add_domain", "can_verify_domain", "can_remove_domain", "can_release"),
        labels={
            "can_add_domain": N_("Add domain"),
            "can_verify_domain": N_("Confirm domain"),
            "can_remove_domain": N_("Remove domain"),
            "can_release": N_("Release account"),
        },
    ),
    "StaffTenants": Rights(N_("Tenants"), staff=("can_list", "can_show", "can_add", "can_edit")),
    "TenantSettings": Rights(N_("Tenant settings"), read=("can_show",), write=("can_edit",)),
}
MENU = (
    MenuEntry(
        Place.STAFF,
        6,
        N_("Tenants"),
        "StaffTenantView.list",
        ("can_list", "StaffTenants"),
        "building-plus",
        ("StaffTenantView", "IdentityProviderView"),
    ),
    MenuEntry(Place.USER, 10, N_("Tenant settings"), "TenantSettingsView.show", ("can_show", "TenantSettings")),
    MenuEntry(Place.HIDDEN, 20, "", "PortalTokenView.list", ("can_list", "PortalTokens")),
)
TENANTLESS = ("TenantView.list", "TenantView.open", "TenantView.select", "TenantView.leave")
UPLOADS = ("TenantLogoView.replace",)
