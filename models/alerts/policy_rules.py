"""Change the alert level policy, and find out what a change would do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models import audit, clock
from models.actor import Actor
from models.alerts import level_policy
from models.alerts.alert import Alert, AlertLevel
from models.alerts.level_decision import level_expression
from models.alerts.level_policy import LevelPolicy, LevelPolicyVersion, LevelRule, plain_rules
from models.db import alert_connection, allow_long_statements
from models.errors import N_, NOTHING_CHANGED, Conflict, DomainError
from models.row_lock import serialize

MAX_RULES = 50
MAX_LENGTH = 255
DRY_RUN_DAYS = 31
"""The period of a dry run in days, including today."""

_DRY_RUN_SECONDS = 90

NO_CONDITION = N_("A rule needs at least one condition. The level of all other alerts is set below the rules.")
TOO_MANY_RULES = N_("A policy has at most %(most)s rules.")


def save(
    session: Session, rules: Sequence[LevelRule], default_level: str, *, shown: int, by: Actor
) -> LevelPolicyVersion:
    """Store a new version of the policy. It decides about the alerts that arrive from then on.

    :param shown: the version that the person changed.
    :raises Conflict: somebody else saved a version in the meantime.
    :raises DomainError: nothing changes, there are too many rules, or a rule has no condition.
    """
    serialize(session, "alert level policy")
    present = level_policy.in_force(session)
    if present.version != shown:
        raise Conflict
    if len(rules) > MAX_RULES:
        raise DomainError(TOO_MANY_RULES, most=MAX_RULES)
    if not all(rule.is_conditional for rule in rules):
        raise DomainError(NO_CONDITION)
    changed = LevelPolicy(present.version + 1, tuple(rules), default_level)
    if changed.values() == present.values():
        raise DomainError(NOTHING_CHANGED)
    row = LevelPolicyVersion(
        version=changed.version, rules=plain_rules(rules), default_level=default_level, created_by=by.name
    )
    session.add(row)
    session.flush()
    audit.record(
        session,
        "level_policy.changed",
        ("LevelPolicy", changed.version),
        by=by,
        before=present.values(),
        after=changed.values(),
    )
    return row


@dataclass(frozen=True, slots=True)
class DryRunRow:
    """How a policy would decide about the alerts of a function in a tenant.

    :param checked: the number of alerts.
    :param lowered: how many of them would be Low instead of High.
    :param raised: how many of them would be High instead of Low.
    """

    tenant_id: str
    function: str
    checked: int
    lowered: int
    raised: int


def dry_run(session: Session, policy: LevelPolicy, *, now: datetime) -> list[DryRunRow]:
    """Compare the stored levels of the alerts of the last 31 days with those by another policy.

    :param session: a cross-tenant session.
    """
    allow_long_statements(alert_connection(session), seconds=_DRY_RUN_SECONDS)
    alert = Alert.__table__.c
    decided = level_expression(policy, alert)
    changed = decided != alert.level
    start = clock.day_start(clock.tokyo_day(now) - timedelta(days=DRY_RUN_DAYS - 1))
    statement = (
        select(
            alert.tenant_id,
            alert.function,
            func.count().label("checked"),
            func.count().filter(changed, alert.level == AlertLevel.HIGH.value).label("lowered"),
            func.count().filter(changed, alert.level == AlertLevel.LOW.value).label("raised"),
        )
        .where(alert.occurred_at >= start)
        .group_by(alert.tenant_id, alert.function)
        .order_by(alert.tenant_id, alert.function)
    )
    return [DryRunRow(*row) for row in session.execute(statement)]
