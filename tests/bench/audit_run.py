"""A process that changes customers with 4 writers at once: ``python -m tests.bench.audit_run 0``.

For each line of input, a number of changes for each writer, it answers when all of them are made. Each change is a
transaction of its own with an audit entry, and each writer has a customer of its own in the same tenant. The argument is
the number of the process: each changes other customers.
"""

from __future__ import annotations

import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from sqlalchemy import Engine, create_engine, select
from sqlalchemy.orm import Session

from app import create_app
from models.actor import SYSTEM
from models.customers import rules
from models.customers.customer import Customer

WRITERS = 4


def main() -> None:
    """Answer each line."""
    answers = sys.stdout
    sys.stdout = sys.stderr
    create_app()
    engine = create_engine(os.environ["DATABASE_URL"], pool_size=WRITERS, native_inet_types=False)
    with _session(engine) as session:
        mine = select(Customer.id).order_by(Customer.id).offset(int(sys.argv[1]) * WRITERS)
        customers = session.scalars(mine.limit(WRITERS)).all()
    with ThreadPoolExecutor(WRITERS) as pool:
        for line in sys.stdin:
            list(pool.map(partial(_change, engine, int(line)), customers))
            print("done", file=answers, flush=True)


def _change(engine: Engine, changes: int, customer_id: str) -> None:
    for number in range(changes):
        with _session(engine) as session:
            customer = session.get_one(Customer, customer_id)
            memo = f"{time.time_ns()} {number}"
            rules.change(session, customer, {"memo1": memo}, version=customer.version, by=SYSTEM)
            session.commit()


def _session(engine: Engine) -> Session:
    return Session(engine, info={"tenant_scope": os.environ["BENCH_TENANT"]})


if __name__ == "__main__":
    main()
