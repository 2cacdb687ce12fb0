"""/metrics: who may read it, and what it says."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import ip_network

import pytest
from prometheus_client.parser import text_string_to_metric_families
from redis import Redis
from sqlalchemy.exc import OperationalError

from jobs import queue_figures, queues, worker_liveness
from models import clock
from models.actor import SYSTEM
from models.mail.outbox import MailState
from models.overview import service_figures
from models.utms import device_token
from tests.factories import PASSWORD
from tests.support.alerts import line
from tests.support.fixtures import weak_hash


@pytest.fixture(autouse=True)
def fresh(app):
    """No figures of an earlier test."""
    collector = app.extensions["service_metrics"]
    collector.kept_for = 0.0
    collector._until = 0.0
    yield
    collector.kept_for = 10.0


@pytest.fixture
def scrape(client):
    """What /metrics says: ``scrape()[name, (("label", "value"),)]``."""

    def read() -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
        answer = client.get("/metrics")
        assert (answer.status_code, answer.mimetype) == (200, "text/plain")
        return {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in text_string_to_metric_families(answer.text)
            for sample in family.samples
        }

    return read


def key(name: str, **labels: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    return name, tuple(sorted(labels.items()))


@pytest.mark.parametrize(
    ("address", "status"),
    [("127.0.0.1", 200), ("127.8.0.1", 200), ("::1", 200), ("192.0.2.1", 404), ("2001:db8::1", 404), ("", 404)],
)
def test_only_this_machine_may_read_the_metrics_by_default(client, address, status):
    assert client.get("/metrics", environ_base={"REMOTE_ADDR": address}).status_code == status


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded"])
def test_a_client_behind_a_proxy_that_the_settings_do_not_know_may_not(client, header):
    assert client.get("/metrics", headers={header: "127.0.0.1"}).status_code == 404


@pytest.mark.parametrize(
    ("count", "peer", "forwarded", "status"),
    [
        (1, "127.0.0.1", "192.0.2.9", 404),
        (1, "127.0.0.1", "198.51.100.9", 200),
        (2, "127.0.0.1", "198.51.100.9, 203.0.113.1", 200),
        # The load balancer was passed by.
        (2, "127.0.0.1", "192.0.2.9", 404),
        (2, "127.0.0.1", "127.0.0.1", 404),
        (2, "198.51.100.9", "198.51.100.9", 404),
        # The proxy does not know or tell.
        (1, "127.0.0.1", "unknown", 404),
        (1, "198.51.100.9", ",", 404),
        (1, "127.0.0.1", None, 404),
        (1, "::1", "", 404),
        # Not from a proxy, but from Prometheus in the network of the containers.
        (1, "198.51.100.9", None, 200),
        (1, "192.0.2.9", None, 404),
    ],
)
def test_behind_proxies_the_client_must_be_known(behind, monkeypatch, app, count, peer, forwarded, status):
    networks = tuple(map(ip_network, ("127.0.0.0/8", "::1/128", "198.51.100.0/24")))
    monkeypatch.setitem(app.config, "METRICS_NETWORKS", networks)
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}

    answer = behind(count).get("/metrics", headers=headers, environ_base={"REMOTE_ADDR": peer})

    assert answer.status_code == status


def test_the_networks_are_a_setting(app, client, monkeypatch):
    import config

    networks = config.load({"METRICS_NETWORKS": "192.0.2.0/24, 2001:db8::/32"} | _services(app))["METRICS_NETWORKS"]
    monkeypatch.setitem(app.config, "METRICS_NETWORKS", networks)

    found = [
        client.get("/metrics", environ_base={"REMOTE_ADDR": address}).status_code
        for address in ("192.0.2.9", "2001:db8::9", "127.0.0.1")
    ]

    assert found == [200, 200, 404]


@pytest.mark.parametrize("value", ["everybody", "192.0.2.1/24", "10.0.0.0/99"])
def test_a_network_that_cannot_be_read_stops_the_start(app, value):
    import config

    with pytest.raises(config.SettingError, match="METRICS_NETWORKS must be networks"):
        config.load({"METRICS_NETWORKS": value} | _services(app))


def _services(app) -> dict[str, str]:
    return {"DATABASE_URL": app.config["SQLALCHEMY_DATABASE_URI"], "REDIS_URL": app.config["REDIS_URL"]}


def test_requests_are_counted_by_route_and_never_by_path(client, scrape, make):
    before = scrape()
    client.get("/login/?next=secret-of-hanako")
    client.get("/no/such/page-of-hanako")
    client.open("/login/", method="HANAKO")

    now = scrape()

    def more(name: str, **labels: str) -> float:
        return now[key(name, **labels)] - before.get(key(name, **labels), 0)

    assert more("portal_requests_total", route="/login/", method="GET", status="2xx") == 1
    assert more("portal_requests_total", route="unknown", method="GET", status="4xx") == 1
    assert more("portal_requests_total", route="unknown", method="other", status="4xx") == 1
    assert more("portal_request_seconds_count", route="/login/") == 1
    assert "hanako" not in str(now).lower()


def test_the_statements_of_a_request_are_counted(operator, scrape, statements):
    before = scrape()
    del statements[:]
    operator.get("/customers/")
    executed = len(statements)

    now = scrape()

    route = key("portal_route_sql_statements_total", route="/customers/")
    assert executed > 0
    assert now[route] - before.get(route, 0) == executed
    count = key("portal_request_sql_statements_count")
    # The page, and the scrape before it.
    assert now[count] - before[count] == 2


def test_failed_and_successful_sign_ins_are_counted(app, client, scrape, make):
    user = make.member(make.tenant(), "Partner Operator", email="hanako@example.jp", password=weak_hash())
    before = scrape()
    for email, password in ((user.email, "wrong"), ("nobody@example.jp", "wrong"), (user.email, PASSWORD)):
        app.test_client().post("/login/", data={"email": email, "password": password})

    now = scrape()

    more = {
        outcome: now.get(key("portal_sign_ins_total", outcome=outcome), 0)
        - before.get(key("portal_sign_ins_total", outcome=outcome), 0)
        for outcome in ("failed", "refused", "succeeded")
    }
    assert more == {"failed": 1, "refused": 1, "succeeded": 1}
    assert "hanako" not in str(now)


def test_a_request_beyond_a_rate_limit_is_counted(app, client, scrape):
    route = key("portal_rate_limited_requests_total", route="/api/customer/v1/tenant")
    before = scrape().get(route, 0)
    statuses = [
        client.get("/api/customer/v1/tenant", headers={"Authorization": f"Bearer none{each}"}).status_code
        for each in range(61)
    ]

    assert statuses.count(429) == 1
    assert scrape()[route] - before == 1


def test_lines_of_utms_are_counted_by_what_became_of_them(client, scrape, make):
    token = device_token.issue(make.session, make.utm(), now=clock.utc_now(), by=SYSTEM)
    make.session.commit()
    before = scrape()
    sent = line(at=clock.utc_now())
    client.post(
        "/api/device/v1/alerts",
        data=b"\n".join([sent, sent, b"nonsense"]),
        headers={"Authorization": f"Bearer {token}"},
    )

    now = scrape()

    found = {
        outcome: now[key("portal_ingested_lines_total", kind="alerts", outcome=outcome)]
        - before.get(key("portal_ingested_lines_total", kind="alerts", outcome=outcome), 0)
        for outcome in ("stored", "duplicate", "rejected")
    }
    assert found == {"stored": 1, "duplicate": 1, "rejected": 1}


def test_utms_are_counted_by_state_over_all_tenants(scrape, make):
    now = clock.utc_now()
    for seen in (now, now, now - timedelta(hours=1), None):
        make.utm(customer_row=make.customer(tenant=make.tenant()), last_seen_at=seen)
    make.utm(last_seen_at=now, removed_at=now)

    found = scrape()

    states = {state: found[key("portal_utms", state=state)] for state in ("online", "offline", "unconnected")}
    assert states == {"online": 2, "offline": 1, "unconnected": 1}


def test_the_outbox_says_what_waits_and_for_how_long(scrape, make):
    now = clock.utc_now()
    for state, age in (
        (MailState.PENDING, 90),
        (MailState.PENDING, 10),
        (MailState.FAILED, 500),
        (MailState.SENT, 900),
    ):
        make.mail_message(state=state, created_at=now - timedelta(seconds=age))

    found = scrape()

    assert (found[key("portal_mails", state="waiting")], found[key("portal_mails", state="failed")]) == (2, 1)
    assert 90 <= found[key("portal_oldest_waiting_mail_seconds")] < 150


def test_queues_jobs_and_workers_are_read_from_redis(app, scrape):
    connection = app.extensions["redis"]
    with app.app_context():
        queues.enqueue(queues.DEFAULT, "jobs.mail.send_due")
    for failed, seconds in ((False, 0.2), (False, 3.0), (True, 500.0)):
        queue_figures.count_run(connection, "jobs.mail.send_due", failed=failed, seconds=seconds)
    worker_liveness.record(connection, "one", since=worker_liveness.server_time(connection))

    found = scrape()

    assert found[key("portal_queue_jobs", queue="default", state="waiting")] == 1
    assert found[key("portal_queue_jobs", queue="urgent", state="failed")] == 0
    job = "jobs.mail.send_due"
    assert found[key("portal_job_runs_total", job=job, outcome="done")] == 2
    assert found[key("portal_job_runs_total", job=job, outcome="failed")] == 1
    buckets = {
        limit: found[key("portal_job_seconds_bucket", job=job, le=limit)] for limit in ("0.1", "0.5", "5.0", "+Inf")
    }
    assert buckets == {"0.1": 0, "0.5": 1, "5.0": 2, "+Inf": 3}
    assert found[key("portal_job_seconds_sum", job=job)] == pytest.approx(503.2)
    assert found[key("portal_workers")] == 1
    assert 0 <= found[key("portal_worker_silence_seconds")] < 30


def test_without_redis_the_rest_is_there(app, scrape, tmp_path, monkeypatch):
    collector = app.extensions["service_metrics"]
    monkeypatch.setattr(collector, "_connection", Redis.from_url(f"unix://{tmp_path}/nobody.sock", retry=None))

    found = scrape()

    assert found[key("portal_up", service="redis")] == 0
    assert found[key("portal_up", service="database")] == 1
    assert key("portal_utms", state="online") in found
    assert key("portal_queue_jobs", queue="default", state="waiting") not in found


def test_without_the_database_the_rest_is_there(scrape, monkeypatch):
    def fails(*_arguments, **_values):
        raise OperationalError("SELECT 1", {}, Exception("hanako@example.jp"))

    monkeypatch.setattr(service_figures, "read", fails)

    found = scrape()

    assert found[key("portal_up", service="database")] == 0
    assert found[key("portal_up", service="redis")] == 1
    assert key("portal_utms", state="online") not in found
    assert key("portal_queue_jobs", queue="default", state="waiting") in found


def test_a_scrape_costs_few_statements_and_a_second_one_none(app, scrape, statements):
    app.extensions["service_metrics"].kept_for = 60.0
    scrape()
    first = len(statements)
    scrape()

    assert first <= 6, statements
    assert len(statements) == first
