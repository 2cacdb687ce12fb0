"""Make the files that are attached to mails. They are made when the mail is sent, and stored nowhere."""

from __future__ import annotations

import logging
from datetime import date
from functools import lru_cache

from rq.timeouts import BaseTimeoutException

from jobs.job import describe
from models.reports import monthly, monthly_pdf
from models.reports.monthly_pdf import PdfFile
from models.scope import tenant_session

log = logging.getLogger("portal.mail")


def made(tenant_id: str, attachment: str) -> PdfFile | None:
    """Return the file of a mail; None if it cannot be made, which is logged: the mail is sent without it.

    :param attachment: its kind and key, as in the outbox.
    """
    try:
        return _pdf(tenant_id, attachment)
    except BaseTimeoutException:
        raise
    except Exception as problem:  # noqa: BLE001  (the text of the mail is complete without the file)
        facts = {"tenant": tenant_id, "attachment": attachment, "error": describe(problem)}
        log.error("mail sent without its attachment", extra=facts)  # noqa: TRY400  (the message may quote data)
        return None


# The mails of a report to its recipients follow each other.
@lru_cache(1)
def _pdf(tenant_id: str, attachment: str) -> PdfFile:
    kind, customer_id, month = attachment.split("/")
    if kind != monthly.ATTACHMENT:
        raise LookupError(f"No attachment is of the kind {kind}.")
    with tenant_session(tenant_id) as session:
        report = monthly.report_of(session, customer_id, date.fromisoformat(f"{month}-01"))
        if report is None:
            raise LookupError("The report or its customer is gone.")
        return monthly_pdf.pdf_of(session, report)
