"""The OpenAPI 3.1 description of the device API."""

from __future__ import annotations

from typing import Any

from models.alerts.alert import SecurityFunction
from models.alerts.threat_stat import MAX_CATEGORY
from models.alerts.threat_stat_ingest import MAX_COUNT
from models.utms.reboot import BOOT_ID_LENGTH, MESSAGE_LENGTH
from models.utms.reboot_progress import Reported

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
_STATISTIC: dict[str, Any] = {
    "type": "object",
    "description": "How many detections of a category a function had in an hour. The number sent last is kept.",
    "required": ["hour", "function", "category", "count"],
    "properties": {
        "hour": {"type": "string", "format": "date-time", "description": "A full hour. Without a zone it is UTC."},
        "function": {"type": "string", "enum": [str(function) for function in SecurityFunction]},
        "category": {"type": "string", "minLength": 1, "maxLength": MAX_CATEGORY},
        "count": {"type": "integer", "minimum": 0, "maximum": MAX_COUNT},
    },
    "additionalProperties": False,
}
_RECEIPT: dict[str, Any] = {
    "type": "object",
    "required": ["utm", "received", "stored", "duplicate", "rejected_count", "rejected"],
    "properties": {
        "utm": {
            "type": "string",
            "description": "The ID of the UTM that the token belongs to.",
            "examples": ["a1b2c3d4e5f6"],
        },
        "received": {"type": "integer"},
        "stored": {"type": "integer"},
        "duplicate": {"type": "integer"},
        "rejected_count": {"type": "integer"},
        "rejected": {
            "type": "array",
            "description": "The first 1,000 rejected lines.",
            "items": {
                "type": "object",
                "properties": {"line": {"type": "integer", "minimum": 1}, "reason": _TEXT},
            },
        },
    },
}
_COMMAND: dict[str, Any] = {
    "type": "object",
    "description": "A command is in the response to every heartbeat until its result was reported. Carry out each ID once.",
    "required": ["id", "type"],
    "properties": {
        "id": {"type": "string", "description": "For the URL of its result.", "examples": ["1042"]},
        "type": {"type": "string", "enum": ["reboot"]},
    },
}
_RESULT: dict[str, Any] = {
    "type": "object",
    "required": ["state"],
    "properties": {
        "state": {
            "type": "string",
            "enum": [str(state) for state in Reported],
            "description": "started, just before the UTM reboots; succeeded, when it is back; or failed.",
        },
        "at": {
            "type": "string",
            "format": "date-time",
            "description": "The time by the UTM's clock. Without a zone it is UTC.",
        },
        "message": {"type": "string", "maxLength": MESSAGE_LENGTH, "description": "Shown to the partner's operators."},
    },
}


def _answers(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {
        "200": {"description": description, "content": {"application/json": {"schema": schema}}},
        "401": {"description": "The token is missing or not valid."},
        "413": {"description": "The body is too large. The lines read so far are stored and reported."},
        "429": {"description": "Too many requests. Retry-After contains the seconds to wait."},
    }


def _lines_call(things: str, line: dict[str, Any]) -> dict[str, Any]:
    return {
        "summary": f"Send {things}, one JSON object per line: up to 10,000 lines and 16 MiB, optionally with gzip",
        "description": "An empty body stores nothing; the response shows which UTM the token belongs to.",
        "requestBody": {"required": True, "content": {"application/x-ndjson": {"schema": line}}},
        "responses": _answers("The number of stored, duplicate and rejected lines.", _RECEIPT)
        | {
            "400": {
                "description": "The body is a JSON array, of which nothing is stored, or its chunked encoding is"
                " invalid. The lines read before that are stored and reported."
            },
            "415": {"description": "The content encoding is not gzip. Nothing was read."},
        },
    }


DESCRIPTION: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "Device API", "version": "1"},
    "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
    "security": [{"token": []}],
    "paths": {
        "/heartbeat": {
            "post": {
                "summary": "Report that the UTM is running, and get its pending commands",
                "requestBody": {
                    "required": True,
                    "content": {
                        "application/json": {
                            "schema": {
                                "type": "object",
                                "properties": {
                                    "version": {"type": "string", "maxLength": 64},
                                    "ip": _TEXT,
                                    "boot_id": {
                                        "type": "string",
                                        "maxLength": BOOT_ID_LENGTH,
                                        "description": "Identifies the boot that the UTM is in: any text that is another"
                                        " one after each boot, as in /proc/sys/kernel/random/boot_id. If it differs from"
                                        " the one with which a reboot command was fetched, the reboot has succeeded and"
                                        " is shown as verified.",
                                        "examples": ["5b2f6c1e-7f0a-4c55-9d3b-0a5c8f1e2d34"],
                                    },
                                    "mac": {
                                        "type": "string",
                                        "description": "In any notation. An invalid address is ignored.",
                                        "examples": ["a1:b2:c3:d4:e5:f6", "A1B2.C3D4.E5F6"],
                                    },
                                },
                            }
                        }
                    },
                },
                "responses": _answers(
                    "The pending commands, and the seconds until the next heartbeat.",
                    {
                        "type": "object",
                        "properties": {
                            "commands": {"type": "array", "items": _COMMAND},
                            "next_seconds": {"type": "integer"},
                        },
                    },
                )
                | {"400": {"description": "The body is not a JSON object, or one of its values is invalid."}},
            }
        },
        "/commands/{id}/result": {
            "post": {
                "summary": "Report the result of a command",
                "description": "After a report, the command is no longer sent. A command that is neither reported nor"
                " followed by a heartbeat with another boot_id within 15 minutes has failed; what is reported after its"
                " end changes nothing.",
                "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
                "requestBody": {"required": True, "content": {"application/json": {"schema": _RESULT}}},
                "responses": {
                    "204": {"description": "The report is stored, or was already."},
                    "400": {"description": "The body is not a JSON object, or one of its values is invalid."},
                    "401": {"description": "The token is missing or not valid."},
                    "404": {"description": "The UTM was not given such a command."},
                    "429": {"description": "Too many requests. Retry-After contains the seconds to wait."},
                },
            }
        },
        "/alerts": {"post": _lines_call("alerts", _LINE)},
        "/threat-stats": {"post": _lines_call("threat statistics", _STATISTIC)},
    },
}
