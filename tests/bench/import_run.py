"""A process that imports files of customers: ``python -m tests.bench.import_run``.

For each line of input, a JSON object, it answers a JSON line with the milliseconds that it took: ``check`` uploads the
file of that path and answers the key of the import, ``run`` and ``undo`` start and run the import of that key.
"""

from __future__ import annotations

import io
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import select

from app import create_app
from jobs import imports
from models import clock
from models.accounts import user_session
from models.accounts.user import find_by_email
from models.db import db
from models.imports.import_run import AT_WORK, ImportRun
from models.scope import tenant_session

_TENANT = os.environ["BENCH_TENANT"]


def main() -> None:
    """Answer each line."""
    answers = sys.stdout
    sys.stdout = sys.stderr
    app = create_app()
    app.config["WTF_CSRF_ENABLED"] = False
    with app.app_context():
        user = find_by_email(db.session(), os.environ["BENCH_EMAIL"])
        session_key = user_session.start(db.session(), user.id, now=clock.utc_now())
        db.session.commit()
    client = app.test_client()
    with client.session_transaction() as session:
        session.update({"_user_id": session_key, "_fresh": True, "_id": None, "tenant_id": _TENANT})
    for line in sys.stdin:
        print(json.dumps(_answer(client, json.loads(line))), file=answers, flush=True)


def _answer(client: FlaskClient, asked: dict[str, Any]) -> dict[str, Any]:
    if "check" in asked:
        return _check(client, Path(asked["check"]).read_bytes())
    (what, key), *_ = asked.items()
    return {"ms": _work(client, key, "start" if what == "run" else "undo")}


def _check(client: FlaskClient, data: bytes) -> dict[str, Any]:
    began = time.perf_counter()
    answer = client.post("/customers/import/", data={"file": (io.BytesIO(data), "bench.csv")})
    took = (time.perf_counter() - began) * 1000
    if answer.status_code != 302:
        raise RuntimeError(f"The file has errors: {answer.text}")
    return {"ms": took, "key": int(answer.location.rpartition("/")[2])}


def _work(client: FlaskClient, key: int, what: str) -> float:
    began = time.perf_counter()
    client.post(f"/customers/import/{key}/{what}")
    with client.application.app_context():
        while _at_work(key):
            imports.run_waiting()
    return (time.perf_counter() - began) * 1000


def _at_work(key: int) -> bool:
    with tenant_session(_TENANT) as session:
        return session.scalar(select(ImportRun.state).where(ImportRun.id == key)) in AT_WORK


if __name__ == "__main__":
    main()
