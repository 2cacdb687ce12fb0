"""One simulated UTM: its alerts, faults, boots and commands.

All of it depends only on the seed and the UTM's ID, apart from the times and from what the portal asks for.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from app.shipper.client import DeviceClient
from app.shipper.faults import FaultSchedule
from app.shipper.hourly_counts import SentCounts
from app.shipper.sample_alerts import ALERT_MIX, sample_alert

VERSION = "1.4.4"
_MAX_UPTIME_HOURS = 400


@dataclass(frozen=True)
class Reboot:
    """A reboot in progress.

    :ivar command_id: the command that asked for it.
    :ivar until: when the UTM is back; until then it is silent.
    """

    command_id: int | str
    until: datetime


class SimulatedUtm:
    """One simulated UTM.

    :param utm_id: its ID in the portal.
    :param started: when the simulation was started, which is the first part of its alert IDs until it restarts.
    :param faults: its faults; each occurs once before any of them is repeated.
    :param fault_free_ticks: number of ticks without a fault in each cycle.
    :param failing_reboots: the share of reboots that fail, 0 to 1.
    :ivar booted_at: when it was last booted.
    :ivar queued: alerts that it could not send yet.
    :ivar reboot: the reboot in progress.
    """

    def __init__(  # noqa: PLR0913  (its properties)
        self,
        utm_id: str,
        client: DeviceClient,
        *,
        seed: int,
        started: datetime,
        faults: Sequence[str] = (),
        fault_free_ticks: int = 0,
        failing_reboots: float = 0.0,
    ) -> None:
        self.utm_id = utm_id
        self.client = client
        self.random = random.Random(f"{seed}:{utm_id}")  # nosec B311  # noqa: S311  (not used for security)
        self.schedule = FaultSchedule(faults, fault_free_ticks, random.Random(f"{seed}:{utm_id}:faults"))  # nosec B311  # noqa: S311  (not used for security)
        self.counts = SentCounts()
        self.queued: list[dict[str, Any]] = []
        self.reboot: Reboot | None = None
        self._boots = random.Random(f"{seed}:{utm_id}:boots")  # nosec B311  # noqa: S311  (not used for security)
        self._failing_reboots = failing_reboots
        self._known_commands: set[int | str] = set()
        self.booted_at = started - timedelta(hours=self._boots.uniform(1, _MAX_UPTIME_HOURS))
        self._started = int(started.timestamp())
        self._count = 0
        self._remaining_kinds: list[str] = []
        self._alert_debt = 0.0
        self.ip = f"192.168.{self.random.randint(1, 99)}.{self.random.randint(100, 199)}"
        self.mac = "02:00:" + ":".join(f"{self.random.randrange(256):02x}" for _ in range(4))

    def alerts(self, rate: float, begin: datetime, seconds: float, *, minimum: int = 0) -> list[dict[str, Any]]:
        """Return the alerts of a period.

        :param rate: alerts per minute; fractions are carried over to the next period.
        :param begin: the start of the period, with a time zone.
        :param seconds: the length of the period.
        :param minimum: the least number of alerts, so that a fault has an effect.
        """
        self._alert_debt += rate * seconds / 60
        number, self._alert_debt = max(int(self._alert_debt), minimum), self._alert_debt % 1
        offsets = sorted(self.random.random() * seconds for _ in range(number))
        return [self.alert(begin + timedelta(seconds=offset)) for offset in offsets]

    def alert(self, when: datetime) -> dict[str, Any]:
        """Return the next alert."""
        if not self._remaining_kinds:
            self._remaining_kinds = self.random.sample(ALERT_MIX, len(ALERT_MIX))
        self._count += 1
        line = {"alert_id": f"{self._started}-{self._count}"}
        return line | sample_alert(self._remaining_kinds.pop(), self.ip.rsplit(".", 1)[0], when, self.random)

    def heartbeat(self) -> dict[str, Any]:
        """Send a heartbeat; return the response.

        :raises app.shipper.client.DeviceError: the request failed.
        """
        return self.client.heartbeat(version=VERSION, ip=self.ip, mac=self.mac, booted_at=self.booted_at)

    def restart(self, when: datetime) -> None:
        """Note a boot. Alert IDs are still unique, because their numbers go on."""
        self.booted_at, self._started = when, int(when.timestamp())

    def finish_reboot(self, now: datetime, *, times: int = 1) -> None:
        """Report that a reboot has succeeded; to be called after the first heartbeat with the new boot.

        :param times: how often to report it.
        :raises app.shipper.client.DeviceError: the request failed; it is reported again after the next heartbeat.
        """
        if self.reboot is not None:
            for _ in range(times):
                self.client.send_command_result(self.reboot.command_id, "succeeded", at=now)
            self.reboot = None

    def carry_out(self, command: Any, now: datetime, silence: timedelta) -> str:
        """Start a command and report it; return its state: started, failed, or an empty text if there is nothing to do.

        A command stays in the portal's answers until its result is known, so that it is only carried out once; a second one waits
        for the end of a reboot.

        :param silence: how long a reboot takes.
        :raises app.shipper.client.DeviceError: the request failed; the command is carried out when it is received again.
        """
        command_id = command.get("id") if isinstance(command, dict) else None
        if not isinstance(command_id, int | str) or command_id in self._known_commands or self.reboot is not None:
            return ""
        state, message = "failed", ""
        if command.get("type") != "reboot":
            message = "This command is unknown."
        else:
            if not self.client.send_command_result(command_id, "started", at=now):
                return ""  # the portal has withdrawn it
            if self._boots.random() < self._failing_reboots:
                message = "An update is being installed."
            else:
                state, self.reboot = "started", Reboot(command_id, now + silence)
        if state == "failed":
            self.client.send_command_result(command_id, state, at=now, message=message)
        self._known_commands.add(command_id)
        return state
