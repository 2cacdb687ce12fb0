"""SQL that normalizes names for substring search, as ``models.values.person_name.person_key`` normalizes what is typed."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, func, text

from models.values.characters import SHAPES, VARIANT_GROUPS

_VARIANTS = "".join(group[1:] for group in VARIANT_GROUPS)
_WRITTEN = "".join(group[0] * len(group[1:]) for group in VARIANT_GROUPS)
_SHAPES = f"[{SHAPES}]"
_BLANKS = r"\s+"


def stored_key(name: str) -> str:
    """Return the expression of a generated column, for large tables: it is computed once for each row.

    :param name: an expression in SQL.
    """
    plain = f"normalize(regexp_replace({name}, '{_SHAPES}', '', 'g'), NFKC)"
    return f"lower(regexp_replace(translate({plain}, '{_VARIANTS}', '{_WRITTEN}'), '{_BLANKS}', '', 'g'))"


def key_of(name: Any) -> ColumnElement[str]:
    """Return the expression that normalizes a name while a table is searched, for tables of some thousand rows.

    :param name: a column, or an expression of columns.
    """
    plain = func.normalize(func.regexp_replace(name, _SHAPES, "", "g"), text("NFKC"))
    return func.lower(func.regexp_replace(func.translate(plain, _VARIANTS, _WRITTEN), _BLANKS, "", "g"))
