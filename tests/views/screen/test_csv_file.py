from __future__ import annotations

import pytest
from psycopg import sql
from sqlalchemy import text as statement

from models import csv_copy
from models.csv_copy import BLANKS, FORMULA
from models.db import psycopg_connection
from views.screen.csv_file import neutral


@pytest.mark.parametrize(
    "text", ["=1", " =1", "\u3000＝1", "\u2003=1", "\v=1", "\f=1", "\ufeff=1", "\u2028=1", "\tx", "\n"]
)
def test_what_a_spreadsheet_takes_for_a_formula_is_escaped(text):
    assert neutral(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "a=1", " a", "\u2003", "-5", "-1.5", "090-1234"])
def test_other_texts_and_numbers_are_left_alone(text):
    assert neutral(text) == text


def test_files_from_python_and_from_copy_escape_the_same(make):
    texts = [f"{blank}{start}x" for blank in ("", *BLANKS) for start in (*FORMULA, "x")]
    make.session.execute(statement("SELECT 1"))
    query = sql.SQL("SELECT {} FROM unnest({}::text[]) WITH ORDINALITY AS cells (cell, place) ORDER BY place").format(
        csv_copy.safe(sql.SQL("cell")), sql.Literal(texts)
    )

    rows = psycopg_connection(make.session.connection()).execute(query).fetchall()

    assert [cell for (cell,) in rows] == [neutral(text) for text in texts]
