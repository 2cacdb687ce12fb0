"""Screens for users, roles, rights, passwords and sign-in."""

from __future__ import annotations

from flask import request

from models.errors import N_
from views.accounts.access_ledger import AccessLedgerView
from views.accounts.forgotten_password import ForgottenPasswordView, typed_address
from views.accounts.invitations import StaffInvitationView
from views.accounts.members import MemberView
from views.accounts.passkey_sign_in import PasskeySignInView
from views.accounts.passkeys import PasskeyView
from views.accounts.password_change import PasswordChangeView
from views.accounts.password_setup import PasswordSetupView
from views.accounts.permissions import PermissionNameView, RightView, ViewNameView
from views.accounts.profile import ProfileView
from views.accounts.registration import RegistrationView
from views.accounts.restored_form import RestoredFormView
from views.accounts.roles import RoleView
from views.accounts.second_factor import SecondFactorView
from views.accounts.second_step import SecondStepView
from views.accounts.sessions import SessionView
from views.accounts.single_sign_on import SingleSignOnView
from views.accounts.users import UserView
from views.register import MenuEntry, Place, RateLimit, Rights

SCREENS = (
    PasswordSetupView,
    PasswordChangeView,
    SessionView,
    ForgottenPasswordView,
    SecondStepView,
    PasskeySignInView,
    SecondFactorView,
    PasskeyView,
    SingleSignOnView,
    RegistrationView,
    ProfileView,
    StaffInvitationView,
    MemberView,
    RestoredFormView,
    UserView,
    AccessLedgerView,
    RoleView,
    RightView,
    PermissionNameView,
    ViewNameView,
)
RIGHTS = {
    "AccessLedger": Rights(
        N_("Access ledger"), admin=("can_list", "can_review"), labels={"can_review": N_("Record the review")}
    ),
    "Permissions": Rights(N_("Rights"), admin=("can_list",)),
    "Roles": Rights(N_("Roles"), admin=("can_list", "can_show", "can_add", "can_edit", "can_delete")),
    "StaffInvitations": Rights(
        N_("Invitations of users"),
        staff=("can_list", "can_add", "can_send_again", "can_withdraw"),
        labels={"can_add": N_("Invite"), "can_withdraw": N_("Withdraw")},
    ),
    "TenantUsers": Rights(N_("Users of the tenant"), read=("can_list",)),
    "Users": Rights(
        N_("Users"),
        admin=(
            *("can_list", "can_show", "can_add", "can_edit", "can_delete"),
            *("can_issue_link", "can_join", "can_change_membership", "can_leave", "can_unlock"),
            "can_reset_second_factor",
        ),
        labels={
            "can_issue_link": N_("Send password link"),
            "can_join": N_("Put into tenants"),
            "can_change_membership": N_("Change roles in tenants"),
            "can_leave": N_("Take out of tenants"),
            "can_unlock": N_("Unlock"),
            "can_reset_second_factor": N_("Reset second factors"),
        },
    ),
}
MENU = (
    MenuEntry(
        Place.STAFF,
        7,
        N_("Invitations of users"),
        "StaffInvitationView.list",
        ("can_list", "StaffInvitations"),
        "user-plus",
    ),
    MenuEntry(Place.USER, 50, N_("Users of the tenant"), "MemberView.list", ("can_list", "TenantUsers")),
    MenuEntry(
        Place.SIDE,
        90,
        N_("Users and roles"),
        "UserView.list",
        ("can_list", "Users"),
        "shield-lock",
        tuple(
            screen.__name__
            for screen in (UserView, AccessLedgerView, RoleView, RightView, PermissionNameView, ViewNameView)
        ),
    ),
)
PUBLIC = (
    "PasswordSetupView.setup",
    "ForgottenPasswordView.ask",
    "ForgottenPasswordView.sent",
    "RegistrationView.register",
    "SignInView.login",
    "SecondStepView.ask",
    "SecondStepView.options",
    "PasskeySignInView.options",
    "PasskeySignInView.sign_in",
    "SingleSignOnView.start",
    "SingleSignOnView.callback",
)
_OWN_SECOND_FACTORS = (
    *(f"SecondFactorView.{page}" for page in ("show", "app", "app_off", "codes")),
    *(f"PasskeyView.{page}" for page in ("add", "options", "rename", "remove")),
)
SET_UP = ("SignInView.logout", "PasswordChangeView.change", "SessionView.remaining", *_OWN_SECOND_FACTORS)
TENANTLESS = (
    *SET_UP,
    "ProfileView.edit",
    "RestoredFormView.show",
    *(f"SessionView.{name}" for name in ("list", "end", "end_others")),
)
RATE_LIMITS = (
    RateLimit("SignInView", "SIGN_IN_RATE_LIMIT", methods=("POST",)),
    RateLimit("SingleSignOnView", "SINGLE_SIGN_ON_RATE_LIMIT"),
    RateLimit("PasswordChangeView", "SIGN_IN_RATE_LIMIT", methods=("POST",)),
    *(
        RateLimit(view, "SIGN_IN_RATE_LIMIT", methods=("POST",))
        for view in ("SecondStepView", "PasskeySignInView", "SecondFactorView", "PasskeyView")
    ),
    RateLimit("PasswordSetupView", "LINK_RATE_LIMIT"),
    RateLimit("RegistrationView", "LINK_RATE_LIMIT"),
    RateLimit("ForgottenPasswordView", "FORGOTTEN_PASSWORD_RATE_LIMIT", methods=("POST",)),
    RateLimit(
        "ForgottenPasswordView",
        "FORGOTTEN_PASSWORD_ADDRESS_RATE_LIMIT",
        methods=("POST",),
        key=typed_address,
        # Forms without an address would all be counted together.
        exempt=lambda: not request.form.get("email"),
    ),
)
