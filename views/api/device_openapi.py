"""The OpenAPI 3.1 description of the device API."""

from __future__ import annotations

from typing import Any

from models.alerts.alert import SecurityFunction

_TEXT = {"type": "string"}
_LINE: dict[str, Any] = {
    "type": "object",
    "description": "One alert; the keys are the columns of the alert CSV. Unknown keys are kept.",
    "required": ["alert_id", "time", "type", "act"],
    "properties": {
        "alert_id": {"type": "string", "maxLength": 64, "examples": ["1671773662-140"]},
        "time": {"type": "string", "format": "date-time", "description": "Without a zone it is UTC."},
        "type": {"type": "string", "enum": [str(function) for function in SecurityFunction]},
        "act": {"type": "string", "maxLength": 32, "examples": ["pass", "block"]},
        "alert_severity": {"type": "string", "enum": ["high", "low"]},
        "src-ip": _TEXT,
        "src-port": {"type": "integer", "minimum": 0, "maximum": 65535},
        "dst-ip": _TEXT,
        "dst-port": {"type": "integer", "minimum": 0, "maximum": 65535},
    },
    "additionalProperties": True,
}
_RECEIPT: dict[str, Any] = {
    "type": "object",
    "required": ["utm", "received", "stored", "duplicate", "rejected_count", "rejected"],
    "properties": {
        "utm": {
            "type": "string",
            "description": "The ID of the UTM whose token it was, the same under each of its tokens.",
            "examples": ["a1b2c3d4e5f6"],
        },
        "received": {"type": "integer"},
        "stored": {"type": "integer"},
        "duplicate": {"type": "integer"},
        "rejected_count": {"type": "integer"},
        "rejected": {
            "type": "array",
            "description": "The first 1,000 refused lines.",
            "items": {
                "type": "object",
                "properties": {"line": {"type": "integer", "minimum": 1}, "reason": _TEXT},
            },
        },
    },
}


def _answers(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {
        "200": {"description": description, "content": {"application/json": {"schema": schema}}},
        "401": {"description": "No token in force."},
        "413": {"description": "The body is too large; what was read of alert lines is stored and told."},
        "429": {"description": "Too many calls; Retry-After says when to come back."},
    }


DESCRIPTION: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "Device API", "version": "1"},
    "servers": [{"url": "/api/device/v1"}],
    "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
    "security": [{"token": []}],
    "paths": {
        "/heartbeat": {
            "post": {
                "summary": "Say that the UTM is there, and ask what waits for it",
                "requestBody": {
                    "required": True,
                    "content": {
                        "application/json": {
                            "schema": {
                                "type": "object",
                                "properties": {
                                    "version": {"type": "string", "maxLength": 64},
                                    "ip": _TEXT,
                                    "mac": {
                                        "type": "string",
                                        "description": "In any notation; what cannot be read is passed over.",
                                        "examples": ["a1:b2:c3:d4:e5:f6", "A1B2.C3D4.E5F6"],
                                    },
                                },
                            }
                        }
                    },
                },
                "responses": _answers(
                    "The commands waiting, and the seconds until the next call.",
                    {
                        "type": "object",
                        "properties": {
                            "commands": {"type": "array", "items": {"type": "object"}},
                            "next_seconds": {"type": "integer"},
                        },
                    },
                )
                | {"400": {"description": "Not a JSON object, or one of its values cannot be one."}},
            }
        },
        "/alerts": {
            "post": {
                "summary": "Send alerts, one JSON object a line: up to 10,000 lines and 16 MiB, gzip allowed",
                "description": "An empty body stores nothing and is answered too: it asks which UTM the token is of.",
                "requestBody": {"required": True, "content": {"application/x-ndjson": {"schema": _LINE}}},
                "responses": _answers("What became of the lines.", _RECEIPT)
                | {
                    "400": {
                        "description": "The body is a JSON array, of which nothing is stored, or it is not chunked as"
                        " HTTP says; what was read before is then stored and told."
                    },
                    "415": {"description": "The body is packed in another way than by gzip; nothing of it was read."},
                },
            }
        },
    },
}
