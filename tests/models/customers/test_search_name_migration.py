"""Names that are compared in a new way are written anew by a migration."""

from __future__ import annotations

from importlib import import_module

from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import NullPool, create_engine, text

from models.values.company_name import search_key

NAMES = ("㊑あおぞら", "葛\U000e0100城(株)", "❤\ufe0f ＡＢＣ", "合\u200b名", "㈱ひばり")


def test_names_stored_before_have_the_key_of_today(make, service_env):
    customers = [make.customer(name=name) for name in NAMES]
    make.session.execute(text("UPDATE customer SET search_name = 'old'"))
    make.session.commit()

    engine = create_engine(service_env["DATABASE_OWNER_URL"], poolclass=NullPool)
    with engine.begin() as connection, Operations.context(MigrationContext.configure(connection)):
        import_module("migrations.versions.0013_search_names").upgrade()

    make.session.expire_all()
    keys = [make.session.get(type(each), each.id).search_name for each in customers]
    assert keys == [*map(search_key, NAMES[:-1]), "old"]
