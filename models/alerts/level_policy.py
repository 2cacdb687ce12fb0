"""The alert level policy: an ordered list of rules that decide the level of each alert (docs/adr/0018-level-policy.md).

It is the same for all tenants. Every change adds a version; versions are never changed. Version 1 is the policy of a new
installation and is not stored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, SmallInteger, String, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.alerts.alert import AlertLevel
from models.db import Base, CreatedAt


@dataclass(frozen=True, slots=True)
class LevelRule:
    """A rule: the level of the alerts that meet all its conditions. An empty condition is met by every alert.

    Texts are compared without regard to the case of the letters A to Z.

    :param function: the security function.
    :param sender_level: the level that the UTM sent (``alert_severity``), ``high`` or ``low``.
    :param severity: the severity in the words of the function (``severity``).
    :param action: the action (``act``).
    :param category: the name or the ID of the category (``cname``, ``cid``).
    :param signature: the ID of the signature (``sid``), or a part of the name of the virus or of the message.
    """

    level: str
    function: str = ""
    sender_level: str = ""
    severity: str = ""
    action: str = ""
    category: str = ""
    signature: str = ""

    @property
    def is_conditional(self) -> bool:
        """Whether the rule has a condition."""
        return any(getattr(self, name) for name in CONDITIONS)


CONDITIONS = tuple(field.name for field in fields(LevelRule) if field.name != "level")
"""The names of the conditions, in the order in which screens show them."""


@dataclass(frozen=True, slots=True)
class LevelPolicy:
    """A version of the policy. The first rule whose conditions are met decides.

    :param default_level: the level of the alerts that meet no rule.
    """

    version: int
    rules: tuple[LevelRule, ...]
    default_level: str

    def values(self) -> dict[str, Any]:
        """Return the rules and the default as plain values, for the audit log."""
        return {"rules": plain_rules(self.rules), "default_level": self.default_level}


FIRST = LevelPolicy(1, (LevelRule(AlertLevel.HIGH.value, sender_level=AlertLevel.HIGH.value),), AlertLevel.LOW.value)
"""What the sender marks as high is High. The shipper marks Suricata's severity 1 as high."""


class LevelPolicyVersion(Base):
    """A stored version of the policy, with who saved it and when."""

    __tablename__ = "level_policy"
    __table_args__ = (CheckConstraint("default_level IN ('high', 'low')", name="ck_level_policy_default_level"),)

    version: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    rules: Mapped[list[dict[str, str]]] = mapped_column(JSONB)
    default_level: Mapped[str] = mapped_column(String(8))
    created_by: Mapped[str] = mapped_column(String(320))
    created_at: Mapped[CreatedAt]

    @property
    def policy(self) -> LevelPolicy:
        """The policy of this version."""
        return LevelPolicy(self.version, read_rules(self.rules), self.default_level)


def plain_rules(rules: Sequence[LevelRule]) -> list[dict[str, str]]:
    """Return rules as stored: the level and the conditions that are not empty."""
    return [{name: value for name, value in asdict(rule).items() if value} for rule in rules]


def read_rules(stored: Sequence[Mapping[str, str]]) -> tuple[LevelRule, ...]:
    """Return stored rules."""
    return tuple(LevelRule(**rule) for rule in stored)


_NEWEST = "SELECT version, created_at FROM level_policy ORDER BY version DESC LIMIT 1"
# The policy that was read last, with its key. Two threads may both read it, with the same result.
_read: dict[tuple[int, datetime], LevelPolicy] = {}


def in_force(session: Session) -> LevelPolicy:
    """Return the policy in force: the newest version. Its rules are read once in each process."""
    newest = session.connection().exec_driver_sql(_NEWEST).one_or_none()
    if newest is None:
        return FIRST
    # With the time, because the numbers begin again when a database is emptied.
    key = (newest.version, newest.created_at)
    policy = _read.get(key)
    if policy is None:
        policy = session.get_one(LevelPolicyVersion, newest.version).policy
        _read.clear()
        _read[key] = policy
    return policy


def version(session: Session, number: int) -> tuple[LevelPolicy, LevelPolicyVersion | None] | None:
    """Return a version of the policy with its row, which the first one does not have; None if there is no such version."""
    # Larger numbers may not fit into the column, and there is no such version.
    row = session.get(LevelPolicyVersion, number) if number <= in_force(session).version else None
    if row is not None:
        return row.policy, row
    return (FIRST, None) if number == FIRST.version else None


def newest_first(session: Session, *, limit: int, offset: int = 0) -> list[LevelPolicyVersion]:
    """Return the stored versions, newest first."""
    statement = select(LevelPolicyVersion).order_by(LevelPolicyVersion.version.desc()).limit(limit).offset(offset)
    return list(session.scalars(statement))
