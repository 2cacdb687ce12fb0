"""Names have the same key in the database as in Python, whether it is stored or computed during a search."""

from __future__ import annotations

from importlib import import_module

import pytest
from sqlalchemy import literal, select

from models.name_key import key_of
from models.utms.utm import Utm
from models.values.person_name import person_key

NAMES = ["髙﨑ビル　霞ヶ関", "渡邊 ﾊﾅｺ", "Ｓｍｉｔｈ Ann－Marie", "葛\U000e0100城", "𠮷田ｶﾞﾝﾏ", "㈱ー〜", "'; --%_\\"]


@pytest.mark.parametrize("name", NAMES)
def test_the_database_makes_the_same_key_as_python(make, name):
    utm = make.utm(name=name)

    assert make.session.scalar(select(Utm.search_name).where(Utm.id == utm.id)) == person_key(name)
    assert make.session.scalar(select(key_of(literal(name)))) == person_key(name)


def test_the_migration_computes_the_key_as_the_table_does():
    kept = Utm.__table__.c.search_name.computed.sqltext

    assert str(kept) == import_module("migrations.versions.0047_utm_search_names").KEY
