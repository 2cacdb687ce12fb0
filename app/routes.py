"""Register the views and APIs of all areas."""

from __future__ import annotations

from typing import Any

from flask import Flask, request

from app.web.registers import register
from models.dashboard import figures
from views import read_sessions, transaction
from views.accounts import permission_labels


def init_app(app: Flask) -> None:
    """Register views with FAB and blueprints with Flask."""
    with app.app_context():
        builder = app.extensions["appbuilder"]
        added = [builder.add_view_no_menu(view) for view in register().screens]
        added += [builder.add_api(api) for api in register().apis]
        _limit_rates(app, [builder.sm.auth_view, *added])
    for blueprint in register().blueprints:
        app.register_blueprint(blueprint)
    permission_labels.install(app, register().rights, register().labels)
    app.extensions["widgets"] = register().widgets
    figures.install(each.source for each in register().widgets if each.source is not None)
    app.teardown_request(transaction.close_cross_tenant_sessions)
    app.teardown_request(read_sessions.close_read_session)


def _limit_rates(app: Flask, added: list[Any]) -> None:
    """Apply the rate limits from the registers."""
    limiter = app.extensions["appbuilder"].sm.limiter
    by_name = {type(view).__name__: view.blueprint for view in added}
    for each in register().rate_limits:
        options: dict[str, Any] = {"methods": list(each.methods)} if each.methods else {}
        if each.key is not None:
            options["key_func"] = each.key
        if each.exempt is not None:
            options["exempt_when"] = each.exempt
        limiter.limit(app.config[each.setting], **options)(by_name[each.view])
    limited = {by_name[each.view].name for each in register().rate_limits}
    # Otherwise the limiter would look up its limits for every page.
    limiter.request_filter(lambda: request.blueprint not in limited)
