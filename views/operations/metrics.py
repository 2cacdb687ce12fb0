"""``/metrics`` for Prometheus: what this web server counted, and figures of the whole service (docs/monitoring.md)."""

from __future__ import annotations

import ipaddress
import os

from flask import Blueprint, Response, abort, current_app, request
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.multiprocess import MultiProcessCollector

from views.metrics import REGISTRY

blueprint = Blueprint("metrics", __name__)

_FOLDER = "PROMETHEUS_MULTIPROC_DIR"


@blueprint.get("/metrics")
def show() -> Response:
    """Return all metrics to clients in ``METRICS_NETWORKS``; 404 to all others."""
    if not _may_read():
        abort(404)
    service = CollectorRegistry()
    service.register(current_app.extensions["service_metrics"])
    return Response(generate_latest(_counted()) + generate_latest(service), content_type=CONTENT_TYPE_LATEST)


def _may_read() -> bool:
    if not current_app.config["PROXY_COUNT"] and (
        "X-Forwarded-For" in request.headers or "Forwarded" in request.headers
    ):
        # From a proxy on this machine that the settings do not mention: the client is somebody else.
        return False
    try:
        address = ipaddress.ip_address(request.remote_addr or "")
    except ValueError:
        return False
    return any(address in network for network in current_app.config["METRICS_NETWORKS"])


def _counted() -> CollectorRegistry:
    """Return the counters of all processes of the web server, or of this one if it is the only one."""
    if _FOLDER not in os.environ:
        return REGISTRY
    registry = CollectorRegistry()
    MultiProcessCollector(registry)
    return registry
