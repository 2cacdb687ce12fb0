"""The check of connections when the portal starts."""

from __future__ import annotations

import logging

import pytest
from sqlalchemy import NullPool, create_engine

from app.database.role_check import warn_without_timeout


@pytest.mark.parametrize(("timeout", "warnings"), [("0", ["DATABASE_URL"]), ("7s", [])])
def test_statements_without_a_timeout_are_warned_of(service_env, caplog, timeout, warnings):
    options = {"options": f"-c statement_timeout={timeout}"}
    engine = create_engine(service_env["DATABASE_URL"], poolclass=NullPool, connect_args=options)
    with caplog.at_level(logging.WARNING), engine.connect() as connection:
        warn_without_timeout(connection, "DATABASE_URL")

    assert [each.setting for each in caplog.records if "have no timeout" in each.getMessage()] == warnings
