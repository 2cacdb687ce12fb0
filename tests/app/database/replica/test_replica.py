"""Screens that only read use the replica, and users see what they have written: with a real standby."""

from __future__ import annotations

import io
import logging
import re
import time
import zipfile
from collections import Counter
from collections.abc import Iterator
from functools import partial

import psycopg
import pytest
from click import ClickException
from flask import Response
from sqlalchemy import func, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session

import config
from models import scope
from models.alerts import search as alert_search
from models.alerts.alert import Alert
from models.errors import ALERTS_UNAVAILABLE
from tests.support.pages import Page, answered
from tests.support.relay import Relay
from views import metrics
from views.read_sessions import COOKIE, remember_commit, streamed
from views.tenants.staff_tenants import StaffTenantView
from views.tickets.staff import StaffTicketView
from views.utms.all_utms import UtmListView
from views.utms.staff_utms import StaffUtmListView

pytestmark = pytest.mark.usefixtures("today")


def read_from(asked, client, url: str) -> str:
    """Get a page; return which of the two was asked for alerts."""
    for each in asked.values():
        each.clear()
    assert client.get(url).status_code == 200
    (found,) = {name for name, statements in asked.items() for each in statements if re.search(r"FROM alert\b", each)}
    return found


def alerts(utm) -> str:
    return f"/customers/{utm.customer_id}/alerts/"


def rename(client, utm, name: str) -> None:
    url = f"/customers/{utm.customer_id}/utms/{utm.id}/edit"
    sent = answered(Page(client.get(url).text).main_form.sent(name=name))
    assert client.post(url, data=sent).status_code == 302


def names(client, utm) -> set[str]:
    return set(Page(client.get(alerts(utm)).text).column("UTM名"))


def test_who_has_written_reads_the_primary_until_the_replica_has_it(operator, other, utm, pair, asked):
    assert read_from(asked, operator, alerts(utm)) == "replica"
    pair.pause()
    rename(operator, utm, "支店")

    assert (read_from(asked, operator, alerts(utm)), names(operator, utm)) == ("primary", {"支店"})
    assert (read_from(asked, other, alerts(utm)), names(other, utm)) == ("replica", {"本社"})

    pair.resume()
    for client in (operator, other):
        assert (read_from(asked, client, alerts(utm)), names(client, utm)) == ("replica", {"支店"})


def test_who_has_not_written_costs_the_primary_no_further_statement(operator, utm, asked, app):
    read_from(asked, operator, alerts(utm))
    with_replica = list(asked["primary"])
    found, app.extensions["replica"] = app.extensions["replica"], None
    try:
        read_from(asked, operator, alerts(utm))
    finally:
        app.extensions["replica"] = found

    assert not Counter(with_replica) - Counter(asked["primary"])
    assert not [each for each in with_replica if "lsn" in each]


@pytest.mark.parametrize("page", ["alerts/important", "alerts/threats", "charts/utms", "charts/average"])
def test_every_reading_screen_is_read_from_the_replica_in_a_transaction_that_cannot_write(operator, utm, page, asked):
    assert operator.get(f"/customers/{utm.customer_id}/{page}").status_code == 200

    assert any(re.search(r"(FROM|JOIN) alert", each) for each in asked["replica"])
    assert not any(re.search(r"(FROM|JOIN) alert", each) for each in asked["primary"])


def test_the_cookie_of_the_last_commit_is_remembered_for_a_minute(operator, utm):
    assert operator.get_cookie(COOKIE) is None

    rename(operator, utm, "支店")

    cookie = operator.get_cookie(COOKIE)
    assert re.fullmatch(r"[0-9A-F]+/[0-9A-F]+", cookie.value)
    assert (cookie.max_age, cookie.http_only, cookie.same_site) == (60, True, "Lax")


def test_over_https_no_other_host_can_plant_the_cookie(app, monkeypatch):
    monkeypatch.setitem(app.config, "SESSION_COOKIE_SECURE", True)
    answer = Response()
    with app.test_request_context():
        remember_commit(answer)

    (cookie,) = answer.headers.getlist("Set-Cookie")
    assert cookie.startswith("__Host-written=")
    assert "; Secure; HttpOnly; Path=/; SameSite=Lax" in cookie


@pytest.mark.parametrize("value", ["unknown", "'", "0/1; DROP TABLE utm", "FFFFFFFF/FFFFFFFF"])
def test_a_position_that_is_not_known_means_the_primary(operator, utm, asked, value):
    operator.set_cookie(COOKIE, value)

    assert read_from(asked, operator, alerts(utm)) == "primary"


def test_the_metrics_count_the_statements_on_the_replica_too(operator, utm, asked):
    def counted() -> float:
        (family,) = metrics.ROUTE_STATEMENTS.collect()
        return sum(each.value for each in family.samples if each.name.endswith("_total"))

    before = counted()
    read_from(asked, operator, alerts(utm))

    assert counted() - before == sum(map(len, asked.values())) > len(asked["primary"])


