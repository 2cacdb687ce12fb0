"""Counts the outcome of the lines that were sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Self

MAX_REASONS = 10


@dataclass
class SendResult:
    """The outcome of the lines that were sent: each was stored, a duplicate or rejected.

    :ivar sent: number of lines whose outcome the portal returned.
    :ivar rejected: number of rejected lines.
    :ivar reasons: the first rejected lines: line number as sent, from 1; alert ID; reason.
    """

    sent: int = 0
    stored: int = 0
    duplicate: int = 0
    rejected: int = 0
    reasons: list[tuple[int, str, str]] = field(default_factory=list)

    @classmethod
    def of(cls, answer: dict[str, Any], ids: list[str]) -> Self:
        """Parse the portal's response to one batch. It may list only some of the rejected lines, and give their total number.

        :param ids: the alert ID of each line of the batch.
        :raises KeyError, TypeError, ValueError: the response has another form.
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
        """Number of lines with an outcome; it differs from ``sent`` if the portal received only part of the body."""
        return self.stored + self.duplicate + self.rejected

    def add(self, other: SendResult) -> None:
        """Add the outcome of the lines that were sent next."""
        room = MAX_REASONS - len(self.reasons)
        self.reasons += [(self.sent + line, alert_id, reason) for line, alert_id, reason in other.reasons[:room]]
        self.sent += other.sent
        self.stored += other.stored
        self.duplicate += other.duplicate
        self.rejected += other.rejected
