"""What each web process counts for ``/metrics`` (docs/monitoring.md).

Labels have few values, which no client chooses and which say nothing about a person: the rule of a route, never a path.
"""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram

REGISTRY: Final = CollectorRegistry()
"""Of this process. With several of gunicorn's, the sum of all is read from their files (app/web/metrics_files.py)."""

UNKNOWN_ROUTE: Final = "unknown"
"""The label of requests that match no route."""

REQUESTS = Counter(
    "portal_requests",
    "Requests by route, method and class of the status.",
    ("route", "method", "status"),
    registry=REGISTRY,
)
REQUEST_SECONDS = Histogram(
    "portal_request_seconds",
    "Seconds from the arrival of a request to its response.",
    ("route",),
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
    registry=REGISTRY,
)
STATEMENTS = Histogram(
    "portal_request_sql_statements",
    "SQL statements of a request.",
    buckets=(0, 1, 2, 3, 5, 8, 13, 20, 35, 60, 100),
    registry=REGISTRY,
)
ROUTE_STATEMENTS = Counter(
    "portal_route_sql_statements", "SQL statements of all requests of a route.", ("route",), registry=REGISTRY
)
RATE_LIMITED = Counter(
    "portal_rate_limited_requests", "Requests that were refused because of a rate limit.", ("route",), registry=REGISTRY
)
SIGN_INS = Counter(
    "portal_sign_ins", "Sign-ins and failed attempts, as in the audit log.", ("outcome",), registry=REGISTRY
)
LINES = Counter(
    "portal_ingested_lines",
    "Lines that UTMs sent: alerts or statistics that were stored, duplicate or rejected.",
    ("kind", "outcome"),
    registry=REGISTRY,
)
