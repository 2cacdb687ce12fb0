from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.local.embedded import EmbeddedPostgres


@pytest.fixture(scope="session")
def other_postgres(tmp_path_factory) -> Iterator[EmbeddedPostgres]:
    """A database server of these tests alone, with the roles of the portal and no data: its roles may be changed."""
    server = EmbeddedPostgres(tmp_path_factory.mktemp("other-postgres"), durable=False)
    server.start()
    yield server
    server.stop()
