"""The URLs in the customers' portal that mails to its users link to (§7.4.4)."""

from __future__ import annotations

from flask import current_app

from models.portal_users.portal_user import LinkPurpose

_PATHS = {LinkPurpose.SIGN_UP: "sign-up", LinkPurpose.RESET: "password-reset"}


def portal_user_url(purpose: LinkPurpose, token: str) -> str:
    """Return the URL for the token of a link that is mailed to a portal user."""
    return f"{current_app.config['CUSTOMER_PORTAL_URL']}/{_PATHS[purpose]}/{token}"
