"""The calls of the customers' portal: one transaction each; what changes something takes effect once per key or version."""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Response, g, jsonify, request
from flask_babel import force_locale
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import scope
from models.actor import Actor
from models.customers.customer import Customer
from models.errors import Conflict, DomainError, Gone
from models.portal_users.portal_user import PortalUser
from models.tenants import idempotency
from models.tenants.api_token import Caller
from views.api.json_body import json_object
from views.api.problem import CallRefused, FieldError
from views.forms.errors import message_of

ACTING_USER = "X-Portal-User"
KEY = "Idempotency-Key"

_KEY = re.compile(rf"[!-~]{{1,{idempotency.KEY_LENGTH}}}")
_CUSTOMER_ID = re.compile(r"A[0-9]{8}")
_USER_ID = re.compile(r"[A-Z]{2}[0-9]{6}")


@dataclass(frozen=True, slots=True)
class Call:
    """A call.

    :ivar session: a session of the tenant, in a transaction.
    :ivar body: the JSON object that was sent.
    """

    session: Session
    body: dict[str, Any]

    def customer(self, customer_id: str) -> Customer:
        """Return a customer of the tenant.

        :raises CallRefused: there is none, or it was deleted.
        """
        row = self.session.get(Customer, customer_id) if _CUSTOMER_ID.fullmatch(customer_id) else None
        if row is None or row.deleted_at is not None:
            raise CallRefused(404, "There is no such customer.")
        return row

    def portal_user(self, user_id: str) -> PortalUser:
        """Return a portal user of the tenant.

        :raises CallRefused: there is none, or it was deleted.
        """
        user = _user(self.session, user_id)
        if user is None:
            raise CallRefused(404, "There is no such portal user.")
        return user

    def may_read(self, customer_id: str) -> None:
        """Check the acting person of a call that only reads, which need not name one.

        :raises CallRefused: the person is not one of the customer.
        """
        if request.headers.get(ACTING_USER) is not None:
            self.actor(customer_id)

    def actor(self, customer_id: str, user: PortalUser | None = None) -> Actor:
        """Return the acting person, whom the header names, for the audit log.

        :param customer_id: the customer that the person must belong to.
        :param user: the person without the header; None if the header is required.
        :raises CallRefused: the header is missing, or the person is not one of the customer.
        """
        named = request.headers.get(ACTING_USER)
        if named is None and user is None:
            raise CallRefused(
                400, "A header is missing.", errors=[FieldError(ACTING_USER, "The ID of the acting portal user.")]
            )
        acting = user if named is None else _user(self.session, named)
        if acting is None or acting.customer_id != customer_id:
            detail = "The customer has no such portal user."
            raise CallRefused(404, "There is no such portal user.", errors=[FieldError(ACTING_USER, detail)])
        return Actor(f"portal user {acting.id}", address=request.remote_addr, request_id=g.get("request_id"))


def _user(session: Session, user_id: str) -> PortalUser | None:
    if not _USER_ID.fullmatch(user_id):
        return None
    return session.scalar(select(PortalUser).where(PortalUser.id == user_id, PortalUser.deleted_at.is_(None)))


def changes_once(
    method: Callable[..., tuple[int, Mapping[str, Any]]],
) -> Callable[..., Response]:
    """Run a method in one transaction, with a ``Call`` and the arguments of the URL. It returns status and response.

    A second call with the same key and content gets the response of the first and changes nothing. What is refused is
    rolled back with its key, so that it can be sent again when the reason is gone.
    """

    @functools.wraps(method)
    def run(self: Any, caller: Caller, **arguments: str) -> Response:
        return _answered(lambda: _run(method, self, caller, arguments))

    return run


def in_transaction(method: Callable[..., Response]) -> Callable[..., Response]:
    """Run a method that needs no key in one transaction, with a ``Call`` and the arguments of the URL.

    It reads, or changes what the caller names a version of, so that a repetition changes nothing more.
    """

    @functools.wraps(method)
    def run(self: Any, caller: Caller, **arguments: str) -> Response:
        def answer() -> Response:
            body = json_object() if request.method == "PATCH" else {}
            with scope.tenant_session(caller.tenant_id) as session, session.begin():
                return method(self, Call(session, body), **arguments)

        return _answered(answer)

    return run


def _answered(answer: Callable[[], Response]) -> Response:
    """Return the response of a call, or the reason why it is refused."""
    # The API speaks English, whatever the language of the sender's browser.
    with force_locale("en"):
        try:
            return answer()
        except CallRefused as refused:
            return refused.response()
        except DomainError as error:
            return _refused(error).response()
        except Conflict:
            return CallRefused(
                412, "It was changed in the meantime.", "Read it again, and send the change again."
            ).response()
        except Gone:
            return CallRefused(404, "It was deleted in the meantime.").response()


def _run(method: Callable[..., Any], api: Any, caller: Caller, arguments: Mapping[str, str]) -> Response:
    key, body = _key(), json_object()
    with scope.tenant_session(caller.tenant_id) as session, session.begin():
        row, first = idempotency.claim(session, caller.token_id, key, request_hash=_request_hash())
        if not first:
            if row.request_hash != _request_hash():
                raise CallRefused(
                    422,
                    "The key was used for another request.",
                    errors=[FieldError(KEY, "A key belongs to one request. Send another request with a new key.")],
                )
            return _response(row.status, row.body)
        status, told = method(api, Call(session, body), **arguments)
        row.status, row.body = status, dict(told)
    return _response(status, told)


def _response(status: int | None, body: Any) -> Response:
    response = jsonify(body)
    response.status_code = status or 200
    return response


def _key() -> str:
    key = request.headers.get(KEY, "")
    if not _KEY.fullmatch(key):
        detail = f"1 to {idempotency.KEY_LENGTH} visible ASCII characters, new for each request."
        raise CallRefused(400, "A header is missing or wrong.", errors=[FieldError(KEY, detail)])
    return key


def _request_hash() -> str:
    facts = (request.method, request.path, request.headers.get(ACTING_USER, ""), request.get_data(cache=True))
    return hashlib.sha256(repr(facts).encode()).hexdigest()


def _refused(error: DomainError) -> CallRefused:
    message = message_of(error)
    if error.field is None:
        return CallRefused(409, "This is not possible at present.", message)
    return CallRefused(422, "The body has errors.", errors=[FieldError(error.field, message)])
