"""Public pages for companies without an account: applying for the service (§8.2.1) and for more UTMs (§8.3)."""

from __future__ import annotations

from hashlib import sha256

from flask import request

from views.public_applications.application import PublicApplicationView
from views.public_applications.brand import BrandView
from views.public_applications.confirmation import ApplicationConfirmationView
from views.public_applications.utm_application import PublicUtmApplicationView
from views.register import RateLimit

SCREENS = (PublicApplicationView, PublicUtmApplicationView, ApplicationConfirmationView, BrandView)
PUBLIC = (
    "PublicApplicationView.apply",
    "PublicApplicationView.sent",
    "PublicUtmApplicationView.apply",
    "PublicUtmApplicationView.sent",
    "ApplicationConfirmationView.confirm",
    "BrandView.style",
    "BrandView.logo",
)
_FORMS = ("PublicApplicationView", "PublicUtmApplicationView")


def _sender() -> str:
    """Return the key of sent forms: with the address alone, they would be counted together with the views of a page."""
    return f"form of {request.remote_addr}"


def _utm_form() -> str:
    """Return the key of a customer's form, whoever sends it: its URL is passed on, and it mails whom the sender names."""
    return f"utm form {sha256(request.path.encode()).hexdigest()}"


RATE_LIMITS = (
    *(RateLimit(view, "APPLICATION_PAGE_RATE_LIMIT", methods=("GET", "HEAD")) for view in _FORMS),
    *(RateLimit(view, "APPLICATION_FORM_RATE_LIMIT", methods=("POST",), key=_sender) for view in _FORMS),
    RateLimit("PublicUtmApplicationView", "UTM_FORM_RATE_LIMIT", methods=("POST",), key=_utm_form),
    RateLimit("ApplicationConfirmationView", "LINK_RATE_LIMIT"),
    RateLimit("BrandView", "APPLICATION_PAGE_RATE_LIMIT"),
)
