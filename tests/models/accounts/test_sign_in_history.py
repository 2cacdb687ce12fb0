"""Which entries of the audit log are a user's sign-in history."""

from __future__ import annotations

from models import audit
from models.accounts.sign_in_history import sign_in_history
from models.actor import SYSTEM

LATER = "sign_in.by_a_way_of_the_future"


def test_every_kind_of_sign_in_is_in_the_history_and_nothing_else(make):
    user, other, tenant = make.user(), make.user(), make.tenant()
    shown = ["sign_in.single_sign_on", "sign_in.second_step", LATER, "sign_out", "session.ended", "account.locked"]
    for action in (*shown, "user.changed", "second_factor.added", "sign_inx"):
        audit.record(make.session, action, ("User", user.id), by=SYSTEM)
    audit.record(make.session, "sign_in.failed", ("User", other.id), by=SYSTEM)
    audit.record(make.session, "sign_in.failed", ("User", user.id), by=SYSTEM, tenant_id=tenant.id)

    assert [entry.action for entry in sign_in_history(make.session, user.id, most=50)] == shown[::-1]
