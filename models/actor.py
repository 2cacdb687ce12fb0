"""The actor behind a change, for rules and the audit log."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Actor:
    """The person or part of the system that makes a change.

    :param name: an e-mail address for people, otherwise a name such as ``system`` or ``utm a1b2c3d4e5f6``.
    :param user_id: the user's ID, None for actors that are not users.
    :param address: the IP address the request came from, None outside requests.
    :param role: the name of the role the user acts in; None for actors that are not users, and while signing in.
    :param request_id: links the audit row to the log lines of the request, None outside requests.
    """

    name: str
    user_id: int | None = None
    address: str | None = None
    role: str | None = None
    request_id: str | None = None


SYSTEM = Actor("system")
"""Automatic changes, without a person behind them."""

COMMAND_LINE = Actor("command line")
"""A person who runs a command on the server."""
