"""The OpenAPI 3.1 description of the API for the customers' portal."""

from __future__ import annotations

from typing import Any

from models.tenants.link import DESCRIPTION_LENGTH, NAME_LENGTH, URL_LENGTH
from models.tenants.tenant import NAME_LENGTH as TENANT_NAME_LENGTH

_PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "Problem details (RFC 9457).",
    "required": ["status", "title"],
    "properties": {
        "status": {"type": "integer"},
        "title": {"type": "string"},
        "detail": {"type": "string"},
        "request_id": {"type": ["string", "null"], "description": "The number to quote to support."},
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


def _refused(description: str) -> dict[str, Any]:
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {"description": description, "content": content}


def _answers(description: str, schema: str) -> dict[str, Any]:
    """Return the responses of a call: its success response and the common errors."""
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    return {
        "200": {"description": description, "content": content},
        "401": _refused("The token is missing or not valid."),
        "429": _refused("Too many requests. Retry-After contains the seconds to wait."),
    }


DESCRIPTION: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {
        "title": "API for the customers' portal",
        "version": "1",
        "description": "Each token belongs to one tenant and gives access only to the data of that tenant.",
    },
    "servers": [{"url": "/api/customer/v1"}],
    "components": {
        "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        "schemas": {"Problem": _PROBLEM, "Link": _LINK, "Tenant": _TENANT},
    },
    "security": [{"token": []}],
    "paths": {
        "/tenant": {
            "get": {
                "summary": "The tenant, its links, and whether its customers may ask for more UTMs",
                "responses": _answers("The tenant.", "Tenant"),
            }
        },
    },
}
