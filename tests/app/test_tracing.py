"""Traces, as a collector receives them: a request and its job are one trace, and no value of a person is in it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from app.background.worker import PortalJob, PortalWorker
from jobs import queues
from tests.support.fixtures import weak_hash


class Collector(ThreadingHTTPServer):
    """Receives traces by OTLP over HTTP."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.bodies: list[tuple[str, bytes]] = []

    def spans(self) -> list[Span]:
        found = []
        for path, body in self.bodies:
            assert path == "/v1/traces"
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                found += [span for scope in resource.scope_spans for span in scope.spans]
        return found


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.server.bodies.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_arguments) -> None:
        pass


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with Collector() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def whole_traced_app(_whole_run_app, collector):
    from app import create_app
    from models.db import db

    app = create_app(
        {
            "TESTING": True,
            "WTF_CSRF_ENABLED": False,
            "TRACING": True,
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.server_port}",
        }
    )
    app.config["PROPAGATE_EXCEPTIONS"] = False
    yield app
    SQLAlchemyInstrumentor().uninstrument()
    app.extensions["tracing"].provider.shutdown()
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def traced(app, whole_traced_app, collector):
    """The portal with tracing, and no spans so far. The other app empties the database."""
    whole_traced_app.extensions["tracing"].provider.force_flush()
    collector.bodies.clear()
    return whole_traced_app


@pytest.fixture
def spans(traced, collector):
    """All spans up to now."""

    def read() -> list[Span]:
        assert traced.extensions["tracing"].provider.force_flush()
        return collector.spans()

    return read


def work(app) -> None:
    with app.app_context():
        waiting = queues.queue(queues.DEFAULT)
        worker = PortalWorker([waiting], connection=waiting.connection, job_class=PortalJob)
        worker.work(burst=True, logging_level="WARNING")


def named(spans: list[Span], name: str) -> Span:
    (found,) = [span for span in spans if span.name == name]
    return found


def attributes(span: Span) -> dict[str, object]:
    return {each.key: each.value.string_value or each.value.int_value for each in span.attributes}


def test_a_request_its_statements_and_its_job_are_one_trace(traced, spans, make):
    user = make.member(make.tenant(), "Partner Operator", email="hanako@example.jp", password=weak_hash())
    trace_id = "0af7651916cd43dd8448eb211c80319c"

    traced.test_client().post(
        "/forgotten-password/",
        data={"email": user.email},
        headers={"traceparent": f"00-{trace_id}-b7ad6b7169203331-01", "X-Request-ID": "from-the-proxy-1"},
    )
    work(traced)

    found = spans()
    request = named(found, "POST /forgotten-password/")
    job = named(found, "jobs.password_requests.answer_waiting")
    assert (request.trace_id.hex(), job.trace_id.hex()) == (trace_id, trace_id)
    parents = {span.span_id: span.parent_span_id for span in found}
    above = job.span_id
    while above != request.span_id:
        above = parents[above]
    assert attributes(request)["http.route"] == "/forgotten-password/"
    assert attributes(job) == {
        "job.name": "jobs.password_requests.answer_waiting",
        "job.queue": "default",
        "request.id": "from-the-proxy-1",
    }
    statements = [str(attributes(span).get("db.statement", "")) for span in found if span.parent_span_id == job.span_id]
    assert any("password_request" in statement for statement in statements)


def test_nothing_of_a_person_is_in_a_trace(traced, spans, collector, make):
    tenant = make.tenant()
    user = make.member(tenant, "Partner Operator", email="hanako@example.jp", last_name="山田", password=weak_hash())
    client = traced.test_client()
    client.post("/login/", data={"email": user.email, "password": "secret-of-hanako"}, headers={"User-Agent": "hanako"})
    client.get("/customers/?name=hanako&phone=0312345678", environ_base={"REMOTE_ADDR": "192.0.2.77"})
    client.get("/nothing/hanako?name=hanako", headers={"baggage": "user=hanako", "X-Forwarded-For": "192.0.2.77"})
    make.customer(tenant=tenant, name="かもめ工業 hanako")
    work(traced)

    found = spans()
    sent = b"".join(body for _, body in collector.bodies)

    assert {"POST /login/", "GET /customers/", "GET"} <= {span.name for span in found}
    for value in ("hanako", "山田", "0312345678", "192.0.2.77", "かもめ"):
        assert value.encode() not in sent, value


def test_a_failed_job_is_marked_without_its_message(traced, spans, collector, monkeypatch):
    def fails(*_arguments, **_values):
        raise LookupError("hanako@example.jp")

    monkeypatch.setattr("models.mail.sending.MailClaim.claim", fails)
    with traced.app_context():
        queues.enqueue(queues.DEFAULT, "jobs.mail.send_due")
    work(traced)

    job = named(spans(), "jobs.mail.send_due")

    assert (job.status.code, job.status.message, list(job.events)) == (Status.STATUS_CODE_ERROR, "", [])
    assert b"hanako" not in b"".join(body for _, body in collector.bodies)


def test_a_client_cannot_switch_the_trace_of_its_request_off(traced, spans):
    header = "00-0af7651916cd43dd8448eb211c80319d-b7ad6b7169203331-00"
    traced.test_client().get("/login/", headers={"traceparent": header})

    assert named(spans(), "GET /login/").trace_id.hex() == header.split("-")[1]


def test_health_checks_and_polls_are_not_traced(traced, spans):
    for path in ("/healthz", "/readyz", "/metrics"):
        traced.test_client().get(path)
    work(traced)
    assert spans() == []

    # A search for these words is traced.
    traced.test_client().get("/login/?next=/metrics")
    assert [span.name for span in spans() if span.parent_span_id == b""] == ["GET /login/"]


@pytest.mark.parametrize(
    ("env", "on"),
    [({}, False), ({"TRACING": "1"}, True), ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318/"}, True)],
)
def test_tracing_is_a_setting(service_env, env, on):
    import config

    settings = config.load(service_env | env)

    assert settings["TRACING"] is on
    assert settings["OTEL_EXPORTER_OTLP_ENDPOINT"] in {"http://localhost:4318", "http://collector:4318"}


def test_a_collector_that_is_no_url_stops_the_start(service_env):
    import config

    with pytest.raises(config.SettingError, match="OTEL_EXPORTER_OTLP_ENDPOINT must be a URL"):
        config.load(service_env | {"OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4318"})
