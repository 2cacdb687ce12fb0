"""The API for the customers' portal, an external system. Each token gives access to a single tenant."""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import datetime
from typing import Any

from flask import Response, current_app, jsonify
from flask_appbuilder.api import BaseApi, expose

from models import clock, scope
from models.applications import utm_rules
from models.customers.customer import Customer
from models.portal_users import rules as portal_user_rules
from models.portal_users.portal_user import PortalUser
from models.portal_users.rules import PortalUserChange
from models.tenants import api_token
from models.tenants import link as portal_link
from models.tenants import settings as tenant_settings
from models.tenants.api_token import Caller
from models.tenants.tenant import Tenant
from models.utms import rules as utm_changes
from views.api.bearer import CallerLimits, unauthorized
from views.api.bearer import caller as caller_of_request
from views.api.customer_openapi import DESCRIPTION
from views.api.deliveries import read_application
from views.api.json_body import Members
from views.api.openapi import described
from views.api.problem import CallRefused
from views.api.utm_calls import listed_utms, read_change, response_of, shown, utm_of, version_sent
from views.api.writing_call import Call, changes_once, in_transaction
from views.portal_users.links import portal_user_url

TOKEN_LENGTH = 100
"""More than a token of a link has."""

_WAYS = {"mail": False, "sms": True}


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

    @expose("/customers/<string:customer_id>/utms", methods=["GET"])
    @require_tenant_token
    @in_transaction
    def utms(self, call: Call, customer_id: str) -> Response:
        """Return the UTMs of a customer (§7.4.5)."""
        customer = call.customer(customer_id)
        call.may_read(customer.id)
        return jsonify(utms=[shown(utm) for utm in listed_utms(call.session, customer.id)])

    @expose("/utms/<string:utm_id>", methods=["GET"])
    @require_tenant_token
    @in_transaction
    def utm(self, call: Call, utm_id: str) -> Response:
        """Return a UTM (§7.11), with its version as its ETag."""
        utm = utm_of(call.session, utm_id)
        call.may_read(utm.customer_id)
        return response_of(utm)

    @expose("/utms/<string:utm_id>", methods=["PATCH"])
    @require_tenant_token
    @in_transaction
    def change_utm(self, call: Call, utm_id: str) -> Response:
        """Change what customers may change of a UTM (§7.9), if it is still as they last read it."""
        utm = utm_of(call.session, utm_id)
        by = call.actor(utm.customer_id)
        version, values = version_sent(), read_change(call.body)
        utm_changes.change(call.session, utm, values, version=version, by=by)
        call.session.flush()
        return response_of(utm)

    @expose("/customers/<string:customer_id>/utm-applications", methods=["POST"])
    @require_tenant_token
    @changes_once
    def apply_for_utms(self, call: Call, customer_id: str) -> tuple[int, dict[str, Any]]:
        """Receive a customer's application for more UTMs (§8.3)."""
        customer = call.customer(customer_id)
        by = call.actor(customer.id)
        entered = read_application(call.body)
        portal_url = current_app.config["PORTAL_URL"]
        now = clock.utc_now()
        made = utm_rules.receive(call.session, customer, entered, now=now, by=by, portal_url=portal_url)
        return 201, {
            "id": made.id,
            "state": made.state,
            "utm_count": made.utm_count,
            "applied_at": _time(made.applied_at),
        }

    @expose("/sign-ups/verify", methods=["POST"])
    @require_tenant_token
    @changes_once
    def verify_link(self, call: Call) -> tuple[int, dict[str, Any]]:
        """Return whom a mailed link is for, once; it may be one to sign up or one to reset a password."""
        members = Members(call.body)
        members.only({"token"})
        token = members.text("token", most=TOKEN_LENGTH)
        members.check()
        link = portal_user_rules.verify_link(call.session, token, now=clock.utc_now())
        if link is None:
            raise CallRefused(404, "The link is unknown, expired or used.")
        user = link.user
        return 200, {
            "purpose": link.purpose,
            "portal_user": {
                "id": user.id,
                "customer_id": user.customer_id,
                "company_name": call.session.get_one(Customer, user.customer_id).name,
                "last_name": user.last_name,
                "first_name": user.first_name,
                "email": user.email,
                "mobile": user.mobile,
            },
        }

    @expose("/portal-users/<string:portal_user_id>/password-set", methods=["POST"])
    @require_tenant_token
    @changes_once
    def note_password_set(self, call: Call, portal_user_id: str) -> tuple[int, dict[str, Any]]:
        """Record that a person has set a password: the sign-up is done, and the links mailed to them end."""
        user, by = _acting(call, portal_user_id)
        portal_user_rules.record_password_set(call.session, user, now=clock.utc_now(), by=by)
        return 200, _state(user)

    @expose("/portal-users/<string:portal_user_id>/sign-ins", methods=["POST"])
    @require_tenant_token
    @changes_once
    def note_sign_in(self, call: Call, portal_user_id: str) -> tuple[int, dict[str, Any]]:
        """Record a sign-in to the customers' portal."""
        user, _ = _acting(call, portal_user_id)
        portal_user_rules.record_sign_in(call.session, user, now=clock.utc_now())
        return 200, _state(user)

    @expose("/portal-users/<string:portal_user_id>/password-reset", methods=["POST"])
    @require_tenant_token
    @changes_once
    def reset_password(self, call: Call, portal_user_id: str) -> tuple[int, dict[str, Any]]:
        """Send a person a link to set a new password, by mail or SMS in the tenant's words."""
        user, by = _acting(call, portal_user_id, "by")
        members = Members(call.body)
        way = members.text("by")
        if way not in _WAYS and not members.errors:
            members.wrong("by", "This is neither mail nor sms.")
        members.check()
        change = PortalUserChange(clock.utc_now(), by, portal_user_url)
        portal_user_rules.reset_password(call.session, user, request=change, by_sms=_WAYS[way])
        return 202, {"id": user.id, "by": way}

    @expose("/openapi.json", methods=["GET"])
    def openapi(self) -> Response:
        """Return the OpenAPI description of this API."""
        return described(DESCRIPTION)


def _acting(call: Call, user_id: str, *members: str) -> Any:
    """Return the portal user of a call, and the actor: the person of the header or else the user.

    :param members: the members that the body may have.
    """
    user = call.portal_user(user_id)
    by = call.actor(user.customer_id, user)
    body = Members(call.body)
    body.only(members)
    body.check()
    return user, by


def _state(user: PortalUser) -> dict[str, Any]:
    return {
        "id": user.id,
        "sign_up": user.sign_up_state(now=clock.utc_now()).value,
        "signed_up_at": _time(user.signed_up_at),
        "first_sign_in_at": _time(user.first_sign_in_at),
        "last_sign_in_at": _time(user.last_sign_in_at),
    }


def _time(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment is not None else None


def _caller(token: str) -> Caller | None:
    now = clock.utc_now()
    with scope.all_tenants("a token of the customers' portal names its tenant") as session:
        found = api_token.caller_of(session, token, now=now)
    if found is None:
        return None
    caller, worth_noting = found
    if worth_noting:
        with scope.tenant_session(caller.tenant_id) as session, session.begin():
            api_token.record_use(session, caller, now=now)
    return caller


LIMITS = CallerLimits(_caller)
