"""The OpenAPI 3.1 description of the API for the customers' portal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from models.applications.delivery import MAX_DELIVERIES, MAX_UTMS
from models.portal_users.portal_user import LinkPurpose, SignUpState
from models.tenants.idempotency import KEY_LENGTH
from models.tenants.link import DESCRIPTION_LENGTH, NAME_LENGTH, URL_LENGTH
from models.tenants.tenant import NAME_LENGTH as TENANT_NAME_LENGTH
from models.utms.utm import UtmState
from models.values.prefecture import PREFECTURES
from views.api.deliveries import APPLICANT_LENGTH, OPTIONAL
from views.api.utm_calls import EMAILS

_PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "Problem details (RFC 9457).",
    "required": ["status", "title"],
    "properties": {
        "status": {"type": "integer"},
        "title": {"type": "string"},
        "detail": {"type": "string"},
        "request_id": {"type": ["string", "null"], "description": "The number to quote to support."},
        "field": {"type": "string", "description": "The first member or header that is wrong: deliveries[0].postcode."},
        "errors": {
            "type": "array",
            "description": "Every member or header that is wrong.",
            "items": {
                "type": "object",
                "required": ["field", "detail"],
                "properties": {"field": {"type": "string"}, "detail": {"type": "string"}},
            },
        },
    },
}
_LINK: dict[str, Any] = {
    "type": "object",
    "required": ["name", "url", "description", "posted_on"],
    "properties": {
        "name": {"type": "string", "maxLength": NAME_LENGTH},
        "url": {"type": "string", "format": "iri", "maxLength": URL_LENGTH, "description": "http or https."},
        "description": {"type": "string", "maxLength": DESCRIPTION_LENGTH, "description": "May have several lines."},
        "posted_on": {"type": "string", "format": "date"},
    },
}
_TENANT: dict[str, Any] = {
    "type": "object",
    "required": ["id", "name", "utm_applications", "links"],
    "properties": {
        "id": {"type": "string", "pattern": "^T[0-9]{7}$"},
        "name": {"type": "string", "maxLength": TENANT_NAME_LENGTH},
        "utm_applications": {
            "type": "boolean",
            "description": "Whether customers may ask for more UTMs: show the button for it when true.",
        },
        "links": {
            "type": "array",
            "description": "The links that the tenant shows its customers, in display order.",
            "items": {"$ref": "#/components/schemas/Link"},
        },
    },
}
_TIME = {"type": ["string", "null"], "format": "date-time"}


def _text(most: int, least: int = 1, **more: Any) -> dict[str, Any]:
    return {"type": "string", "minLength": least, "maxLength": most} | more


def _object(properties: dict[str, Any], optional: Iterable[str] = ()) -> dict[str, Any]:
    """Return the schema of an object without further members."""
    required = [name for name in properties if name not in optional]
    return {"type": "object", "required": required, "properties": properties, "additionalProperties": False}


_DELIVERY = _object(
    {
        "company": _text(40),
        "last_name": _text(100),
        "first_name": _text(100),
        "department": _text(40, 0),
        "postcode": {"type": "string", "pattern": "^[0-9]{3}-?[0-9]{4}$"},
        "prefecture": {"type": "string", "enum": list(PREFECTURES)},
        "address": _text(100, description="Without the prefecture."),
        "phone": {"type": "string", "pattern": "^[0-9-]{1,30}$", "description": "Up to 15 digits."},
        "utm_count": {"type": "integer", "minimum": 1, "maximum": MAX_UTMS},
    },
    OPTIONAL,
)
_UTM_APPLICATION = _object(
    {
        "deliveries": {
            "type": "array",
            "minItems": 1,
            "maxItems": MAX_DELIVERIES,
            "items": {"$ref": "#/components/schemas/Delivery"},
        },
        "applicant_name": _text(APPLICANT_LENGTH, 0, description="Needs applicant_email."),
        "applicant_email": _text(254, 0, description="Without it, mail goes to the customer's contact person."),
    },
    ("applicant_name", "applicant_email"),
)
_RECEIVED = _object(
    {
        "id": {"type": "string", "pattern": "^UAP-[0-9A-Z]{8}$"},
        "state": {"type": "string", "enum": ["pending"]},
        "utm_count": {"type": "integer", "minimum": 1},
        "applied_at": {"type": "string", "format": "date-time"},
    }
)
_USER_ID = {"type": "string", "pattern": "^[A-Z]{2}[0-9]{6}$"}
_CUSTOMER_ID = {"type": "string", "pattern": "^A[0-9]{8}$"}
_VERIFIED = _object(
    {
        "purpose": {"type": "string", "enum": [str(purpose) for purpose in LinkPurpose]},
        "portal_user": _object(
            {
                "id": _USER_ID,
                "customer_id": _CUSTOMER_ID,
                "company_name": {"type": "string"},
                "last_name": {"type": "string"},
                "first_name": {"type": "string"},
                "email": {"type": "string"},
                "mobile": {"type": "string", "description": "Empty if there is none."},
            }
        ),
    }
)
_USER_STATE = _object(
    {
        "id": _USER_ID,
        "sign_up": {"type": "string", "enum": [str(state) for state in SignUpState]},
        "signed_up_at": _TIME,
        "first_sign_in_at": _TIME,
        "last_sign_in_at": _TIME,
    }
)
_UTM_ID = {"type": "string", "pattern": "^[0-9a-f]{12}$"}
_POSTCODE = {"type": "string", "pattern": "^[0-9]{3}-?[0-9]{4}$"}
_REPORTED = {"type": ["string", "null"], "description": "Null while the UTM has never connected."}
_UTM = _object(
    {
        "id": _UTM_ID,
        "customer_id": _CUSTOMER_ID,
        "name": _text(50),
        "state": {"type": "string", "enum": [str(state) for state in UtmState]},
        "mac_address_entered": {"type": "boolean"},
        "last_seen_at": _TIME,
        "firmware": _REPORTED,
        "ip_address": _REPORTED,
        "serial": {"type": "string"},
        "postcode": _POSTCODE,
        "address": _text(104, description="With the prefecture."),
        **dict.fromkeys(EMAILS, _text(254, 0, description="Empty if there is none.")),
        "version": {"type": "integer", "minimum": 1, "description": "Also the ETag, in quotation marks."},
    }
)
_UTM_CHANGE = _object(
    {
        "name": _text(50),
        "postcode": _POSTCODE,
        "address": _text(104, description="With the prefecture."),
        "mac_address": {
            "type": "string",
            "pattern": "^[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}$",
            "description": "Can be entered once, and must be that of the UTM ID.",
        },
        **dict.fromkeys(EMAILS, _text(254, 0, description="Empty to remove it.")),
    },
    ("name", "postcode", "address", "mac_address", *EMAILS),
) | {"minProperties": 1, "description": "The members to change; the others stay as they are."}
_WAY = {"type": "string", "enum": ["mail", "sms"]}
_SCHEMAS = {
    "Problem": _PROBLEM,
    "Link": _LINK,
    "Tenant": _TENANT,
    "Delivery": _DELIVERY,
    "UtmApplication": _UTM_APPLICATION,
    "UtmApplicationReceived": _RECEIVED,
    "LinkToken": _object({"token": _text(100, 0)}),
    "LinkVerified": _VERIFIED,
    "Nothing": _object({}),
    "PortalUserState": _USER_STATE,
    "PasswordReset": _object({"by": _WAY}),
    "PasswordResetSent": _object({"id": _USER_ID, "by": _WAY}),
    "Utm": _UTM,
    "Utms": _object({"utms": {"type": "array", "items": {"$ref": "#/components/schemas/Utm"}}}),
    "UtmChange": _UTM_CHANGE,
}


def _refused(description: str) -> dict[str, Any]:
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {"description": description, "content": content}


def _json(schema: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}


def _answers(status: str, description: str, schema: str) -> dict[str, Any]:
    """Return the responses of a call: its success response and the common errors."""
    return {
        status: {"description": description, "content": _json(schema)},
        "401": _refused("The token is missing or not valid."),
        "429": _refused("Too many requests. Retry-After contains the seconds to wait."),
    }


def _header(name: str, schema: dict[str, Any], description: str, *, required: bool) -> dict[str, Any]:
    return {"in": "header", "name": name, "required": required, "schema": schema, "description": description}


def _in_path(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"in": "path", "name": name, "required": True, "schema": schema}


_KEY = _header(
    "Idempotency-Key",
    {"type": "string", "pattern": f"^[!-~]{{1,{KEY_LENGTH}}}$"},
    "New for each request, and the same when the request is repeated: it takes effect once, and is kept for a day.",
    required=True,
)


def _acting(*, required: bool) -> dict[str, Any]:
    description = "The acting person, who must be a portal user of the customer."
    return _header("X-Portal-User", _USER_ID, description, required=required)


def _post(summary: str, sent: str, status: str, schema: str, *parameters: dict[str, Any]) -> dict[str, Any]:
    """Return the description of a call that changes something.

    :param sent: the schema of the body; a body without members can be left out.
    :param status: the status of the success response.
    """
    return {
        "post": {
            "summary": summary,
            "parameters": [*parameters, _KEY],
            "requestBody": {"required": sent != "Nothing", "content": _json(sent)},
            "responses": _answers(status, "Done.", schema)
            | {
                "400": _refused("A header is missing, or the body is not a JSON object."),
                "404": _refused("There is no such customer, portal user or link."),
                "409": _refused("This is not possible at present."),
                "413": _refused("The body is too large."),
                "415": _refused("The content type is not application/json."),
                "422": _refused("A member of the body is wrong, or the key was used for another request."),
            },
        }
    }


def _get(summary: str, schema: str, *parameters: dict[str, Any]) -> dict[str, Any]:
    """Return the description of a call that reads."""
    responses = _answers("200", "Found.", schema) | {"404": _refused("There is no such customer, UTM or portal user.")}
    return {"get": {"summary": summary, "parameters": [*parameters, _acting(required=False)], "responses": responses}}


_VERSION = _header(
    "If-Match",
    {"type": "string", "pattern": '^"[0-9]{1,9}"$'},
    "The ETag of the UTM as it was last read: the change is refused if the UTM was changed since.",
    required=True,
)
_CHANGE_UTM: dict[str, Any] = {
    "patch": {
        "summary": "Change what customers may change of a UTM",
        "parameters": [_in_path("utm_id", _UTM_ID), _acting(required=True), _VERSION],
        "requestBody": {"required": True, "content": _json("UtmChange")},
        "responses": _answers("200", "The changed UTM.", "Utm")
        | {
            "400": _refused("A header is missing or wrong, or the body is not a JSON object."),
            "404": _refused("There is no such UTM or portal user."),
            "409": _refused("Nothing changes."),
            "412": _refused("The UTM was changed since it was last read."),
            "413": _refused("The body is too large."),
            "415": _refused("The content type is not application/json."),
            "422": _refused("A member of the body is wrong."),
            "428": _refused("If-Match is missing."),
        },
    }
}
_OF_USER = (_in_path("portal_user_id", _USER_ID), _acting(required=False))

DESCRIPTION: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {
        "title": "API for the customers' portal",
        "version": "1",
        "description": "Each token belongs to one tenant and gives access only to the data of that tenant.",
    },
    "components": {
        "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        "schemas": _SCHEMAS,
    },
    "security": [{"token": []}],
    "paths": {
        "/tenant": {
            "get": {
                "summary": "The tenant, its links, and whether its customers may ask for more UTMs",
                "responses": _answers("200", "The tenant.", "Tenant"),
            }
        },
        "/customers/{customer_id}/utms": _get("The UTMs of a customer", "Utms", _in_path("customer_id", _CUSTOMER_ID)),
        "/utms/{utm_id}": _get("A UTM; the ETag is its version", "Utm", _in_path("utm_id", _UTM_ID)) | _CHANGE_UTM,
        "/customers/{customer_id}/utm-applications": _post(
            "Apply for more UTMs",
            "UtmApplication",
            "201",
            "UtmApplicationReceived",
            _in_path("customer_id", _CUSTOMER_ID),
            _acting(required=True),
        ),
        "/sign-ups/verify": _post(
            "Whom the token of a mailed link is for; each token is answered once", "LinkToken", "200", "LinkVerified"
        ),
        "/portal-users/{portal_user_id}/password-set": _post(
            "Report that a person has set a password: the sign-up is done",
            "Nothing",
            "200",
            "PortalUserState",
            *_OF_USER,
        ),
        "/portal-users/{portal_user_id}/sign-ins": _post(
            "Report that a person has signed in", "Nothing", "200", "PortalUserState", *_OF_USER
        ),
        "/portal-users/{portal_user_id}/password-reset": _post(
            "Send a person a link to set a new password", "PasswordReset", "202", "PasswordResetSent", *_OF_USER
        ),
    },
}
