"""Counts what became of the lines that were sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Self

MAX_REASONS = 10


@dataclass
class Sent:
    """What became of the lines that were sent: each was stored, a duplicate or rejected.

    :ivar sent: how many lines the portal answered for.
    :ivar rejected: how many the portal refused.
    :ivar reasons: the first of these: line number as sent from 1, alert ID, reason.
    """

    sent: int = 0
    stored: int = 0
    duplicate: int = 0
    rejected: int = 0
    reasons: list[tuple[int, str, str]] = field(default_factory=list)

    @classmethod
    def of(cls, answer: dict[str, Any], ids: list[str]) -> Self:
        """Read the portal's answer to one batch. One that refuses many lines may list only some and give their number beside the list.

        :param ids: the alert ID of each line of the batch.
        :raises KeyError, TypeError, ValueError: it is no such answer.
        """
        reasons = [(int(entry["line"]), str(entry["reason"])) for entry in answer.get("rejected", [])]
        return cls(
            sent=len(ids),
            stored=int(answer["stored"]),
            duplicate=int(answer["duplicate"]),
            rejected=max(int(answer.get("rejected_count") or 0), len(reasons)),
            reasons=[
                (line, ids[line - 1] if 0 < line <= len(ids) else "", reason) for line, reason in reasons[:MAX_REASONS]
            ],
        )

    @property
    def answered(self) -> int:
        """For how many lines it was said what became of them; as many as were sent, or something is wrong."""
        return self.stored + self.duplicate + self.rejected

    def add(self, other: Sent) -> None:
        """Add what became of the next lines."""
        room = MAX_REASONS - len(self.reasons)
        self.reasons += [(self.sent + line, alert_id, reason) for line, alert_id, reason in other.reasons[:room]]
        self.sent += other.sent
        self.stored += other.stored
        self.duplicate += other.duplicate
        self.rejected += other.rejected
