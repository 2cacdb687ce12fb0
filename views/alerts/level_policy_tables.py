"""The tables of the screens of the alert level policy: its rules, its versions and the result of a dry run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from flask import url_for
from flask_babel import gettext

from models.alerts.alert import ACTION_LABELS
from models.alerts.level_policy import CONDITIONS, FIRST, LevelPolicy, LevelPolicyVersion, LevelRule
from models.alerts.policy_rules import DryRunRow
from views.alerts.level_policy_form import CONDITION_LABELS, LEVEL_NAMES
from views.alerts.rows import FUNCTION_NAMES, function_name
from views.screen import formats
from views.screen.table import Table, filled_table

LEVEL = formats.badge(LEVEL_NAMES, {"high": "red"})

_MOST_TENANTS = 20


def rules_table(policy: LevelPolicy) -> Table:
    """Return the table of the rules of a policy, with the level of all other alerts in the last row."""
    rows = [(str(number), _conditions(rule), rule.level) for number, rule in enumerate(policy.rules, 1)]
    return filled_table(
        [
            (gettext("Rule"), formats.PLAIN, lambda row: row[0]),
            (gettext("Conditions"), formats.LINES, lambda row: row[1]),
            (gettext("Alert level"), LEVEL, lambda row: row[2]),
        ],
        [*rows, ("", gettext("All other alerts"), policy.default_level)],
        title=gettext("Rules"),
        note=gettext("The first rule whose conditions are all met decides."),
    )


def _conditions(rule: LevelRule) -> list[str]:
    """Return the conditions of a rule, each with its label."""
    shown = {
        "function": function_name(rule.function),
        "sender_level": LEVEL.text(rule.sender_level),
        "action": ACTION_LABELS.get(rule.action.lower(), rule.action),
    }
    return [
        gettext("%(label)s: %(value)s", label=CONDITION_LABELS[name], value=shown.get(name, value))
        for name in CONDITIONS
        if (value := getattr(rule, name))
    ]


def versions_table(rows: Sequence[LevelPolicyVersion], *, newest: int, **options: Any) -> Table:
    """Return the table of the versions.

    :param rows: the stored versions of the page; the first version follows on the last page.
    :param newest: the number of the version in force.
    """
    versions: list[tuple[int, Any, str]] = [(row.version, row.created_at, row.created_by) for row in rows]
    if options.get("page", 1) == options.get("pages", 1):
        versions.append((FIRST.version, None, gettext("Initial policy")))

    def linked(version: tuple[int, Any, str]) -> Any:
        name = gettext("Version %(number)s", number=version[0])
        return formats.linked(url_for("LevelPolicyView.show", version_key=version[0]), formats.WORD.cell(name))

    in_force = formats.badge({True: gettext("In force")}, {True: "green"})
    return filled_table(
        [
            (gettext("Version"), formats.PLAIN, linked),
            (gettext("When"), formats.TIME, lambda version: version[1]),
            (gettext("Who"), formats.TEXT, lambda version: version[2]),
            (gettext("Status"), in_force, lambda version: True if version[0] == newest else None),
        ],
        versions,
        title=gettext("Change history"),
        **options,
    )


def dry_run_tables(found: Iterable[DryRunRow], tenants: Mapping[str, str]) -> list[Table]:
    """Return the result of a dry run by function and by tenant.

    :param tenants: the names of the tenants by ID.
    """
    by_function: dict[str, list[int]] = {function: [0, 0, 0] for function in FUNCTION_NAMES}
    by_tenant: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for row in found:
        for totals in (by_function[row.function], by_tenant[row.tenant_id]):
            for place, count in enumerate((row.lowered, row.raised, row.checked)):
                totals[place] += count
    changed = sorted(
        ((tenant_id, totals) for tenant_id, totals in by_tenant.items() if totals[0] or totals[1]),
        key=lambda each: (-each[1][0] - each[1][1], each[0]),
    )
    total = [sum(each) for each in zip(*by_function.values(), strict=True)]
    functions = [(function_name(function), totals) for function, totals in by_function.items()]
    tables = [_counts(gettext("Security function"), [*functions, (gettext("Total"), total)])]
    if changed:
        shown = [(tenants.get(tenant_id, tenant_id), totals) for tenant_id, totals in changed[:_MOST_TENANTS]]
        tables.append(_counts(gettext("Tenant"), shown))
        if len(changed) > _MOST_TENANTS:
            tables[-1].note = gettext(
                "The %(shown)s of %(count)s tenants with the most changes", shown=_MOST_TENANTS, count=len(changed)
            )
    return tables


def _counts(label: str, rows: Sequence[tuple[str, list[int]]]) -> Table:
    return filled_table(
        [
            (label, formats.TEXT, lambda row: row[0]),
            (gettext("High → Low"), formats.NUMBER, lambda row: row[1][0]),
            (gettext("Low → High"), formats.NUMBER, lambda row: row[1][1]),
            (gettext("Alerts"), formats.NUMBER, lambda row: row[1][2]),
        ],
        rows,
        label=label,
    )
