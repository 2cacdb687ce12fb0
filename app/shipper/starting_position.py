"""Finds the position at which a run continues, also after the UTM's token was replaced.

Positions are stored by token, so that a run can start while the portal is unavailable. A new token has no position yet, but the file that
was followed under the old token may have been rotated since, and starting at the current file would miss its end. So the portal is asked
which UTM the token belongs to, and the position of that UTM's old token is adopted.

A position without any answer from the portal can be adopted by any UTM: nothing before it was sent, so that continuing there misses
nothing, and the portal stores each alert once.
"""

from __future__ import annotations

from collections.abc import Callable

from app.shipper.client import DeviceClient
from app.shipper.position import AlreadyFollowedError, Position, PositionStore


def find_starting_position(
    positions: PositionStore, client: DeviceClient, notify: Callable[[str], None]
) -> Position | None:
    """Return the stored position of the token, or else of an earlier token of the same UTM; None to start at the beginning.

    The portal is asked only if there is a position to adopt.

    :param positions: the position store of the run, locked; an adopted position is saved there.
    :param notify: receives a message when a position is adopted.
    :raises app.shipper.client.DeviceError: the portal refuses the request.
    :raises app.shipper.stop.StoppedError: a signal arrived while waiting for the portal.
    :raises app.shipper.time_shift.StateError: the position cannot be written.
    """
    own = positions.load()
    if own is not None:
        return own
    candidates = [
        (position, other)
        for other in positions.for_other_tokens()
        if (position := other.load()) and _may_be_usable(position, other)
    ]
    if not candidates:
        return None
    utm = positions.utm = client.fetch_utm_id()
    # The oldest first: continuing there misses nothing that another one has not sent.
    candidates.sort(key=lambda each: (each[1].utm is None, each[0].written, each[0].offset))
    for position, other in candidates:
        if _is_usable(position, other, utm) and (position := _adopt(positions, other, notify)):
            return position
    return None


def _adopt(positions: PositionStore, other: PositionStore, notify: Callable[[str], None]) -> Position | None:
    """Adopt the position of an earlier token; None when it is in use, gone or no longer suitable."""
    try:
        with other:
            position = other.load()
            if position is None or not _is_usable(position, other, positions.utm):
                return None
            positions.answered, positions.counts = other.answered, other.counts
            # Before the deletion, so that a run that is killed in between finds its position.
            positions.save(position)
            other.delete()
    except AlreadyFollowedError:
        if other.utm is not None:
            notify("A run under an earlier token of this UTM has not ended: its position is not taken over.")
        return None
    notify("Continuing where the run under the earlier token ended.")
    return position


def _is_usable(position: Position, other: PositionStore, utm: str | None) -> bool:
    """Whether a run of the UTM can continue there without missing alerts: it is its position, or nothing was sent before it."""
    return _may_be_usable(position, other) and other.utm in {None, utm}


def _may_be_usable(position: Position, other: PositionStore) -> bool:
    """Whether the UTM of a position is known, or nothing was sent before it; older versions stored neither."""
    return other.utm is not None or not position.offset or not other.answered
