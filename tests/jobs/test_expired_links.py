from __future__ import annotations

from datetime import timedelta

import time_machine
from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs import expired_links
from models import clock
from models.accounts import password_link
from models.accounts.password_link import PasswordLink
from models.accounts.user_session import UserSession
from models.actor import SYSTEM, Actor
from models.notifications import address_rules
from models.notifications.address import AddressLink
from models.notifications.address_rules import AddressChange


def test_links_of_every_tenant_are_removed_thirty_days_after_their_time(context, make, in_tenant):
    now = clock.utc_now()
    for tenant in (make.tenant(), make.tenant()):
        request = AddressChange(tenant, "https://portal.example.jp/{}".format, now, Actor("operator@example.jp"))
        with in_tenant(tenant.id) as session:
            address_rules.change(session, ["tsuchi@example.jp", "", ""], version=0, request=request)
            session.commit()

    with time_machine.travel(now + timedelta(days=30, hours=23), tick=False):
        expired_links.remove_old()
    assert len(make.session.scalars(select(AddressLink.id)).all()) == 2
    with time_machine.travel(now + timedelta(days=31), tick=False):
        expired_links.remove_old()
        expired_links.remove_old()
    assert make.session.scalars(select(AddressLink.id)).all() == []


def test_sessions_go_thirty_days_after_their_last_use(context, make):
    now = clock.utc_now()
    make.session_token(make.user())

    with time_machine.travel(now + timedelta(days=29, hours=23), tick=False):
        expired_links.remove_old()
    assert len(make.session.scalars(select(UserSession.id)).all()) == 1
    with time_machine.travel(now + timedelta(days=30, minutes=1), tick=False):
        expired_links.remove_old()
    assert make.session.scalars(select(UserSession.id)).all() == []


def test_password_links_go_thirty_days_after_their_time(context, make, engine):
    now = clock.utc_now()
    user = make.user()
    with Session(engine) as session, session.begin():
        password_link.issue(session, user, now=now, by=SYSTEM)

    with time_machine.travel(now + timedelta(days=30, hours=23), tick=False):
        expired_links.remove_old()
    assert len(make.session.scalars(select(PasswordLink.id)).all()) == 1
    with time_machine.travel(now + timedelta(days=31), tick=False):
        expired_links.remove_old()
    assert make.session.scalars(select(PasswordLink.id)).all() == []
