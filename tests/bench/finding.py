"""What a measurement says."""

from __future__ import annotations

from dataclasses import dataclass


class Missing(Exception):
    """A program that is compared with is not installed; the text says which, and where it comes from."""


@dataclass(frozen=True)
class Finding:
    """One figure beside its limit.

    :ivar figures: what was measured, as text, by the heading of its column.
    :ivar limit: what was asked for.
    """

    name: str
    figures: dict[str, str]
    limit: str
    held: bool


def times(ratio: float) -> str:
    """A ratio, as the tables write it."""
    return f"{ratio:.1f}x" if ratio >= 10 else f"{ratio:.2f}x"
