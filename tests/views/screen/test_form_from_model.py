from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import BigInteger, Boolean, Column, Date, Integer, LargeBinary, MetaData, Numeric, String, Table
from sqlalchemy.orm import registry
from werkzeug.datastructures import MultiDict

from views.screen.form import form_from_model

SIZES = {"s": "Small", "l": "Large"}


class Thing:
    """A row of a table that only these tests know."""


registry().map_imperatively(
    Thing,
    Table(
        "thing",
        MetaData(),
        Column("id", Integer, primary_key=True),
        Column("name", String(10), nullable=False),
        Column("note", String(200), nullable=True),
        Column("memo", String(200), nullable=False, server_default=""),
        Column("size", String(1), nullable=False),
        Column("other_size", String(1), nullable=True),
        Column("day", Date, nullable=False),
        Column("last_day", Date, nullable=True),
        Column("active", Boolean, nullable=False),
        Column("pieces", Integer, nullable=False),
        Column("bytes_sent", BigInteger, nullable=True),
        Column("price", Numeric(6, 2), nullable=True),
        Column("picture", LargeBinary),
    ),
)
COLUMNS = [
    *("name", "note", "memo", "size", "other_size", "day", "last_day", "active", "pieces", "bytes_sent", "price"),
]
SENT = {"name": "名前", "size": "s", "day": "2026-11-01", "pieces": "3"}


@pytest.fixture
def sent(app):
    """A form of the columns that was sent with some values."""
    form = form_from_model(Thing, COLUMNS, {}, {"size": SIZES, "other_size": SIZES})

    def filled_in(**values):
        with app.test_request_context():
            made = form(formdata=MultiDict(SENT | values))
            made.validate()
            return made

    return filled_in


def test_what_may_be_missing_is_stored_as_nothing(sent):
    form = sent(other_size="", note="")

    assert form.errors == {}
    assert form.values() == {
        "name": "名前",
        "note": None,
        "memo": "",
        "size": "s",
        "other_size": None,
        "day": date(2026, 11, 1),
        "last_day": None,
        "active": False,
        "pieces": 3,
        "bytes_sent": None,
        "price": None,
    }


def test_every_kind_of_column_takes_what_is_typed(sent):
    form = sent(
        note="二行\n目",
        other_size="l",
        last_day="2026-11-02",
        active="y",
        bytes_sent="9223372036854775807",
        price="9.5",
    )

    assert form.errors == {}
    values = form.values()
    assert [values[name] for name in ("note", "other_size", "last_day", "active", "bytes_sent", "price")] == [
        "二行\n目",
        "l",
        date(2026, 11, 2),
        True,
        9223372036854775807,
        Decimal("9.5"),
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("name", ""),
        ("name", "あ" * 11),
        ("name", "二行\n目"),
        ("note", "あ" * 201),
        ("size", ""),
        ("size", "m"),
        ("other_size", "m"),
        ("day", ""),
        ("day", "2026-13-01"),
        ("last_day", "soon"),
        ("pieces", ""),
        ("pieces", "2147483648"),
        ("pieces", "1.5"),
        ("bytes_sent", "9223372036854775808"),
        ("price", "10000"),
        ("price", "9999.995"),
        ("price", "NaN"),
        ("price", "-Infinity"),
    ],
)
def test_what_the_column_cannot_hold_is_refused_beside_its_field(sent, name, value):
    assert list(sent(**{name: value}).errors) == [name]


def test_a_column_without_a_field_needs_a_form_of_its_own():
    with pytest.raises(TypeError, match=r"There is no form field for thing\.picture"):
        form_from_model(Thing, ["picture"], {}, {})
