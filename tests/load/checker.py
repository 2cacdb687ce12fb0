"""What must be true after processes were killed: nothing is lost, and nothing has happened twice.

It is a pure function of what the simulators know and what the database says, so that a test can give it a state that is
wrong on purpose.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

AROUND_KILL = 5.0
"""Seconds around a kill in which a mail may have been accepted whose note was lost: it was under way, or its note was a
commit for which the database had not yet waited for the disk."""

_SHOWN = 5


@dataclass(frozen=True)
class Mail:
    """A row of the outbox.

    :ivar state: ``pending``, ``sent`` or ``failed``.
    :ivar accepted: the times at which the mail server accepted it.
    """

    message_id: str
    state: str
    accepted: Sequence[float] = ()


@dataclass(frozen=True)
class OrderedReboot:
    """A row of the reboots that were ordered in the run.

    :ivar due: whether it was to be carried out before the end of the run.
    :ivar executed: how many times its UTM carried it out.
    """

    id: str
    state: str
    due: bool
    executed: int = 0


@dataclass(frozen=True)
class State:
    """What the simulators know, and what the database says.

    :ivar alerts: for each alert that was sent, whether it was acknowledged.
    :ivar stored: for each stored alert of the run, how many rows it has.
    :ivar counted: UTMs whose daily count differs from their alerts: the key, the count and the number of rows.
    :ivar mail_kills: the times at which a process was killed that takes part in sending mail.
    :ivar contracts: the contracts that the invoices of the month must have, each once for each of its charges.
    :ivar invoiced: the contracts, once for each line with the same charge.
    :ivar reports_due: the customers who get a monthly report.
    :ivar reports: the customers of the reports of the month, once for each report.
    :ivar report_mails: the recipients of the mails about them, once for each mail.
    """

    alerts: Mapping[str, bool] = field(default_factory=dict)
    stored: Mapping[str, int] = field(default_factory=dict)
    counted: Collection[tuple[int, int, int]] = ()
    mails: Sequence[Mail] = ()
    unknown_mails: Collection[str] = ()
    mail_kills: Sequence[float] = ()
    reboots: Sequence[OrderedReboot] = ()
    contracts: Collection[Hashable] = ()
    invoiced: Sequence[Hashable] = ()
    reports_due: Collection[str] = ()
    reports: Sequence[str] = ()
    report_mails: Sequence[Hashable] = ()


def check(state: State) -> dict[str, list[str]]:
    """Return what is wrong, by what it concerns; each list is empty if nothing is."""
    return {
        "alerts": _alerts(state),
        "mails": _mails(state),
        "reboots": _reboots(state.reboots),
        "invoices": _each_once("contract", state.contracts, state.invoiced),
        "monthly reports": _each_once("customer", state.reports_due, state.reports)
        + _several("report mail", state.report_mails),
    }


def repeated_mails(state: State) -> int:
    """Return how many mails were sent more than once, in the way that the design allows (docs/adr/0007-outbox.md)."""
    return sum(len(each.accepted) > 1 and _explained(each.accepted, state.mail_kills) for each in state.mails)


def shown(faults: Sequence[str]) -> str:
    """Return the first faults and how many more there are, as text of a table."""
    more = f" and {len(faults) - _SHOWN} more" if len(faults) > _SHOWN else ""
    return "; ".join(faults[:_SHOWN]) + more


def _alerts(state: State) -> list[str]:
    faults = [
        f"alert {alert} is lost"
        for alert, acknowledged in state.alerts.items()
        if acknowledged and not state.stored.get(alert)
    ]
    faults += [f"alert {alert} is stored {count} times" for alert, count in state.stored.items() if count > 1]
    faults += [f"alert {alert} was not sent" for alert in state.stored if alert not in state.alerts]
    faults += [f"UTM {utm} has {rows} alerts but a count of {count}" for utm, count, rows in state.counted]
    return faults


def _mails(state: State) -> list[str]:
    faults = []
    for each in state.mails:
        if each.state == "pending":
            faults.append(f"mail {each.message_id} is still waiting")
        elif each.state == "failed":
            faults.append(f"mail {each.message_id} has failed")
        elif not each.accepted:
            faults.append(f"mail {each.message_id} is marked as sent but was not")
        if len(each.accepted) > 1 and not _explained(each.accepted, state.mail_kills):
            faults.append(f"mail {each.message_id} was sent {len(each.accepted)} times")
    return faults + [f"mail {message_id} was sent without a row" for message_id in state.unknown_mails]


def _explained(accepted: Sequence[float], kills: Sequence[float]) -> bool:
    """Return whether each repetition follows a kill during the attempt before it: SMTP cannot exclude these."""
    left = list(kills)
    for earlier, later in pairwise(sorted(accepted)):
        kill = next((each for each in left if abs(each - earlier) <= AROUND_KILL and each <= later), None)
        if kill is None:
            return False
        left.remove(kill)
    return True


def _reboots(reboots: Iterable[OrderedReboot]) -> list[str]:
    faults = []
    for each in reboots:
        if each.executed > 1:
            faults.append(f"reboot {each.id} was carried out {each.executed} times")
        if each.state == "cancelled" and each.executed:
            faults.append(f"reboot {each.id} was carried out although it was cancelled")
        if each.due and each.state in {"scheduled", "requested"}:
            faults.append(f"reboot {each.id} is forgotten: it is still {each.state}")
        if each.state == "failed" or (each.state == "succeeded" and not each.executed):
            faults.append(f"reboot {each.id} is {each.state}, and was carried out {each.executed} times")
    return faults


def _each_once(what: str, expected: Collection[Hashable], found: Sequence[Hashable]) -> list[str]:
    missing = [f"{what} {each} is missing" for each in set(expected) - set(found)]
    unexpected = [f"{what} {each} was not expected" for each in set(found) - set(expected)]
    return sorted(missing) + sorted(unexpected) + _several(what, found)


def _several(what: str, found: Sequence[Hashable]) -> list[str]:
    return sorted(f"{what} {each} is there {count} times" for each, count in Counter(found).items() if count > 1)
