"""Decide the level of alerts by a policy: in Python for each line that arrives, in SQL for stored alerts.

Both decide the same; ``tests/models/alerts/test_level_decision.py`` compares them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, literal, or_, true

from models.alerts.alert import AlertLevel, SecurityFunction
from models.alerts.level_policy import LevelPolicy, LevelRule

# A test of an alert's action and of its other texts, in the order of the columns given to ``LevelDecider``.
_Test = Callable[[str, Sequence[str | None]], bool]

_LOWER_ASCII = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


def _lower(text: str) -> str:
    """Return a text with the letters A to Z in lower case, as PostgreSQL does with the collation "C"."""
    return text.lower() if text.isascii() else text.translate(_LOWER_ASCII)


class LevelDecider:
    """The rules of a policy, prepared for deciding about many lines.

    :param columns: the names of the texts that are passed for each line, in order.
    """

    def __init__(self, policy: LevelPolicy, columns: Sequence[str]) -> None:
        self.policy = policy
        # Which rules can apply is known from function and sender level; usually nothing else needs to be looked at.
        self._steps = {
            (function.value, sender_level): _steps(policy, function, sender_level, columns)
            for function in SecurityFunction
            for sender_level in (*(level.value for level in AlertLevel), None)
        }

    def level(self, function: str, sender_level: str | None, action: str, texts: Sequence[str | None]) -> str:
        """Return the level of an alert.

        :param texts: the values of the columns, None for a missing one.
        """
        for tests, level in self._steps[function, sender_level]:
            for test in tests:
                if not test(action, texts):
                    break
            else:
                return level
        return self.policy.default_level


@lru_cache(4)
def level_decider(policy: LevelPolicy, columns: tuple[str, ...]) -> LevelDecider:
    """Return the prepared rules of a policy, see :class:`LevelDecider`."""
    return LevelDecider(policy, columns)


def _steps(
    policy: LevelPolicy, function: str, sender_level: str | None, columns: Sequence[str]
) -> list[tuple[list[_Test], str]]:
    """Return the rules that can apply to a function and sender level, with the conditions that remain to be tested."""
    return [
        (_tests(rule, columns), rule.level)
        for rule in policy.rules
        if rule.function in {"", function} and rule.sender_level in {"", sender_level}
    ]


def _tests(rule: LevelRule, columns: Sequence[str]) -> list[_Test]:
    tests: list[_Test] = []
    if rule.action:
        wanted_action = _lower(rule.action)
        tests.append(lambda action, _texts: _lower(action) == wanted_action)
    at = {column: number for number, column in enumerate(columns)}
    if rule.severity:
        tests.append(_equals_one([at["severity"]], _lower(rule.severity)))
    if rule.category:
        tests.append(_equals_one([at["cname"], at["cid"]], _lower(rule.category)))
    if rule.signature:
        tests.append(_is_signature(at["sid"], [at["virus"], at["msg"]], _lower(rule.signature)))
    return tests


def _equals_one(places: Sequence[int], wanted: str) -> _Test:
    def test(_action: str, texts: Sequence[str | None]) -> bool:
        return any((text := texts[place]) is not None and _lower(text) == wanted for place in places)

    return test


def _is_signature(number: int, names: Sequence[int], wanted: str) -> _Test:
    def test(_action: str, texts: Sequence[str | None]) -> bool:
        sid = texts[number]
        if sid is not None and _lower(sid) == wanted:
            return True
        return any((text := texts[place]) is not None and wanted in _lower(text) for place in names)

    return test


def level_expression(policy: LevelPolicy, alert: Any) -> ColumnElement[str]:
    """Return the level of an alert by a policy, as an SQL expression.

    :param alert: the columns of the table of the alerts.
    """
    decided = [(_condition(rule, alert), literal(rule.level)) for rule in policy.rules]
    return case(*decided, else_=literal(policy.default_level)) if decided else literal(policy.default_level)


def _condition(rule: LevelRule, alert: Any) -> ColumnElement[bool]:
    conditions: list[ColumnElement[bool]] = []
    if rule.function:
        conditions.append(alert.function == rule.function)
    if rule.sender_level:
        conditions.append(alert.sender_level == rule.sender_level)
    if rule.action:
        conditions.append(_lowered(alert.action) == _lower(rule.action))
    if rule.severity:
        conditions.append(_lowered(alert.severity) == _lower(rule.severity))
    if rule.category:
        wanted = _lower(rule.category)
        conditions.append(or_(_lowered(alert.cname) == wanted, _lowered(alert.cid) == wanted))
    if rule.signature:
        wanted = _lower(rule.signature)
        parts = [func.strpos(_lowered(column), wanted) > 0 for column in (alert.virus, alert.msg)]
        conditions.append(or_(_lowered(alert.sid) == wanted, *parts))
    return and_(true(), *conditions)


def _lowered(column: Any) -> ColumnElement[str]:
    return func.lower(column.collate("C"))
