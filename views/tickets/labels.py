"""The labels and formats of what tickets have in common on their screens (§11.2)."""

from __future__ import annotations

from flask_babel import lazy_gettext

from models.tickets.ticket import Kind, Priority, Service, State
from views.screen import formats

SERVICES = {Service.PARTNER_PORTAL: lazy_gettext("Partner service portal")}
KINDS = {
    Kind.QUESTION: lazy_gettext("Question"),
    Kind.WORK: lazy_gettext("Work request"),
    Kind.INCIDENT: lazy_gettext("Incident report"),
    Kind.OTHER: lazy_gettext("Other"),
}
PRIORITIES = {
    Priority.HIGH: lazy_gettext("High priority"),
    Priority.NORMAL: lazy_gettext("Normal priority"),
    Priority.LOW: lazy_gettext("Low priority"),
}
STATES = {
    State.OPEN: lazy_gettext("Open"),
    State.IN_PROGRESS: lazy_gettext("In progress"),
    State.WAITING: lazy_gettext("Waiting for the partner"),
    State.RESOLVED: lazy_gettext("Resolved"),
    State.CLOSED: lazy_gettext("Closed"),
}

PRIORITY = formats.badge(PRIORITIES, {Priority.HIGH: "red"})
STATE = formats.badge(STATES, {State.OPEN: "blue", State.IN_PROGRESS: "orange", State.RESOLVED: "green"})

ONLY_IN_THREAD = ("ticket.message_added",)
"""The actions that the change history leaves out, because the thread shows what both sides wrote."""
SEEN_ON_PAGE = ("author_id", "utm_id", "alert_seq", "alert_at", "updated_at")
"""The columns that the change history leaves out: the page shows in words what they refer to, which never changes."""

COLUMN_LABELS = {
    "id": lazy_gettext("Ticket ID"),
    "title": lazy_gettext("Title"),
    "service": lazy_gettext("Service"),
    "kind": lazy_gettext("Kind of inquiry"),
    "priority": lazy_gettext("Priority"),
    "state": lazy_gettext("Status"),
    "created_at": lazy_gettext("Created at"),
    "updated_at": lazy_gettext("Last updated at"),
    "author_name": lazy_gettext("Created by"),
    "assignee_id": lazy_gettext("Assignee"),
    "customer": lazy_gettext("Customer"),
    "customer_id": lazy_gettext("Company ID"),
    "utm": lazy_gettext("UTM"),
    "utm_id": lazy_gettext("UTM"),
    "alert": lazy_gettext("Alert"),
    "alert_id": lazy_gettext("Alert ID"),
    "asked_at": lazy_gettext("Waiting since"),
    "body": lazy_gettext("Content"),
    "files": lazy_gettext("Attachments"),
    "text": lazy_gettext("Text"),
}
FORMATS = {
    "id": formats.CODE,
    "service": formats.word(SERVICES),
    "kind": formats.word(KINDS),
    "priority": PRIORITY,
    "state": STATE,
    "customer": formats.linked_value(formats.TEXT),
    "utm": formats.linked_value(formats.TEXT),
    "alert": formats.linked_value(formats.CODE),
    "body": formats.LINES,
}
