"""The API for UTMs: heartbeats, commands and alerts. Each UTM has its own bearer token, which gives access to that UTM only."""

from __future__ import annotations

import functools
import ipaddress
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from flask import Response, abort, current_app, jsonify, request
from flask_appbuilder.api import BaseApi, expose

from models import clock, scope
from models.alerts import ingest as alert_ingest
from models.alerts import threat_stat_ingest
from models.alerts.ingest import Sender
from models.utms import contact, reboot_progress, utm
from models.utms.contact import CallingUtm
from models.utms.reboot import BOOT_ID_LENGTH, MESSAGE_LENGTH
from models.utms.reboot_progress import Report, Reported
from models.utms.utm import Utm
from models.values.mac_address import mac_address
from views import metrics
from views.api.bearer import CallerLimits, caller, unauthorized
from views.api.device_body import BodyMalformed, BodyNotLines, BodyTooLarge, Lines, UnsupportedEncoding
from views.api.device_openapi import DESCRIPTION
from views.api.openapi import described
from views.arguments import key_or_none

# For any other problem the status is 200: the response reports the line, and the lines before it are stored.
_STATUS_OF_PROBLEM = {BodyMalformed: 400, BodyNotLines: 400, BodyTooLarge: 413, UnsupportedEncoding: 415}


def require_utm_token(call: Callable[..., Any]) -> Callable[..., Any]:
    """Require an active bearer token: pass its UTM to the method as the sender, or respond with 401."""

    @functools.wraps(call)
    def checked(self: DeviceApi, *args: Any, **kwargs: Any) -> Any:
        sender = caller(_sender)
        if sender is None:
            return unauthorized()
        return call(self, sender, *args, **kwargs)

    return checked


class DeviceApi(BaseApi):
    """The endpoints for UTMs, or for a log shipper next to one."""

    route_base = "/api/device/v1"
    class_permission_name = "DeviceApi"
    # No cookie is read here, so cross-site requests cannot use a session.
    csrf_exempt = True

    @expose("/heartbeat", methods=["POST"])
    @require_utm_token
    def heartbeat(self, sender: CallingUtm) -> Response:
        """Record a heartbeat, and return the pending commands and the seconds until the next call."""
        body = _json_object()
        boot_id, firmware = _text(body, "boot_id", BOOT_ID_LENGTH), _text(body, "version", 64)
        ip_address, mac = _ip(body), _mac(body)
        reboots: list[int] = []
        # Mostly a heartbeat reports nothing new, and its contact is already recorded.
        if sender.has_reboots or sender.differs_from(firmware, ip_address, mac):
            now = clock.utc_now()
            with scope.tenant_session(sender.tenant_id) as session, session.begin():
                found = session.get_one(Utm, sender.id)
                utm.record_heartbeat(found, now=now, firmware=firmware, ip_address=ip_address, mac=mac)
                reboots = reboot_progress.commands_for(session, found, boot_id=boot_id, now=now)
        commands = [{"id": str(each), "type": "reboot"} for each in reboots]
        return jsonify(commands=commands, next_seconds=current_app.config["HEARTBEAT_SECONDS"])

    @expose("/commands/<string:command_id>/result", methods=["POST"])
    @require_utm_token
    def result(self, sender: CallingUtm, command_id: str) -> tuple[str, int]:
        """Store what the UTM reports of a command; a repeated report changes nothing."""
        report = _report(_json_object())
        key = key_or_none(command_id)
        with scope.tenant_session(sender.tenant_id) as session, session.begin():
            found = session.get_one(Utm, sender.id)
            known = key is not None and reboot_progress.record_report(session, found, key, report, now=clock.utc_now())
        if not known:
            abort(404)
        return "", 204

    @expose("/alerts", methods=["POST"])
    @require_utm_token
    def alerts(self, sender: CallingUtm) -> tuple[Response, int]:
        """Store the valid alerts of the body, and report the invalid lines and the ID of the UTM."""
        return self._store(sender, alert_ingest.store, "alerts")

    @expose("/threat-stats", methods=["POST"])
    @require_utm_token
    def threat_stats(self, sender: CallingUtm) -> tuple[Response, int]:
        """Store the valid threat statistics of the body, and report the invalid lines and the ID of the UTM."""
        return self._store(sender, threat_stat_ingest.store, "threat_stats")

    def _store(self, sender: CallingUtm, store: Callable[..., alert_ingest.Receipt], kind: str) -> tuple[Response, int]:
        lines = Lines(request)
        status = 200
        reason = None
        with scope.tenant_session(sender.tenant_id) as session, session.begin():
            receipt = store(
                session,
                Sender(sender.tenant_id, sender.customer_id, sender.id),
                lines,
                now=clock.utc_now(),
                retention_months=current_app.config["ALERT_RETENTION_MONTHS"],
            )
        if lines.problem is not None:
            reason = str(lines.problem)
            status = _STATUS_OF_PROBLEM.get(type(lines.problem), 200)
            receipt.reject(lines.number + 1, reason)
        outcomes = {"stored": receipt.stored, "duplicate": receipt.duplicate, "rejected": receipt.rejected_count}
        for outcome, number in outcomes.items():
            metrics.LINES.labels(kind, outcome).inc(number)
        answer = {
            "utm": sender.utm_id,
            "received": receipt.received,
            "stored": receipt.stored,
            "duplicate": receipt.duplicate,
            "rejected_count": receipt.rejected_count,
            "rejected": [{"line": number, "reason": why} for number, why in receipt.rejected],
        }
        if status != 200:
            answer |= {"status": status, "title": reason}
        return jsonify(answer), status

    @expose("/openapi.json", methods=["GET"])
    def openapi(self) -> Response:
        """Return the OpenAPI description of this API."""
        return described(DESCRIPTION)


