"""Hands the place in a followed log over from a token that was replaced to the one that came after it.

A position is found by its token, so that a run can begin while the portal is away. A new token has none; but the file that the run under
the earlier token was in may have been rotated away by now, and whoever begins at the log as it is would miss the end of it. So the portal
is asked whose token it is, and the position of that UTM is taken over.

A position of which the portal never heard belongs to any UTM: nothing before it was ever sent, and whoever goes on there sends more rather
than less, of which the portal stores each alert once.
"""

from __future__ import annotations

from collections.abc import Callable

from app.shipper.client import DeviceClient
from app.shipper.position import BeingFollowedError, Position, PositionStore


def place_to_begin(positions: PositionStore, client: DeviceClient, say: Callable[[str], None]) -> Position | None:
    """Return where a run goes on: where its token has come, or else an earlier token of the same UTM; None for at the start.

    The portal is asked only when there is something to take over.

    :param positions: the position of the run, locked; it has what is returned.
    :param say: is told in a sentence when a position is taken over.
    :raises app.shipper.client.DeviceError: the portal refuses.
    :raises app.shipper.stop.StoppedError: the run is to end while the portal is waited for.
    :raises app.shipper.time_shift.StateError: the position cannot be written.
    """
    own = positions.load()
    if own is not None:
        return own
    left = [(place, other) for other in positions.others() if (place := other.load()) and _may_fit(place, other)]
    if not left:
        return None
    utm = positions.utm = client.ask_utm()
    # Of several the oldest: from there on everything is sent that the others have not.
    left.sort(key=lambda each: (each[1].utm is None, each[0].written, each[0].offset))
    for place, other in left:
        if _fits(place, other, utm) and (taken := _take_over(positions, other, say)):
            return taken
    return None


def _take_over(positions: PositionStore, other: PositionStore, say: Callable[[str], None]) -> Position | None:
    """Make the position of an earlier token the run's own; None when a run still has it, or it is gone or no longer fits."""
    try:
        with other:
            place = other.load()
            if place is None or not _fits(place, other, positions.utm):
                return None
            positions.answered = other.answered
            # First: a run that is killed in between finds its own position.
            positions.save(place)
            other.forget()
    except BeingFollowedError:
        if other.utm is not None:
            say("A run under an earlier token of this UTM has not ended: its place is left to it.")
        return None
    say("Going on where the run under the earlier token ended.")
    return place


def _fits(place: Position, other: PositionStore, utm: str | None) -> bool:
    """Whether nothing is lost by a run that goes on there: it is the same UTM's, or of no UTM yet."""
    return _may_fit(place, other) and other.utm in {None, utm}


def _may_fit(place: Position, other: PositionStore) -> bool:
    """Whether it is known whose a position is, or that it is of no UTM yet: of what older versions wrote, neither may be."""
    return other.utm is not None or not place.offset or not other.answered
