"""Sends the hourly counts of followed logs.

The counts of a log are stored with its position, in one file that is replaced atomically. So a run that is killed continues both, and counts
no alert twice. For the portal the newest count of an hour stands; so what is sent is always the total of all logs of the UTM, also of
those that are closed.

Counts are removed 31 days after the hour. If several logs are read that reach back further, hours of one log may have been removed before the next
one is read; these are not sent again, because they would be too low.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

from app.shipper.client import DeviceClient, DeviceError
from app.shipper.hourly_counts import Key, statistics_lines
from app.shipper.position import PositionStore, stored_counts
from app.shipper.shipping import ShippingResult


class FollowedCounts:
    """The hourly counts of the logs that one run follows.

    :param folder: the folder of the stored positions.
    :param result: the outcome is added here.
    :param notify: receives a message when the portal refuses the counts for the first time.
    """

    def __init__(
        self, folder: Path, token: str, client: DeviceClient, result: ShippingResult, notify: Callable[[str], None]
    ) -> None:
        self._folder = folder
        self._token = token
        self._client = client
        self._result = result
        self._notify = notify
        self._sent: dict[Key, int] = {}
        self._refusal_reported = False

    def send(self, open_logs: Iterable[PositionStore]) -> None:
        """Send the stored counts that changed since they were last sent. If that fails, they are sent with the next ones.

        A failure must not delay the alerts, so that there is no second attempt.

        :param open_logs: the position stores of the open logs, from which old counts are removed.
        """
        totals: Counter[Key] = Counter()
        pruned_before = ""
        for counts in stored_counts(self._folder, self._token, self._client.utm):
            totals.update(counts.counts)
            pruned_before = max(pruned_before, counts.pruned_before)
        changed = {
            key: number for key, number in totals.items() if number != self._sent.get(key) and key[0] >= pruned_before
        }
        if not changed:
            return
        try:
            sent = self._client.send_threat_stats(statistics_lines(changed.items()), attempts=1)
        except DeviceError as error:
            if not self._refusal_reported:
                self._notify(f"The hourly counts were not sent, and will be later. {error}")
            self._refusal_reported = True
            return
        self._result.threat_stats.add(sent)
        self._sent |= changed
        for positions in open_logs:
            positions.counts.prune()
