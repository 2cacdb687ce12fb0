"""Every action and every subject that the code records in the audit log has a label, and can be searched by it."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

from models.db import Base
from tests.conventions.screens.cases import SCREENS
from views.audit.staff_log import StaffAuditLogView
from views.audit_labels import ACTIONS, SIGN_IN, SUBJECTS, action_label
from views.screen.history import has_history

ROOT = Path(__file__).parents[2]
NAME = re.compile(r"[a-z_]+\.[a-z_]+")
RECORDING = {"audit", "apply_change", "apply_changes", "apply_creation", "apply_creations", "set_all", "PlainRules"}
"""What modules import that record actions."""

DECISIONS = ("approved", "denied")
ENDS = {"f'service_application.{state}'": DECISIONS, "f'utm_application.{state}'": DECISIONS}
"""The last parts of the actions that are neither constants nor end with one."""

NO_TABLES = {"Job": "a job of RQ", "LevelPolicy": "its versions are rows"}
"""Subjects without a table of their name."""


@cache
def recording() -> list[ast.Module]:
    """Return the modules that record actions."""
    files = (file for layer in ("app", "jobs", "models", "views") for file in sorted((ROOT / layer).rglob("*.py")))
    texts = [file.read_text("utf-8") for file in files]
    trees = [ast.parse(text) for text in texts if any(word in text for word in RECORDING)]
    return [tree for tree in trees if RECORDING & imported(tree)]


def imported(tree: ast.Module) -> set[str]:
    """Return the names that a module imports from the models."""
    lines = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    return {each.name for line in lines if (line.module or "").startswith("models") for each in line.names}


def calls(tree: ast.Module) -> list[ast.Call]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call)]


def actions_of(call: ast.Call) -> list[ast.expr]:
    """Return the arguments of a call that name an action."""
    named = [each.value for each in call.keywords if each.arg == "action"]
    return [call.args[1], *named] if records(call) else named


def records(call: ast.Call) -> bool:
    return ast.unparse(call.func) in {"audit.record", "audit.record_all"}


def constants() -> set[str]:
    """Return what looks like an action in the modules that record some: they may be in variables, too."""
    columns = {str(column) for table in Base.metadata.tables.values() for column in table.c}
    named = {
        name for tree in recording() for call in calls(tree) for part in actions_of(call) for name in names_in(part)
    }
    return named | {name for tree in recording() for name in names_in(tree)} - columns


def names_in(tree: ast.AST) -> list[str]:
    """Return the constants that look like actions."""
    found = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return [value for value in found if isinstance(value, str) and NAME.fullmatch(value)]


def last_parts() -> dict[str, tuple[str, ...]]:
    """Return the expressions that put actions together, with the last parts of these."""
    found = {}
    for call in (each for tree in recording() for each in calls(tree)):
        for part in actions_of(call):
            if isinstance(part, ast.JoinedStr):
                end = part.values[-1]
                constant = isinstance(end, ast.Constant) and str(end.value).rpartition(".")[2]
                found[ast.unparse(part)] = (constant,) if constant else ENDS.get(ast.unparse(part), ())
    return found


def test_every_recorded_action_has_a_label_that_can_be_searched():
    names, together = constants(), last_parts()
    assert len(names) > 100
    assert [each for each, ends in together.items() if not ends] == [], "Name the last parts in ENDS."

    without = {name for name in names if name not in SIGN_IN and name.rpartition(".")[2] not in ACTIONS}
    without |= {end for ends in together.values() for end in ends} - set(ACTIONS)

    assert without == set(), "Add the last part to ACTIONS in views/audit_labels.py."
    assert set(SIGN_IN) <= names
    (choice,) = (each for each in StaffAuditLogView.filters if each.name == "action")
    assert {*ACTIONS, *SIGN_IN} == set(choice.labels)


def test_every_recorded_subject_has_a_label(app):
    subjects = {screen.datamodel.obj.__name__ for screen in SCREENS.values() if has_history(screen)}
    for call in (each for tree in recording() for each in calls(tree) if records(each)):
        subjects |= {
            each.elts[0].value
            for each in ast.walk(call.args[2])
            if isinstance(each, ast.Tuple) and isinstance(each.elts[0], ast.Constant)
        }

    assert subjects - set(SUBJECTS) == set()


def test_only_subjects_that_exist_have_labels(app):
    assert set(SUBJECTS) - {each.class_.__name__ for each in Base.registry.mappers} - {"Role", "User"} == set(NO_TABLES)


def test_a_locked_account_is_not_called_like_the_mail_about_it(app):
    with app.test_request_context():
        assert str(action_label("account.locked")) == "アカウントをロック"
