"""What the screens of the audit log call the kinds of its subjects and the actions."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext

SUBJECTS: dict[str, Any] = {
    "AccessReview": lazy_gettext("Review of the access ledger"),
    "Announcement": lazy_gettext("Announcement"),
    "ApplicationField": lazy_gettext("Extra question"),
    "Charge": lazy_gettext("Charge"),
    "Contract": lazy_gettext("Contract"),
    "Correction": lazy_gettext("Correction"),
    "Customer": lazy_gettext("Customer"),
    "ImportRun": lazy_gettext("Import"),
    "Invoice": lazy_gettext("Invoice"),
    "LevelPolicyVersion": lazy_gettext("Alert level policy"),
    "MailMessage": lazy_gettext("Mail"),
    "MailTemplate": lazy_gettext("Mail template"),
    "Membership": lazy_gettext("Tenant of a user"),
    "MonthlyReport": lazy_gettext("Monthly report"),
    "NotificationAddress": lazy_gettext("Notification address"),
    "PasswordLink": lazy_gettext("Password link"),
    "PortalToken": lazy_gettext("API token"),
    "PortalUser": lazy_gettext("Portal user"),
    "Product": lazy_gettext("Product"),
    "RatePlan": lazy_gettext("Rate plan"),
    "Reboot": lazy_gettext("Reboot"),
    "Role": lazy_gettext("Role"),
    "ServiceApplication": lazy_gettext("Service application"),
    "SupportPage": lazy_gettext("Support page"),
    "Tenant": lazy_gettext("Tenant"),
    "TenantSettings": lazy_gettext("Tenant settings"),
    "Ticket": lazy_gettext("Ticket"),
    "Usage": lazy_gettext("Usage"),
    "User": lazy_gettext("User"),
    "UserInvitation": lazy_gettext("Invitation of a user"),
    "Utm": lazy_gettext("UTM"),
    "UtmApplication": lazy_gettext("UTM application"),
}
"""By the type of the subject. Types without a label are displayed as they are stored."""

ACTIONS: dict[str, Any] = {
    "added": lazy_gettext("Added"),
    "answers_changed": lazy_gettext("Answers changed"),
    "approved": lazy_gettext("Approved"),
    "brought_back": lazy_gettext("In use again"),
    "cancellation_undone": lazy_gettext("Cancellation undone"),
    "cancelled": lazy_gettext("Cancelled"),
    "change_refused": lazy_gettext("Change refused"),
    "changed": lazy_gettext("Changed"),
    "confirmed": lazy_gettext("Confirmed"),
    "copied": lazy_gettext("Copied to another tenant"),
    "corrected": lazy_gettext("Corrected"),
    "created": lazy_gettext("Created"),
    "deleted": lazy_gettext("Deleted"),
    "delivery_recorded": lazy_gettext("Delivery recorded"),
    "downloaded": lazy_gettext("Downloaded"),
    "exchanged": lazy_gettext("Exchanged"),
    "failed": lazy_gettext("Failed"),
    "held": lazy_gettext("Put on hold"),
    "invitation_renewed": lazy_gettext("Invitation URL renewed"),
    "invited": lazy_gettext("Invited"),
    "invited_again": lazy_gettext("Invited again"),
    "issued": lazy_gettext("Issued"),
    "locked": lazy_gettext("Locked"),
    "logo_changed": lazy_gettext("Logo changed"),
    "message_added": lazy_gettext("Message added"),
    "moved": lazy_gettext("Moved"),
    "paid": lazy_gettext("Marked as paid"),
    "password_reset": lazy_gettext("Password reset"),
    "password_set": lazy_gettext("Password set"),
    "received": lazy_gettext("Received"),
    "recorded": lazy_gettext("Recorded"),
    "refused": lazy_gettext("Refused"),
    "registered": lazy_gettext("Was registered"),
    "reissued": lazy_gettext("Reissued"),
    "rejected": lazy_gettext("Rejected"),
    "removed": lazy_gettext("Removed"),
    "renamed": lazy_gettext("Renamed"),
    "renewal_stopped": lazy_gettext("Renewal stopped"),
    "replaced": lazy_gettext("Replaced"),
    "requested": lazy_gettext("Requested"),
    "reset": lazy_gettext("Reset to the default"),
    "restored": lazy_gettext("Restored"),
    "retired": lazy_gettext("Retired"),
    "revoked": lazy_gettext("Revoked"),
    "role_granted": lazy_gettext("Role granted"),
    "role_taken": lazy_gettext("Role taken"),
    "scheduled": lazy_gettext("Scheduled"),
    "sent_again": lazy_gettext("Sent again"),
    "sign_out": lazy_gettext("Signed out"),
    "started": lazy_gettext("Started"),
    "succeeded": lazy_gettext("Succeeded"),
    "token_issued": lazy_gettext("Token issued"),
    "tokens_issued": lazy_gettext("Tokens issued"),
    "undone": lazy_gettext("Undone"),
    "unlocked": lazy_gettext("Unlocked"),
    "voided": lazy_gettext("Voided"),
    "withdrawn": lazy_gettext("Withdrawn"),
}
"""By the last part of the action's name."""

SIGN_IN: dict[str, Any] = {
    "account.locked": lazy_gettext("Account locked"),
    "sign_in.failed": lazy_gettext("Sign-in failed"),
    "sign_in.refused": lazy_gettext("Sign-in refused"),
    "sign_in.succeeded": lazy_gettext("Signed in"),
}
"""By the whole name, where its last part alone says too little."""


def action_label(action: str) -> Any:
    """Return what an action is called, the stored name if it has no label."""
    return SIGN_IN.get(action) or ACTIONS.get(action.rpartition(".")[2], action)
