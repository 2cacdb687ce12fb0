"""Change and remove UTMs (§7.9, §7.10). Registering them is in ``models.utms.utm``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from models.actor import Actor
from models.errors import N_, DomainError, Gone
from models.plain_rules import apply_changes
from models.row_lock import lock
from models.utms import utm as utms
from models.utms.utm import Utm
from models.values.mac_address import mac_address
from models.versioned import check_version

OTHER_MAC = N_("The MAC address does not match the UTM ID.")
MAC_IS_SET = N_("The MAC address has already been entered and cannot be changed.")
FIXED = N_("The UTM ID and the serial number cannot be changed.")

_FIXED_COLUMNS = ("utm_id", "serial")


def change(session: Session, utm: Utm, values: Mapping[str, Any], *, version: int, by: Actor) -> None:
    """Change a UTM (§7.9). Its MAC address can be entered once, and must be the one that its UTM ID is derived from.

    :param version: the UTM's version when the person opened it.
    :raises Conflict: somebody else changed it in the meantime.
    :raises Gone: it was removed in the meantime.
    :raises DomainError: nothing changes, or a value cannot be changed.
    """
    lock(session, utm)
    if utm.removed_at is not None:
        raise Gone
    check_version(utm.version, version)
    if any(name in values and values[name] != getattr(utm, name) for name in _FIXED_COLUMNS):
        raise DomainError(FIXED)
    if "mac_address" in values and (refusal := mac_refusal(utm, values["mac_address"])):
        raise DomainError(refusal, "mac_address")
    change_all(session, [(utm, values)], by=by)


def change_all(session: Session, changed: Sequence[tuple[Utm, Mapping[str, Any]]], *, by: Actor) -> None:
    """Apply changed values to several locked UTMs, whoever asks for it; see :func:`apply_changes`.

    The version is counted here and not by the mapper: the heartbeats of a UTM write the same row, and are no reason to
    refuse what a person typed meanwhile.
    """
    counted = [(utm, {**values, "version": utm.version + 1}) for utm, values in changed]
    apply_changes(session, counted, action="utm.changed", by=by)


def mac_refusal(utm: Utm, entered: str | None) -> str | None:
    """Return why a MAC address cannot be stored for a UTM, None if it can or is the stored one.

    :param entered: as it would be stored; None for none.
    """
    if entered == utm.mac_address:
        return None
    if utm.mac_address is not None:
        return MAC_IS_SET
    return None if mac_address(entered or "") == mac_address(utm.utm_id) else OTHER_MAC


def delete(session: Session, utm: Utm, *, now: datetime, by: Actor) -> None:
    """Remove a UTM (§7.10); see ``models.utms.utm.remove`` for what follows from it.

    :raises Gone: it was removed concurrently.
    """
    lock(session, utm)
    if utm.removed_at is not None:
        raise Gone
    utms.remove(session, utm, now=now, by=by)
