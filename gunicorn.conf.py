"""What gunicorn always does for the portal; it reads this file where it is started. The rest is said on its command line."""

from __future__ import annotations

import os
from typing import Any

from gunicorn.glogging import Logger

from app import logs
from app.web import metrics_files
from config import metrics_folder

_METRICS = "PROMETHEUS_MULTIPROC_DIR"
# Set before prometheus_client is loaded, which reads it then.
_folder = metrics_files.folder(metrics_folder(os.environ))
os.environ[_METRICS] = str(_folder)


class _JsonLogger(Logger):
    """gunicorn's log as lines of the portal's own."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        logs.configure()
        self.error_log.handlers.clear()
        self.error_log.propagate = True


logger_class = _JsonLogger
# Search conditions are addresses: the most it can be.
limit_request_line = 8190
# PROXY_COUNT alone says which proxies are believed (app/web/proxy.py). gunicorn would believe whoever calls from this machine
# or through a socket.
forwarded_allow_ips = ""
forwarder_headers = ""
secure_scheme_headers: dict[str, str] = {}


def on_starting(_server: Any) -> None:
    """Prepare the folder for the metrics of all processes."""
    if not metrics_files.prepare(_folder):
        os.environ.pop(_METRICS, None)


def post_fork(_server: Any, _worker: Any) -> None:
    """Prepare the files of this process before it loads the application."""
    if _METRICS in os.environ and not metrics_files.allocate(_folder, os.getpid()):
        os.environ.pop(_METRICS, None)


def child_exit(_server: Any, worker: Any) -> None:
    """Keep what a process has counted, and release the rest of its files."""
    metrics_files.finish(_folder, worker.pid)


def on_exit(_server: Any) -> None:
    """Remove the folder."""
    metrics_files.remove(_folder)