def test_tenants_are_apart_on_the_replica(operator, make, signed_in, utm, replica, pair):
    theirs = make.tenant()
    stranger = signed_in(make.member(theirs, "Partner Operator"), theirs)
    pair.catch_up()

    assert stranger.get(alerts(utm)).status_code == 404
    counted = {}
    for name, info in (("ours", scope.of_tenant(operator.tenant.id)), ("theirs", scope.of_tenant(theirs.id))):
        with replica.session(info, at_least=None) as session:
            counted[name] = session.connection().scalar(select(func.count()).select_from(Alert.__table__))
    with replica.session({}, at_least=None) as session:
        counted["nobody's"] = session.connection().scalar(select(func.count()).select_from(Alert.__table__))
    with replica.session(scope.of_all_tenants("a test counts all"), at_least=None) as session:
        counted["all"] = session.scalar(select(func.count()).select_from(Alert))
    assert counted == {"ours": 2, "theirs": 0, "nobody's": 0, "all": 2}


def test_nothing_is_written_with_a_reading_session_even_if_it_is_the_primarys(operator, app, env, engine, replica):
    from app import create_app

    wrong = create_app(config.load(env) | {"READ_DATABASE_URL": env["DATABASE_URL"]})
    for each in (wrong.extensions["replica"], replica):
        with each.session(scope.of_tenant(operator.tenant.id), at_least=None) as session:
            with pytest.raises(DBAPIError) as refused:
                session.execute(text("UPDATE tenant SET name = 'written'"))
            assert refused.value.orig.sqlstate == "25006"
    wrong.extensions["replica"].engine.dispose()


def test_production_refuses_a_replica_with_a_role_that_sees_past_the_wall(env, pair):
    from app import create_app

    settings = config.load(env) | {"PRODUCTION": True}
    with pytest.raises(ClickException, match="The role of READ_DATABASE_URL bypasses row-level security"):
        create_app(settings | {"READ_DATABASE_URL": pair.standby.url("postgres", "portal")})


def test_statements_take_no_longer_than_on_the_primary(replica):
    with replica.session({}, at_least=None) as session:
        assert session.scalar(text("SHOW statement_timeout")) == "30s"
        assert session.connection().connection.driver_connection.response_timeout == 35


def unpacked(client, utm) -> dict[str, bytes]:
    answer = client.post(f"{alerts(utm)}download", data={"utm": utm.id})
    assert answer.status_code == 200
    archive = zipfile.ZipFile(io.BytesIO(answer.data))
    return {name: archive.read(name) for name in archive.namelist()}


def test_a_download_from_the_replica_is_that_of_the_primary(operator, other, utm, pair, replica, app, monkeypatch):
    used = []
    real = replica.session
    monkeypatch.setattr(replica, "session", lambda *given, **named: used.append(made := real(*given, **named)) or made)

    from_replica = unpacked(other, utm)
    monkeypatch.setitem(app.extensions, "replica", None)

    assert unpacked(other, utm) == from_replica
    assert len(from_replica) == 1
    assert b"Port scan" in next(iter(from_replica.values()))
    assert [each is not None for each in used] == [True]
    assert replica.engine.pool.checkedout() == 0, "the session of a stream is closed at its end"


def test_lists_as_files_are_read_from_the_replica(operator, utm, asked):
    answer = operator.get("/customers/?csv=1")

    assert operator.tenant.id not in answer.text
    assert utm.customer_id in answer.text
    assert any("customer" in each for each in asked["replica"])


def test_a_page_that_the_replica_cancelled_is_read_from_the_primary(operator, utm, pair, replica, caplog, monkeypatch):
    """The log of a table's lock cannot be replayed while a page reads the table."""
    real, sessions = alert_search.page, []

    def page(session: Session, query, **options):
        sessions.append(session.get_bind())
        if len(sessions) == 1:
            session.execute(text("SELECT count(*) FROM alert"))
            with pair.primary.connect("portal") as connection, connection.transaction():
                connection.execute("LOCK TABLE alert IN ACCESS EXCLUSIVE MODE")
            pair.catch_up()
        return real(session, query, **options)

    monkeypatch.setattr(alert_search, "page", page)

    with caplog.at_level(logging.INFO, "portal.replica"):
        answer = operator.get(alerts(utm))

    assert (answer.status_code, Page(answer.text).column("UTM名")) == (200, ["本社", "本社"])
    assert sessions[0] is replica.engine
    assert len(sessions) == 2
    assert sessions[1] is not replica.engine
    assert [each.getMessage() for each in caplog.records] == ["read again from the primary"]


def test_an_outage_of_the_alerts_does_not_end_the_use_of_the_replica(operator, utm, replica, monkeypatch):
    calls = []

    def page(session: Session, _query, **_options):
        calls.append(session.get_bind())
        error = OperationalError("SELECT", {}, psycopg.OperationalError("connection lost"))
        setattr(error, ALERTS_UNAVAILABLE, True)
        raise error

    monkeypatch.setattr(alert_search, "page", page)

    assert operator.get(alerts(utm)).status_code == 503
    assert calls == [replica.engine]
    assert replica.state() == "ready"


