"""Set up the Flask extensions, in the order of their dependencies."""

from __future__ import annotations

from alembic.script import ScriptDirectory
from flask import Flask
from flask_appbuilder import AppBuilder
from flask_mail import Mail
from flask_migrate import Migrate
from flask_wtf import CSRFProtect
from redis import Redis

from app.database import alert_database, replica, timeouts
from app.rendering import catalogues, template_globals
from app.security import PortalSecurityManager
from models import sealed_secret
from models.accounts import password_hash
from models.db import db
from views.dashboard.dashboard import HomeView
from views.forms import messages
from views.languages import chosen_language


class PortalAppBuilder(AppBuilder):
    """FAB's builder without unused views: "back", language links and API descriptions."""

    def _add_admin_views(self) -> None:
        self._indexview = self.add_view_no_menu(self.indexview)
        self.sm.register_views()


def init_app(app: Flask) -> None:
    """Initialize every extension.

    Each app needs a new AppBuilder, because a second use of the same one registers no views.
    """
    alert_database.add_bind(app)
    db.init_app(app)
    password_hash.configure(
        memory_kib=app.config["PASSWORD_HASH_MEMORY_KIB"], passes=app.config["PASSWORD_HASH_PASSES"]
    )
    sealed_secret.configure(app.config["SECRET_KEY"], app.config["SECRET_KEY_FALLBACKS"])
    timeouts.init_app(app)
    replica.init_app(app)
    alert_database.init_app(app)
    Migrate(app, db, directory=str(app.config["MIGRATIONS"]))
    # /readyz compares the database with this.
    app.config["MIGRATION_HEAD"] = ScriptDirectory(str(app.config["MIGRATIONS"])).get_current_head()
    app.config["ALERT_MIGRATION_HEAD"] = ScriptDirectory(str(app.config["ALERT_MIGRATIONS"])).get_current_head()
    CSRFProtect(app)
    Mail(app)
    app.extensions["redis"] = Redis.from_url(app.config["REDIS_URL"], socket_timeout=5, socket_connect_timeout=5)
    with app.app_context():
        PortalAppBuilder(
            app,
            db.session,
            indexview=HomeView,
            base_template="layout.html",
            security_manager_class=PortalSecurityManager,
            update_perms=False,
        )
    # FAB's own selector would store the language in the session of every visitor.
    app.extensions["babel"].locale_selector = chosen_language
    catalogues.init_app(app)
    template_globals.init_app(app)
    messages.install()