def _sender(token: str) -> CallingUtm | None:
    """Return the UTM of a token, None if the token is invalid. Every call, whatever it requests, is recorded as contact."""
    with scope.all_tenants("a device token names its UTM, and so its tenant") as session, session.begin():
        return contact.record_call(session, token, now=clock.utc_now())


LIMITS = CallerLimits(_sender)


def _json_object() -> dict[str, Any]:
    request.max_content_length = 16 * 1024
    try:
        body = request.get_json(silent=True, force=True)
    except RecursionError:
        body = None
    if not isinstance(body, dict):
        abort(400, "The body is not a JSON object.")
    return body


def _text(body: dict[str, Any], key: str, limit: int) -> str | None:
    value = body.get(key)
    if value is None or value == "":
        return None
    if not isinstance(value, str) or len(value) > limit or not value.isprintable():
        abort(400, f"{key}: not a printable text of at most {limit} characters")
    return value


def _report(body: dict[str, Any]) -> Report:
    state = body.get("state")
    if state not in list(Reported):
        abort(400, f"state: not one of {', '.join(Reported)}")
    message = body.get("message")
    if isinstance(message, str):
        # Programs tend to report several lines.
        body = body | {"message": " ".join(message.split())}
    return Report(Reported(state), _time(body, "at"), _text(body, "message", MESSAGE_LENGTH))


def _time(body: dict[str, Any], key: str) -> datetime | None:
    text = _text(body, key, 40)
    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text)
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        abort(400, f"{key}: not a time in ISO 8601")


def _ip(body: dict[str, Any]) -> str | None:
    text = _text(body, "ip", 45)
    try:
        return str(ipaddress.ip_address(text)) if text else None
    except ValueError:
        abort(400, "ip: not an IP address")


def _mac(body: dict[str, Any]) -> str | None:
    # Vendors use many notations. The value only serves for comparison, so an unreadable one does not fail the heartbeat.
    value = body.get("mac")
    return mac_address(value) if isinstance(value, str) else None
