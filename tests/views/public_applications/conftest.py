"""A tenant with its application form, and visitors who fill it in."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from sqlalchemy import func, select

from models.applications.application import ServiceApplication
from models.applications.utm_application import UtmApplication
from models.mail.outbox import MailMessage
from models.tenants.settings import TenantSettings
from tests.support.public_forms import ENTERED, UTM_ENTERED, Visitor
from views.public_applications.links import invitation_url, utm_form_url


@pytest.fixture
def tenant(make):
    return make.tenant(name="サンプルパートナー")


@pytest.fixture
def settings(make, tenant):
    """Store settings of the tenant: ``settings(invitation_number=2)``."""

    def store(**values):
        row = make.session.get(TenantSettings, tenant.id) or TenantSettings(tenant_id=tenant.id)
        for name, value in values.items():
            setattr(row, name, value)
        return make.save(row)

    return store


@pytest.fixture
def path_of(app):
    """The path of a URL that takes what is signed: ``path_of(invitation_url, tenant.id, 1)``."""

    def path(url_of, *signed):
        with app.test_request_context():
            return urlsplit(url_of(*signed)).path

    return path


@pytest.fixture
def form_path(path_of, tenant):
    return path_of(invitation_url, tenant.id, 1)


@pytest.fixture
def customer(make, tenant):
    return make.customer(tenant=tenant)


@pytest.fixture
def utm_path(path_of, tenant, customer):
    return path_of(utm_form_url, tenant.id, customer.id, 1)


@pytest.fixture
def visitor(app, form_path):
    return Visitor(app, form_path, ENTERED)


@pytest.fixture
def utm_visitor(app, utm_path):
    return Visitor(app, utm_path, UTM_ENTERED)


@pytest.fixture
def applications(make):
    """The stored applications."""

    def stored():
        make.session.expire_all()
        return make.session.scalars(select(ServiceApplication).order_by(ServiceApplication.submitted_at)).all()

    return stored


@pytest.fixture
def nothing_made(make):
    """Check that neither an application nor a mail was made."""

    def check() -> None:
        for model in (ServiceApplication, UtmApplication, MailMessage):
            assert make.session.scalar(select(func.count()).select_from(model)) == 0
        make.session.rollback()

    return check


@pytest.fixture
def mails(make):
    """The kind and the recipient of each mail."""

    def listed():
        rows = make.session.execute(select(MailMessage.kind, MailMessage.recipient).order_by(MailMessage.id)).all()
        make.session.rollback()
        return [tuple(row) for row in rows]

    return listed
