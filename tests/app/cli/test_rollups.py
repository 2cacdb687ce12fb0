"""What ``flask portal rollups rebuild`` counts."""

from __future__ import annotations

from sqlalchemy import text

from models import clock
from tests.support.alerts import store_named


def test_the_rebuilt_counts_are_those_of_ingest(app, make, engine):
    utm = make.customer_with_utm(make.tenant())[1]
    store_named(engine, utm, a={}, b={"type": "antivirus"}, c={"alert_severity": "high"})
    counts = text("SELECT * FROM alert_daily ORDER BY utm_id, day, function, level")
    before = make.session.execute(counts).all()
    make.session.execute(text("UPDATE alert_daily SET count = 99"))
    make.session.commit()

    result = app.test_cli_runner().invoke(args=["portal", "rollups", "rebuild"])

    assert result.exit_code == 0, result.output
    assert f"{clock.utc_now():%Y}" in result.output
    assert make.session.execute(counts).all() == before != []
