"""A process that asks the pages for people who are not signed in: ``python -m tests.bench.signin_run``.

For each line of input, the path of a form and the e-mail address to enter as JSON, it answers how many milliseconds the
response took. Rate limits and the lock of accounts are off.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time

from flask.testing import FlaskClient

from app import create_app


def main() -> None:
    """Answer each line."""
    answers = sys.stdout
    sys.stdout = sys.stderr
    logging.disable(logging.WARNING)
    # On the same core as other measurements: one core of a machine others use can be slower for minutes.
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    app = create_app({"WTF_CSRF_ENABLED": False, "LOCK_AFTER_FAILURES": sys.maxsize})
    app.extensions["appbuilder"].sm.limiter.enabled = False
    client = app.test_client()
    for line in sys.stdin:
        print(_ask(client, **json.loads(line)), file=answers, flush=True)


def _ask(client: FlaskClient, path: str, email: str) -> float:
    client.delete_cookie(client.application.config["SESSION_COOKIE_NAME"])
    began = time.perf_counter()
    answer = client.post(path, data={"email": email, "password": "not the password"})
    took = (time.perf_counter() - began) * 1000
    if answer.status_code not in {302, 401}:
        raise RuntimeError(f"{path} answered {answer.status_code}.")
    return took


if __name__ == "__main__":
    main()
