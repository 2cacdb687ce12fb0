"""Who does something, as rules and the audit log know it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Actor:
    """The person or part of the system behind a change.

    :param name: an e-mail address for people, a word such as ``system`` or ``utm a1b2c3d4e5f6`` for the rest.
    :param user_id: the user's key, None when it is nobody who signs in.
    :param address: the network address the request came from, None outside requests.
    :param request_id: ties the audit row to the log lines of its request, None outside requests.
    """

    name: str
    user_id: int | None = None
    address: str | None = None
    request_id: str | None = None


SYSTEM = Actor("system")
"""What happens by itself."""

COMMAND_LINE = Actor("command line")
"""A person at the server's command line."""
