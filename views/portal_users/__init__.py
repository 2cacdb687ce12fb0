"""Screens of the users of the customers' portal."""

from __future__ import annotations

from models.errors import N_
from views.portal_users.all_portal_users import AllPortalUsersView
from views.portal_users.portal_users import PortalUserView
from views.register import Rights

SCREENS = (PortalUserView, AllPortalUsersView)
RIGHTS = {
    "PortalUsers": Rights(
        N_("Users of the customers' portal"),
        read=("can_list",),
        write=(
            "can_add",
            "can_edit",
            "can_delete",
            "can_send_again",
            "can_reset_password",
            "can_reset_password_by_sms",
        ),
        labels={
            "can_reset_password": N_("Reset passwords"),
            "can_reset_password_by_sms": N_("Reset passwords by SMS"),
        },
    )
}
