"""The API tokens of the UTMs that an import registered.

Only hashes of tokens are stored, so a file with tokens cannot be kept for a download. The tokens are therefore issued in
the transaction that answers with the file, once for each import. Whoever loses the file issues new tokens on the pages of
the UTMs.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import BigInteger, select
from sqlalchemy.orm import Session

from models import audit
from models.actor import Actor
from models.errors import N_, DomainError
from models.imports.import_run import ImportRow, ImportRun, Outcome, RunState
from models.row_lock import lock, lock_all
from models.utms.device_token import DeviceToken, issue_all
from models.utms.utm import Utm

DOWNLOADED = N_("The API tokens of this import have already been downloaded. Issue new ones on the pages of the UTMs.")
NONE_TO_ISSUE = N_("Every UTM of this import has an API token already, or has been removed.")


class IssuedToken(NamedTuple):
    """A token with its UTM and customer, for the file."""

    customer_id: str
    utm_id: str
    token: str


def new_utms(session: Session, run: ImportRun) -> list[int]:
    """Return the keys of the UTMs that an import registered; none while it is at work or after it was undone."""
    if run.state != RunState.DONE:
        return []
    of_utm = ImportRow.written["utm"]
    return list(
        session.scalars(
            select(of_utm["id"].astext.cast(BigInteger))
            .where(
                ImportRow.run_id == run.id,
                ImportRow.outcome == Outcome.WRITTEN.value,
                of_utm["created"].as_boolean(),
            )
            .order_by(ImportRow.number)
        )
    )


def issue_tokens(session: Session, run: ImportRun, *, now: datetime, by: Actor) -> list[IssuedToken]:
    """Issue the tokens of the UTMs that an import registered, in the order of its rows.

    UTMs that have been removed or given a token in the meantime are left out: their token may be in use.

    :raises DomainError: the tokens have already been issued, or there are none to issue.
    """
    # Of two concurrent calls, the second waits here and is refused.
    lock(session, run)
    if run.tokens_issued_at is not None:
        raise DomainError(DOWNLOADED)
    keys = new_utms(session, run)
    locked = lock_all(session, Utm, keys)
    in_force = set(
        session.scalars(
            select(DeviceToken.utm_id).where(DeviceToken.utm_id.in_(keys), DeviceToken.revoked_at.is_(None))
        )
    )
    utms = [utm for key in keys if (utm := locked.get(key)) and utm.removed_at is None and key not in in_force]
    if not utms:
        raise DomainError(NONE_TO_ISSUE)
    tokens = issue_all(session, utms, now=now, by=by)
    audit.record(session, "import.tokens_issued", run, by=by, after={"utms": len(utms)})
    run.tokens_issued_at = now
    return [IssuedToken(utm.customer_id, utm.utm_id, tokens[utm.id]) for utm in utms]
