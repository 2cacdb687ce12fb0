"""The change history of the notification addresses."""

from __future__ import annotations

from models import audit
from models.actor import SYSTEM
from tests.support.pages import Page

URL = "/notification-addresses/"


def test_it_says_who_asked_for_which_address_and_who_confirmed_it(operator, make, signed_in):
    tenant, other = operator.tenant, make.tenant()
    typed = {f"{name}{number}": "" for name in ("address", "again") for number in (1, 2, 3)}
    operator.post(URL, data=typed | {"address1": "a@example.jp", "again1": "a@example.jp", "version": "0"})
    audit.record(
        make.session,
        "notification_address.confirmed",
        ("NotificationAddress", f"{tenant.id}/1"),
        by=SYSTEM,
        tenant_id=tenant.id,
        before={"address": "old@example.jp"},
        after={"address": "a@example.jp"},
    )
    audit.record(
        make.session,
        "notification_address.removed",
        ("NotificationAddress", f"{other.id}/1"),
        by=SYSTEM,
        tenant_id=other.id,
    )
    make.session.commit()
    viewer = signed_in(make.member(tenant, "Partner Viewer"), tenant)

    for client in (operator, viewer):
        rows = [row for row in Page(client.get(URL).text).rows if "変更者" in row]
        assert [(row["変更者"], row["項目"], row["変更前"], row["変更後"]) for row in rows] == [
            (SYSTEM.name, "メールアドレス", "old@example.jp", "a@example.jp"),
            (operator.user.email, "メールアドレス: 新しいメールアドレス", "-", "a@example.jp"),
        ]
