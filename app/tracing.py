"""Traces of requests and their jobs for OpenTelemetry, if ``TRACING`` is on (docs/monitoring.md).

A trace contains the request, its SQL statements and Redis commands without values, and the jobs that it enqueued. This
module needs the packages of ``requirements-tracing.txt`` and is imported only then.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from flask import Flask
from opentelemetry import propagate, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.flask import FlaskInstrumentor
from opentelemetry.instrumentation.redis import RedisInstrumentor
from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import Decision, ParentBased, Sampler, SamplingResult
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from app.database.engines import engines
from jobs import queues
from models import request_id

EXPORTED = frozenset(
    {
        "http.method",
        "http.request.method",
        "http.route",
        "http.scheme",
        "http.status_code",
        "http.response.status_code",
        "db.name",
        "db.statement",
        "db.system",
        "job.name",
        "job.queue",
        "request.id",
    }
)
"""The attributes that leave the portal. Others have URLs with search conditions, or the address of the client."""


_UNTRACED = r"^[^?]*/(healthz|readyz|metrics)(\?|$)"


class Tracing:
    """The tracing of an app.

    :ivar provider: of all its spans.
    """

    def __init__(self, exporter: SpanExporter) -> None:
        default = {} if "OTEL_SERVICE_NAME" in os.environ else {"service.name": "portal"}
        root = _RequestsAndJobs()
        # Whether a request is traced is not for the client to decide.
        sampler = ParentBased(root, remote_parent_not_sampled=root)
        self.provider = TracerProvider(resource=Resource.create(default), sampler=sampler)
        self.provider.add_span_processor(BatchSpanProcessor(_WithoutValues(exporter)))
        self._tracer = self.provider.get_tracer("portal")
        self._propagator = TraceContextTextMapPropagator()

    def carry(self) -> dict[str, str]:
        """Return what a job needs in order to go on with the current trace."""
        headers: dict[str, str] = {}
        self._propagator.inject(headers)
        return headers

    @contextmanager
    def job(self, name: str, queue: str, meta: Mapping[str, Any]) -> Iterator[None]:
        """Trace a job as part of the request that enqueued it.

        :param name: its dotted path.
        :param meta: of the job, with what ``carry`` returned.
        """
        facts = {"job.name": name, "job.queue": queue, "request.id": request_id.current() or ""}
        context = self._propagator.extract(meta.get(queues.TRACE) or {})
        with self._tracer.start_as_current_span(name, context, SpanKind.CONSUMER, attributes=facts):
            yield

    def record_failure(self) -> None:
        """Mark the span of the current job as failed."""
        trace.get_current_span().set_status(Status(StatusCode.ERROR))


class _RequestsAndJobs(Sampler):
    """Starts traces only with requests and jobs, not with each poll of a queue."""

    def should_sample(
        self, parent_context: Any, trace_id: int, name: str, kind: SpanKind | None = None, *_more: Any, **_others: Any
    ) -> SamplingResult:
        wanted = kind in {SpanKind.SERVER, SpanKind.CONSUMER}
        return SamplingResult(Decision.RECORD_AND_SAMPLE if wanted else Decision.DROP)

    def get_description(self) -> str:
        return "requests and jobs"


class _WithoutValues(SpanExporter):
    """Exports spans with the allowed attributes only. Events and descriptions contain messages of exceptions."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return self._exporter.export([_without_values(span) for span in spans])

    def shutdown(self) -> None:
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._exporter.force_flush(timeout_millis)


def _without_values(span: ReadableSpan) -> ReadableSpan:
    found = span.attributes or {}
    # Of a request without a route, the name has the path.
    unknown = span.kind == SpanKind.SERVER and "http.route" not in found
    return ReadableSpan(
        name=str(found.get("http.method", "HTTP")) if unknown else span.name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes={name: value for name, value in found.items() if name in EXPORTED},
        kind=span.kind,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def init_app(app: Flask) -> None:
    """Trace requests. Call it before other hooks, which run in the order in which they are registered."""
    # The header "baggage" of clients is not passed on.
    propagate.set_global_textmap(TraceContextTextMapPropagator())
    tracing = Tracing(OTLPSpanExporter(endpoint=f"{app.config['OTEL_EXPORTER_OTLP_ENDPOINT']}/v1/traces"))
    app.extensions["tracing"] = tracing
    FlaskInstrumentor().instrument_app(app, tracer_provider=tracing.provider, excluded_urls=_UNTRACED)


def trace_services(app: Flask) -> None:
    """Trace SQL statements and Redis commands. Call it when both are set up."""
    provider = app.extensions["tracing"].provider
    with app.app_context():
        # The package names SQLAlchemy below 2.1 as tested; the events that it uses are the same in 2.1.
        SQLAlchemyInstrumentor().instrument(
            engines=[*engines(app).values()], tracer_provider=provider, skip_dep_check=True
        )
    RedisInstrumentor().instrument_client(app.extensions["redis"], tracer_provider=provider)
    app.before_request(_note_request_id)


def _note_request_id() -> None:
    trace.get_current_span().set_attribute("request.id", request_id.current() or "")
