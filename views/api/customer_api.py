"""The API for the customers' portal, an external system. Each token gives access to a single tenant."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from flask import Response, jsonify
from flask_appbuilder.api import BaseApi, expose

from models import clock, scope
from models.tenants import api_token
from models.tenants import link as portal_link
from models.tenants import settings as tenant_settings
from models.tenants.api_token import Caller
from models.tenants.tenant import Tenant
from views.api.bearer import CallerLimits, unauthorized
from views.api.bearer import caller as caller_of_request
from views.api.customer_openapi import DESCRIPTION


def require_tenant_token(call: Callable[..., Any]) -> Callable[..., Any]:
    """Require an active bearer token: pass its caller to the method, or respond with 401."""

    @functools.wraps(call)
    def checked(self: CustomerApi, *args: Any, **kwargs: Any) -> Any:
        caller = caller_of_request(_caller)
        if caller is None:
            return unauthorized()
        return call(self, caller, *args, **kwargs)

    return checked


class CustomerApi(BaseApi):
    """The endpoints for the customers' portal."""

    route_base = "/api/customer/v1"
    class_permission_name = "CustomerApi"
    # No cookie is read here, so cross-site requests cannot use a session.
    csrf_exempt = True

    @expose("/tenant", methods=["GET"])
    @require_tenant_token
    def tenant(self, caller: Caller) -> Response:
        """Return what the tenant shows its customers (§5.4.1)."""
        with scope.tenant_session(caller.tenant_id) as session:
            tenant = session.get_one(Tenant, caller.tenant_id)
            settings = tenant_settings.of_tenant(session)
            links = portal_link.listed(session)
            return jsonify(
                id=tenant.id,
                name=tenant.name,
                utm_applications=settings.utm_applications,
                links=[
                    {
                        "name": link.name,
                        "url": link.url,
                        "description": link.description,
                        "posted_on": link.posted_on.isoformat(),
                    }
                    for link in links
                ],
            )

    @expose("/openapi.json", methods=["GET"])
    def openapi(self) -> Response:
        """Return the OpenAPI description of this API."""
        return jsonify(DESCRIPTION)


def _caller(token: str) -> Caller | None:
    now = clock.utc_now()
    with scope.all_tenants("a token of the customers' portal names its tenant") as session:
        found = api_token.caller_of(session, token, now=now)
    if found is None:
        return None
    caller, worth_noting = found
    if worth_noting:
        with scope.tenant_session(caller.tenant_id) as session, session.begin():
            api_token.note_use(session, caller, now=now)
    return caller


LIMITS = CallerLimits(_caller)
