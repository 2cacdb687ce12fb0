"""Mail in the outbox."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from models import clock
from models.mail.outbox import MailMessage

if TYPE_CHECKING:
    from tests.factories import Make


def mail_message(make: Make, **values: Any) -> MailMessage:
    number = make.number()
    defaults = {
        "kind": "account_locked",
        "recipient": f"reader{number}@example.com",
        "subject": f"お知らせ{number}",
        "body": "本文です。\n",
        "message_id": uuid.uuid4(),
        "created_at": clock.utc_now(),
    } | values
    return make.save(MailMessage(**{"next_attempt_at": defaults["created_at"]} | defaults))
