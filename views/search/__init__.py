"""The search for customers, contracts and UTMs of a tenant."""

from __future__ import annotations

from views.register import RateLimit
from views.search.search import SearchView, user_key

SCREENS = (SearchView,)
RATE_LIMITS = (RateLimit("SearchView", "SEARCH_RATE_LIMIT", key=user_key),)
