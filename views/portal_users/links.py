"""The URLs in mails and SMS to portal users. They lead to the customers' portal, a different system."""

from __future__ import annotations

from flask import current_app

from models.portal_users.portal_user import LinkPurpose

_PATHS = {LinkPurpose.SIGN_UP: "sign-up", LinkPurpose.RESET: "password-reset"}


def portal_user_url(purpose: LinkPurpose, token: str) -> str:
    """Return the URL in the customers' portal for the purpose and the token of a portal user's link."""
    return f"{current_app.config['CUSTOMER_PORTAL_URL']}/{_PATHS[purpose]}/{token}"
