"""The search for customers, contracts and UTMs of a tenant, and for NEC staff of all tenants."""

from __future__ import annotations

from models.errors import N_
from views.register import MenuEntry, Place, RateLimit, Rights
from views.search.search import SearchView, user_key
from views.search.staff_search import StaffSearchView

SCREENS = (SearchView, StaffSearchView)
RIGHTS = {"StaffSearch": Rights(N_("Search all tenants"), staff=("can_list",))}
MENU = (
    MenuEntry(Place.STAFF, 8, N_("Search all tenants"), "StaffSearchView.list", ("can_list", "StaffSearch"), "search"),
)
RATE_LIMITS = (
    RateLimit("SearchView", "SEARCH_RATE_LIMIT", key=user_key),
    RateLimit("StaffSearchView", "SEARCH_RATE_LIMIT", key=user_key),
)
