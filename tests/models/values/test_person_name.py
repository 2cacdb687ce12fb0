from __future__ import annotations

from importlib import import_module

import pytest
from sqlalchemy import text

from models.customers.customer import Customer
from models.values.person_name import person_key

NAMES = [
    ("髙﨑", "花子"),
    ("渡邊", "ﾊﾅｺ"),
    ("Ｓｍｉｔｈ", "Ann－Marie"),
    ("葛\U000e0100城", "か ず お"),
    ("𠮷田", "ｶﾞﾝﾏ"),
    ("ｻｰﾊﾞ", "一ー〜"),
    ("'; --%_\\", "(株)"),
]


@pytest.mark.parametrize(("last", "first"), NAMES)
def test_the_database_keeps_the_same_key_as_the_search_makes(make, last, first):
    customer = make.customer(contact_last_name=last, contact_first_name=first)

    kept = make.session.scalar(text("SELECT contact_key FROM customer WHERE id = :id"), {"id": customer.id})

    assert kept == person_key(f"{last} {first}")


@pytest.mark.parametrize("typed", ["高崎花子", "髙﨑 花子", "髙﨑　花子", "高\u200b崎花子"])
def test_a_name_has_one_key_however_it_is_written(typed):
    assert person_key(typed) == "高崎花子"


def test_the_migration_computes_the_key_as_the_table_does():
    kept = Customer.__table__.c.contact_key.computed.sqltext

    assert str(kept) == import_module("migrations.versions.0018_contact_key").KEY