@pytest.mark.parametrize("screen", [UtmListView, StaffUtmListView, StaffTenantView, StaffTicketView])
def test_what_a_file_needs_beside_its_rows_is_read_again_with_them(
    screen, operator, utm, make, signed_in, pair, replica, monkeypatch
):
    make.ticket(tenant=operator.tenant)
    staff = signed_in(make.elevated("NEC Admin"), operator.tenant)
    pair.catch_up()
    engines, real = [], screen.prepare_file

    def prepare_file(self, session: Session) -> None:
        engines.append(session.get_bind())
        if len(engines) == 1:
            raise OperationalError("SELECT", {}, psycopg.errors.SerializationFailure())
        real(self, session)

    monkeypatch.setattr(screen, "prepare_file", prepare_file)

    answer = staff.get(f"{screen.route_base}/?csv=1")

    assert answer.status_code == 200
    assert len(answer.text.splitlines()) > 1
    assert engines[0] is replica.engine
    assert engines[1] is not replica.engine


def test_a_file_is_begun_again_on_the_primary_but_not_continued_there(app, operator, utm, replica):
    def lines(session: Session, *, before_error: int) -> Iterator[bytes]:
        if session.get_bind() is replica.engine:
            yield from (b"replica" for _ in range(before_error))
            raise psycopg.errors.SerializationFailure
        yield b"primary"

    info = scope.of_tenant(utm.tenant_id)
    with app.test_request_context():
        assert list(streamed(info, partial(lines, before_error=0))) == [b"primary"]
    with app.test_request_context(), pytest.raises(psycopg.errors.SerializationFailure):
        list(streamed(info, partial(lines, before_error=1)))


def test_a_replica_that_is_far_behind_is_not_used(operator, utm, asked, replica, app, monkeypatch, caplog):
    monkeypatch.setattr(replica, "_most_behind", -1.0)

    assert [read_from(asked, operator, alerts(utm)) for _ in range(3)] == ["primary"] * 3
    assert app.test_client().get("/readyz").json["replica"] == "behind", "it is not tried again at once"
    replica.forget_failures()
    assert app.test_client().get("/readyz").json["replica"] == "behind"
    assert [each.getMessage() for each in caplog.records if each.name == "portal.replica"] == [
        "the replica is not used"
    ] * 2


def test_pages_answer_without_the_replica_and_use_it_again_when_it_is_back(
    operator, utm, pair, asked, app, replica, caplog, monkeypatch
):
    monkeypatch.setattr("models.replica.RETRY_AFTER", 0.0)
    before = app.test_client().get("/readyz")
    assert before.json["replica"] == "ready"
    pair.standby.stop()
    try:
        assert [read_from(asked, operator, alerts(utm)) for _ in range(3)] == ["primary"] * 3
        assert unpacked(operator, utm)
        without = app.test_client().get("/readyz")
        assert without.json == before.json | {"replica": "unavailable"}
        assert without.status_code == before.status_code
    finally:
        pair.standby.start()
    pair.catch_up()
    assert read_from(asked, operator, alerts(utm)) == "replica"
    told = [each.getMessage() for each in caplog.records if each.name == "portal.replica"]
    assert told == ["the replica is not used"], "once in a while"


def test_a_replica_that_hangs_keeps_one_request_for_seconds_and_the_next_ones_not_at_all(
    operator, utm, pair, env, asked, app, monkeypatch
):
    from app import create_app

    relay = Relay(f"{pair.standby.sockets}/.s.PGSQL.5432")
    url = make_url(env["READ_DATABASE_URL"]).set(host="127.0.0.1", port=relay.port, query={})
    hanging = create_app(config.load(env) | {"READ_DATABASE_URL": url.render_as_string(hide_password=False)})
    monkeypatch.setitem(app.extensions, "replica", hanging.extensions["replica"])
    assert operator.get(alerts(utm)).status_code == 200
    assert asked["primary"]
    relay.hangs.set()

    monkeypatch.setattr("models.replica.RETRY_AFTER", 600.0)

    began = time.monotonic()
    assert read_from(asked, operator, alerts(utm)) == "primary"
    took = time.monotonic() - began
    tried = []
    monkeypatch.setattr("models.replica._position", lambda *given: tried.append(given))
    assert read_from(asked, operator, alerts(utm)) == "primary"

    assert 1.5 < took < 30
    assert tried == []
    hanging.extensions["replica"].engine.dispose()
    relay.close()


def test_without_a_replica_nothing_is_remembered(operator, utm, app, monkeypatch):
    monkeypatch.setitem(app.extensions, "replica", None)
    assert "replica" not in app.test_client().get("/readyz").json

    rename(operator, utm, "支店")

    assert operator.get_cookie(COOKIE) is None
    assert names(operator, utm) == {"支店"}
