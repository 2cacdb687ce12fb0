"""``/metrics`` for Prometheus: what this web server counted, and figures of the whole service (docs/monitoring.md)."""

from __future__ import annotations

import ipaddress
import os
from typing import Final

from flask import Blueprint, Response, abort, current_app, request
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.multiprocess import MultiProcessCollector

from views.metrics import REGISTRY

blueprint = Blueprint("metrics", __name__)

UNREPORTED: Final = "portal.client_unreported"
"""The key in the WSGI environment of requests for which the proxies of ``PROXY_COUNT`` have reported no valid client: with the
X-Forwarded-For that they sent. The IP address of such a request is that of a proxy, or of a client that is not behind one."""

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
    forwarded = request.environ.get(UNREPORTED)
    if forwarded or (forwarded is not None and address.is_loopback):
        # A proxy has passed the request on, or may have: a proxy on this machine that does not say for whom it asks cannot be
        # told from a client on it.
        return False
    return any(address in network for network in current_app.config["METRICS_NETWORKS"])


def _counted() -> CollectorRegistry:
    """Return the counters of all processes of the web server, or of this one if it is the only one."""
    if _FOLDER not in os.environ:
        return REGISTRY
    registry = CollectorRegistry()
    MultiProcessCollector(registry)
    return registry
