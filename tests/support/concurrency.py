"""Run the same act in many transactions at the same moment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from models.errors import Conflict, DomainError

MANY = 16


def outcomes(engine: Engine, scope: str, act: Callable[[Session, int], object]) -> Counter[str]:
    """Return how often each outcome was: ``done``, ``conflict``, or the message of the rule that refused.

    Whatever else is raised, such as a deadlock, is raised here too.

    :param scope: the tenant, or ``*`` for all.
    :param act: is called with a session and a number below ``MANY``.
    """
    together = Barrier(MANY)

    def one(number: int) -> str:
        together.wait(timeout=30)
        with Session(engine, info={"tenant_scope": scope}) as session:
            try:
                act(session, number)
                session.commit()
            except DomainError as error:
                return error.message
            except Conflict:
                return "conflict"
        return "done"

    with ThreadPoolExecutor(MANY) as pool:
        return Counter(pool.map(one, range(MANY)))
