"""Migrations only expand the schema that the previous release uses; contract steps are marked (CONTRIBUTING.md, "Migrations")."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FIRST = "0043"
"""The rule is older in CONTRIBUTING.md, but has been tested since this revision."""

MARK = "UNUSED_SINCE"
MIGRATIONS = sorted(path for path in (ROOT / "migrations" / "versions").glob("*.py") if path.name >= FIRST)
RELEASES = re.findall(r"^## (\d\S*)", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)

REMOVING = {"drop_column", "drop_table", "rename_table"}
IN_SQL = re.compile(
    r"\bDROP\s+(?:TABLE|COLUMN|VIEW|FUNCTION|TYPE|SEQUENCE|SCHEMA)\b|\bRENAME\b|\bSET\s+NOT\s+NULL\b|\bREVOKE\b"
    r"|\bADD\s+COLUMN\b(?:(?!\bDEFAULT\b|\bGENERATED\b|,\s*ADD\b|;)[\s\S])*\bNOT\s+NULL\b"
    r"(?!(?:(?!,\s*ADD\b|;)[\s\S])*\b(?:DEFAULT|GENERATED)\b)",
    re.IGNORECASE,
)


def contracts(source: str) -> list[str]:
    """Return what the upgrade of a migration removes, renames or demands of rows that the previous release writes."""
    tree = ast.parse(source)
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    constants = {
        target.id: node
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    found: list[str] = []
    for name in _used_by("upgrade", functions | constants):
        for node in ast.walk((functions | constants)[name]):
            if isinstance(node, ast.Call):
                found += _of_call(node)
            elif isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str)):
                found += [" ".join(each.group().upper().split()[:2]) for each in IN_SQL.finditer(_text(node))]
    # The parts of an f-string are strings too.
    return sorted(set(found))


def _used_by(name: str, definitions: dict[str, ast.AST]) -> set[str]:
    """Return the functions and constants that a function uses, and itself."""
    used: set[str] = set()
    waiting = [name]
    while waiting:
        each = waiting.pop()
        if each in definitions and each not in used:
            used.add(each)
            waiting += [node.id for node in ast.walk(definitions[each]) if isinstance(node, ast.Name)]
    return used


def _text(node: ast.Constant | ast.JoinedStr) -> str:
    if isinstance(node, ast.Constant):
        return node.value
    return "".join(_text(part) if isinstance(part, ast.Constant) else "x" for part in node.values)


def _of_call(call: ast.Call) -> list[str]:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    given = {word.arg: word.value for word in call.keywords}
    if name in REMOVING:
        return [name]
    if name == "alter_column":
        demands = _is_false(given.get("nullable")) and not given.keys() & {"server_default", "existing_server_default"}
        return [
            f"alter_column {what}"
            for what, is_so in (("name", "new_column_name" in given), ("NOT NULL", demands))
            if is_so
        ]
    if name == "add_column":
        columns = [each for each in call.args if isinstance(each, ast.Call)]
        return ["add_column NOT NULL" for column in columns if _demands(column)]
    return []


def _demands(column: ast.Call) -> bool:
    given = {word.arg: word.value for word in column.keywords}
    computed = any(
        isinstance(each, ast.Call)
        and isinstance(each.func, ast.Attribute)
        and each.func.attr in {"Computed", "Identity"}
        for each in column.args
    )
    return _is_false(given.get("nullable")) and "server_default" not in given and not computed


def _is_false(node: ast.AST | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is False


def marked(source: str) -> str | None:
    """Return the release that stopped using what a contract step removes; None without a mark."""
    found = re.search(rf'^{MARK} = "([^"]+)"$', source, re.MULTILINE)
    return found[1] if found else None


def problem(source: str) -> str | None:
    """Return what is wrong with a migration; None if it expands, or is marked as a contract step."""
    release, found = marked(source), contracts(source)
    if release is None:
        return (
            f"{', '.join(found)}: this belongs into the release after the one that stops using it." if found else None
        )
    if release not in RELEASES:
        return f"{MARK} must name a release of CHANGELOG.md that has been made, not {release}."
    return None if found else f"{MARK} is only for contract steps."


def test_migrations_expand_or_are_marked_contract_steps():
    found = {path.name: problem(path.read_text("utf-8")) for path in MIGRATIONS}

    assert {name: text for name, text in found.items() if text} == {}


@pytest.mark.parametrize(
    ("mark", "step", "told"),
    [
        ("", 'op.drop_table("utm")', "drop_table: this belongs into the release after the one that stops using it."),
        ('UNUSED_SINCE = "0.1.0"', 'op.drop_table("utm")', None),
        (
            'UNUSED_SINCE = "99.0"',
            'op.drop_table("utm")',
            "UNUSED_SINCE must name a release of CHANGELOG.md that has been made, not 99.0.",
        ),
        ('UNUSED_SINCE = "0.1.0"', "pass", "UNUSED_SINCE is only for contract steps."),
        ("", "pass", None),
    ],
)
def test_a_contract_step_names_a_release_that_has_been_made(mark, step, told):
    assert problem(f"{mark}\n\ndef upgrade():\n    {step}\n") == told


def test_revisions_are_consecutive_numbers_of_four_digits():
    numbers = sorted(path.name[:4] for path in (ROOT / "migrations" / "versions").glob("*.py"))

    # /readyz compares them as such.
    assert numbers == [f"{number:04}" for number in range(1, len(numbers) + 1)]


@pytest.mark.parametrize(
    ("step", "found"),
    [
        ('op.drop_column("utm", "name")', ["drop_column"]),
        ('op.drop_table("utm")', ["drop_table"]),
        ('op.rename_table("utm", "device")', ["rename_table"]),
        ('op.alter_column("utm", "name", new_column_name="label")', ["alter_column name"]),
        ('op.alter_column("utm", "name", nullable=False)', ["alter_column NOT NULL"]),
        ('op.alter_column("utm", "name", nullable=False, server_default="")', []),
        ('op.alter_column("utm", "name", type_=sa.String(length=100))', []),
        ('op.add_column("utm", sa.Column("name", sa.String(), nullable=False))', ["add_column NOT NULL"]),
        ('op.add_column("utm", sa.Column("name", sa.String(), server_default="", nullable=False))', []),
        ('op.add_column("utm", sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False))', []),
        ('op.add_column("utm", sa.Column("name", sa.String(), nullable=True))', []),
        ('op.execute("ALTER TABLE utm  DROP\\n column name")', ["DROP COLUMN"]),
        ('op.execute(f"ALTER TABLE {NAME} RENAME COLUMN a TO b")', ["RENAME"]),
        ('op.execute("ALTER TABLE utm ALTER name SET NOT NULL")', ["SET NOT"]),
        ('op.execute("ALTER TABLE utm ADD COLUMN name text NOT NULL")', ["ADD COLUMN"]),
        ("op.execute(\"ALTER TABLE utm ADD COLUMN name text NOT NULL DEFAULT ''\")", []),
        ("op.execute(\"ALTER TABLE utm ADD COLUMN name text DEFAULT '' NOT NULL\")", []),
        ('op.execute("ALTER TABLE utm ADD COLUMN a text, ADD COLUMN b text NOT NULL")', ["ADD COLUMN"]),
        ('op.execute("REVOKE UPDATE ON utm FROM portal_app")', ["REVOKE"]),
        ("op.execute(SQL)", ["DROP TABLE"]),
        ("_more()", ["drop_table"]),
        ('op.create_table("device", sa.Column("id", sa.BigInteger(), nullable=False))', []),
        ('op.create_index("ix_utm_name", "utm", ["name"])', []),
        ('op.drop_index("ix_utm_name")', []),
    ],
)
def test_a_contract_step_is_found(step, found):
    source = f"""
NAME = "utm"
SQL = "DROP TABLE utm"
UNUSED = "DROP TABLE customer"

def upgrade():
    {step}

def _more():
    op.drop_table("utm")

def downgrade():
    op.drop_column("utm", "name")
"""

    assert contracts(source) == found
