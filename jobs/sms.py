"""Send the outbox of SMS through a gateway. The setting ``SMS_BACKEND`` names it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Protocol

from flask import current_app
from rq.timeouts import BaseTimeoutException

from jobs.job import describe, job
from models import clock
from models.errors import N_
from models.mail import sms
from models.mail.sms import OutgoingSms
from models.operations.schedule import Entry, every
from models.scope import all_tenants

BUDGET = 45.0
"""Seconds after which a run claims no more messages and leaves the rest to the next run."""

SCHEDULE = (Entry("sms", N_("Send waiting SMS"), "jobs.sms.sweep", every(1), queue="default"),)

log = logging.getLogger("portal.sms")


class Gateway(Protocol):
    """A service that sends SMS."""

    def send(self, message: OutgoingSms) -> None:
        """Send one message.

        :raises Exception: it was not accepted, and is to be tried again.
        """


class LogGateway:
    """Sends nothing, and logs the kind of each message with the last four digits of its number. The text has a secret."""

    def send(self, message: OutgoingSms) -> None:
        """Log one message."""
        log.info("sms", extra={"kind": message.kind, "to": f"…{message.recipient[-4:]}"})


BACKENDS: dict[str, Callable[[], Gateway]] = {"log": LogGateway}
"""The gateway for each value of ``SMS_BACKEND``."""


@job(quiet=True)
def send_due() -> None:
    """Send all due messages (§7.4.4, password reset by SMS)."""
    _send_due()


@job(entry="sms", quiet=True)
def sweep() -> None:
    """Send all due messages once a minute: retries, and those whose job after the commit was lost."""
    _send_due()


def _send_due() -> None:
    gateway = BACKENDS[current_app.config["SMS_BACKEND"]]()
    begun = time.monotonic()
    with all_tenants("SMS are sent for every tenant") as session:
        while time.monotonic() - begun < BUDGET:
            message = sms.claim(session, now=clock.utc_now())
            if message is None:
                return
            try:
                gateway.send(message)
            except BaseTimeoutException:
                # The whole job has timed out. The message is tried again later.
                raise
            except Exception as problem:  # noqa: BLE001  (whatever the gateway raises, other messages are sent)
                sms.record_failure(session, message, describe(problem))
            else:
                sms.record_sent(session, message, now=clock.utc_now())
