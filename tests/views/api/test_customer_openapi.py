"""The API for the customers' portal against its description, with generated requests: valid ones and invalid ones."""

from __future__ import annotations

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import (
    content_type_conformance,
    not_a_server_error,
    response_schema_conformance,
    status_code_conformance,
)
from schemathesis.specs.openapi.checks import negative_data_rejection

from models import clock

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
OPERATIONS = [
    "GET /customers/{customer_id}/utms",
    "GET /tenant",
    "GET /utms/{utm_id}",
    "PATCH /utms/{utm_id}",
    "POST /customers/{customer_id}/utm-applications",
    "POST /portal-users/{portal_user_id}/password-reset",
    "POST /portal-users/{portal_user_id}/password-set",
    "POST /portal-users/{portal_user_id}/sign-ins",
    "POST /sign-ups/verify",
]


@pytest.fixture
def operations(app):
    schema = schemathesis.openapi.from_wsgi("/api/customer/v1/openapi.json", app)
    return {operation.label: operation for operation in (found.ok() for found in schema.get_all_operations())}


def test_every_operation_is_tried(operations):
    assert sorted(operations) == OPERATIONS


# Nothing can be wrong with a request that has neither arguments nor a body.
@pytest.mark.parametrize(
    ("label", "mode"),
    [(label, mode) for label in OPERATIONS for mode in GenerationMode if label != "GET /tenant" or mode.is_positive],
)
def test_responses_are_as_described(make, operations, token, tenant, label, mode):
    user = make.portal_user(customer_row=make.customer(tenant=tenant), signed_up_at=clock.utc_now())
    utm = make.utm(customer_row=user.customer)
    ours = {"customer_id": user.customer_id, "portal_user_id": user.id, "utm_id": utm.utm_id}
    statuses = set()

    @settings(max_examples=10, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(operations[label].as_strategy(generation_mode=mode))
    def call(case):
        if mode is GenerationMode.POSITIVE:
            # Otherwise nearly every call would be about somebody unknown.
            case.path_parameters = {name: ours[name] for name in case.path_parameters or {}}
            if "X-Portal-User" in (case.headers or {}):
                case.headers["X-Portal-User"] = user.id
            if "If-Match" in (case.headers or {}):
                case.headers["If-Match"] = '"1"'
        response = case.call_and_validate(headers={"Authorization": f"Bearer {token}"}, checks=CHECKS)
        statuses.add(response.status_code)

    call()

    if mode is GenerationMode.NEGATIVE:
        assert all(400 <= status < 500 for status in statuses)
    elif label != "POST /sign-ups/verify":  # no made-up token is known
        assert any(200 <= status < 300 for status in statuses)
