"""A UTM of the operator's tenant whose alerts arrive, on a fixed day."""

from __future__ import annotations

import pytest
import time_machine
from sqlalchemy.orm import Session

from models.alerts import ingest as alert_ingest
from tests.support.alerts import NOW


@pytest.fixture
def today():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def utm(operator, make):
    return make.customer_with_utm(operator.tenant, utm_id="a1b2c3d4e5f6", name="本社")[1]


@pytest.fixture
def send_lines(engine):
    """Store lines of a UTM: ``send_lines(utm, line(...), line(...))``, or a list with their numbers."""

    def store(utm, *found):
        sender = alert_ingest.Sender(utm.tenant_id, utm.customer_id, utm.id)
        numbered = found[0] if isinstance(found[0], list) else list(enumerate(found, 1))
        with Session(engine, info={"tenant_scope": utm.tenant_id}) as session:
            receipt = alert_ingest.store(session, sender, numbered, now=NOW, retention_months=13)
            session.commit()
        return receipt

    return store
