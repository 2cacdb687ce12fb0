"""Create the operators of a run: ``python -m tests.load.people 32`` prints their email addresses as JSON."""

from __future__ import annotations

import json
import sys

from sqlalchemy import select

from app import create_app
from app.demo.bench import EMAIL
from app.demo.people import PASSWORD
from app.security import PARTNER_OPERATOR
from models.accounts import user_rules
from models.accounts.membership import Membership
from models.accounts.user import find_by_email
from models.actor import COMMAND_LINE
from models.scope import all_tenants
from models.tenants.tenant import Tenant


def create(count: int) -> list[str]:
    """Create operators, every second one in the tenant with the most alerts, the others in the other tenants.

    :returns: their email addresses. They have the password of the demo accounts.
    """
    emails = [f"load{number}@example.jp" for number in range(1, count + 1)]
    with all_tenants("the operators of a load test") as session:
        account = find_by_email(session, EMAIL)
        first = session.scalars(select(Tenant).join(Membership).where(Membership.user_id == account.id)).first()
        others = session.scalars(select(Tenant).where(Tenant.id != first.id).order_by(Tenant.id)).all() or [first]
        for number, email in enumerate(emails):
            tenant = others[number // 2 % len(others)] if number % 2 else first
            user = user_rules.create_user(
                session, email, last_name="負荷", first_name=f"{number + 1}号", password=PASSWORD, by=COMMAND_LINE
            )
            user_rules.join_tenant(session, user, tenant, PARTNER_OPERATOR, by=COMMAND_LINE)
        session.commit()
    return emails


if __name__ == "__main__":
    with create_app().app_context():
        sys.stdout.write(json.dumps(create(int(sys.argv[1]))) + "\n")
