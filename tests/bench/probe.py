"""A process that answers how long one request takes: ``python -m tests.bench.probe portal`` or ``stock``.

Two of them are asked in turn, so that a machine with other things to do is as busy for the one as for the other. They
are processes because stock Flask-AppBuilder and the portal give the same tables different classes.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, event

_seconds_of_statements = []


@event.listens_for(Engine, "before_cursor_execute")
def _begin(*_args: Any) -> None:
    _seconds_of_statements.append(-time.perf_counter())


@event.listens_for(Engine, "after_cursor_execute")
def _end(*_args: Any) -> None:
    _seconds_of_statements[-1] += time.perf_counter()


def main() -> None:
    """Say the session's cookie, then answer a JSON line for each JSON line: the path to ask for, whether its text is wanted."""
    answers = sys.stdout
    sys.stdout = sys.stderr
    logging.disable(logging.WARNING)
    client = _portal() if sys.argv[1] == "portal" else _stock()
    cookie = client.get_cookie(client.application.config["SESSION_COOKIE_NAME"])
    print(json.dumps({"cookie": f"{cookie.key}={cookie.value}"}), file=answers, flush=True)
    for line in sys.stdin:
        print(json.dumps(_ask(client, **json.loads(line))), file=answers, flush=True)


def _ask(client: FlaskClient, path: str, *, text: bool) -> dict[str, Any]:
    _seconds_of_statements.clear()
    began = time.perf_counter()
    response = client.get(path)
    took = time.perf_counter() - began
    return {
        "ms": took * 1000,
        "statements": len(_seconds_of_statements),
        "sql_ms": sum(_seconds_of_statements) * 1000,
        # The first one is the same for every page: it reads the user and sets the tenant.
        "page_sql_ms": sum(_seconds_of_statements[1:]) * 1000,
        "status": response.status_code,
        "rows": response.text.count("<tr"),
        "text": response.text if text else "",
    }


def _portal() -> FlaskClient:
    from app import create_app
    from models import clock
    from models.accounts import user_session
    from models.accounts.user import find_by_email
    from models.db import db

    app = create_app()
    with app.app_context():
        user = find_by_email(db.session(), os.environ["BENCH_EMAIL"])
        key = user_session.start(db.session(), user.id, now=clock.utc_now())
        db.session.commit()
    return _signed_in(app, key, tenant_id=os.environ["BENCH_TENANT"])


def _stock() -> FlaskClient:
    from tests.bench import stock

    app = stock.create_app()
    with app.app_context():
        key = app.appbuilder.sm.find_user(username=stock.USER).get_id()
    return _signed_in(app, key)


def _signed_in(app: Flask, key: str, **more: str) -> FlaskClient:
    client = app.test_client()
    with client.session_transaction() as session:
        session.update({"_user_id": key, "_fresh": True, "_id": None, **more})
    # The first page adds the token against CSRF to the cookie.
    client.get("/")
    return client


if __name__ == "__main__":
    main()
