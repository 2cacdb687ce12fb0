from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from models.accounts import invitation_rules, registration, role
from models.accounts.invitation import InvitationState, UserInvitation, state_at
from models.accounts.invitation_rules import Invitation
from models.accounts.membership import Membership
from models.accounts.profile import Profile
from models.accounts.user import User, password_matches
from models.actor import Actor
from models.audit import AuditEntry
from models.errors import DomainError
from models.mail.outbox import MailMessage
from models.tokens import hash_token
from tests.support.concurrency import outcomes

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
STAFF = Actor("staff@example.jp")
VISITOR = Actor("hanako@example.jp")
REQUEST = Invitation(NOW, STAFF, "https://portal.example.jp", "support@example.jp")
PASSWORD = "Aozora-Wakaba-7"
PROFILE = Profile("見守 花子", "青空販売", "営業部", "0312345678", "窓口")


@pytest.fixture
def tenant(make):
    return make.tenant(name="青空テナント")


@pytest.fixture
def invited(make, tenant):
    """An invitation whose link was mailed."""
    invitation = invitation_rules.invite(make.session, tenant, " Hanako@Example.jp", "Partner Viewer", request=REQUEST)
    make.session.commit()
    return invitation


def mails(make):
    return make.session.scalars(select(MailMessage).order_by(MailMessage.id)).all()


def actions(make):
    return make.session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)).all()


def registered(session, invitation, *, now=NOW):
    entry = registration.enter(session, invitation, PASSWORD, PROFILE, now=now)
    return registration.register(session, invitation, PROFILE, entry=entry, now=now, by=VISITOR)


def test_an_invitation_is_mailed_with_a_link_of_seven_days(make, tenant, invited):
    mail = mails(make)[0]

    assert (mail.kind, mail.recipient, mail.tenant_id) == ("user_invited", "hanako@example.jp", tenant.id)
    assert mail.secret.startswith("inv_")
    assert len(mail.secret) == 47
    assert invited.token_hash == hash_token(mail.secret)
    assert f"https://portal.example.jp/register/{mail.secret}" in mail.whole_body
    assert mail.secret not in mail.shown_body
    assert invited.expires_at == NOW + timedelta(days=7)
    assert actions(make) == ["invitation.invited"]


def test_a_user_is_added_to_the_tenant_and_told(make, tenant):
    user = make.user(email="hanako@example.jp")

    found = invitation_rules.invite(make.session, tenant, "hanako@example.jp", "Partner Viewer", request=REQUEST)

    assert found is None
    membership = make.session.scalars(select(Membership)).one()
    assert (membership.user_id, membership.tenant_id, membership.role.name) == (user.id, tenant.id, "Partner Viewer")
    assert [mail.kind for mail in mails(make)] == ["user_added"]
    with pytest.raises(DomainError) as caught:
        invitation_rules.invite(make.session, tenant, "hanako@example.jp", "Partner Viewer", request=REQUEST)
    assert (caught.value.message, caught.value.field) == ("The user is already a member of this tenant.", "email")


def test_an_inactive_user_and_a_role_of_every_tenant_are_refused(make, tenant):
    make.user(email="hanako@example.jp", active=False)

    with pytest.raises(DomainError) as caught:
        invitation_rules.invite(make.session, tenant, "hanako@example.jp", "Partner Viewer", request=REQUEST)
    assert (caught.value.message, caught.value.field) == (invitation_rules.INACTIVE, "email")
    with pytest.raises(DomainError) as caught:
        invitation_rules.invite(make.session, tenant, "taro@example.jp", "NEC Admin", request=REQUEST)
    assert caught.value.field == "role"


def test_an_address_is_invited_once_by_many_at_the_same_moment(engine, make, tenant):
    found = outcomes(
        engine,
        "*",
        lambda session, _: invitation_rules.invite(
            session, tenant, "hanako@example.jp", "Partner Viewer", request=REQUEST
        ),
    )

    assert found == {"done": 1, invitation_rules.INVITED_ALREADY: 15}
    assert len(mails(make)) == 1


def test_an_expired_invitation_does_not_prevent_another(make, tenant, invited):
    later = Invitation(NOW + timedelta(days=7), STAFF, "https://portal.example.jp", "support@example.jp")

    another = invitation_rules.invite(make.session, tenant, invited.email, "Partner Operator", request=later)

    assert another.state(now=later.now) == InvitationState.PENDING
    assert invited.state(now=later.now) == InvitationState.WITHDRAWN


def test_sending_again_ends_the_link_before(make, invited):
    later = Invitation(NOW + timedelta(days=8), STAFF, "https://portal.example.jp", "support@example.jp")

    invitation_rules.send_again(make.session, invited, request=later)
    make.session.commit()

    first, second = mails(make)
    assert invitation_rules.look_up(make.session, first.secret) is None
    assert invitation_rules.look_up(make.session, second.secret).state(now=later.now) == InvitationState.PENDING
    assert invited.expires_at == later.now + timedelta(days=7)
    assert actions(make)[-1] == "invitation.sent_again"


def test_a_withdrawn_invitation_is_neither_used_nor_sent_again(make, invited):
    entry = registration.enter(make.session, invited, PASSWORD, PROFILE, now=NOW)
    invitation_rules.withdraw(make.session, invited, now=NOW, by=STAFF)

    assert invited.password is None
    assert registration.register(make.session, invited, PROFILE, entry=entry, now=NOW, by=VISITOR) is None
    with pytest.raises(DomainError) as caught:
        invitation_rules.send_again(make.session, invited, request=REQUEST)
    assert caught.value.message == invitation_rules.ENDED
    assert actions(make)[-1] == "invitation.withdrawn"


def test_registering_creates_the_user_in_the_tenant(make, tenant, invited):
    registered(make.session, invited)
    make.session.commit()

    user = make.session.scalars(select(User)).one()
    assert (user.last_name, user.first_name, user.company) == ("見守", "花子", "青空販売")
    assert (user.email, user.active, user.department, user.phone, user.note) == (
        "hanako@example.jp",
        True,
        "営業部",
        "0312345678",
        "窓口",
    )
    assert password_matches(user, PASSWORD)
    assert [(each.tenant_id, each.role.name) for each in user.memberships] == [(tenant.id, "Partner Viewer")]
    assert (invited.state(now=NOW), invited.password) == (InvitationState.USED, None)
    assert actions(make)[1:] == ["user.created", "membership.created", "invitation.registered"]
    created = make.session.scalars(select(AuditEntry).where(AuditEntry.action == "user.created")).one()
    assert created.after == {
        "email": "hanako@example.jp",
        "last_name": "見守",
        "first_name": "花子",
        "company": "青空販売",
        "department": "営業部",
        "phone": "0312345678",
        "active": True,
    }


@pytest.mark.parametrize("late", [timedelta(days=7), timedelta(days=7) - timedelta(microseconds=1)])
def test_a_link_works_for_seven_days(make, invited, late):
    user = registered(make.session, invited, now=NOW + late) if late < timedelta(days=7) else None

    assert (user is None) == (registration.step_of(make.session, invited, now=NOW + late) == "expired")


def test_the_second_step_completes_only_what_was_entered_last(make, invited):
    first = registration.enter(make.session, invited, PASSWORD, PROFILE, now=NOW)
    registration.enter(make.session, invited, "Yamabiko-Tsubame-9", PROFILE, now=NOW)

    with pytest.raises(DomainError) as caught:
        registration.register(make.session, invited, PROFILE, entry=first, now=NOW, by=VISITOR)

    assert (caught.value.message, caught.value.field) == (registration.ENTER_AGAIN, "password")


def test_many_who_use_a_link_at_the_same_moment_make_one_user(engine, make, tenant, invited):
    entry = registration.enter(make.session, invited, PASSWORD, PROFILE, now=NOW)
    make.session.commit()
    made = []

    def act(session, _):
        own = session.get_one(UserInvitation, invited.id)
        made.append(registration.register(session, own, PROFILE, entry=entry, now=NOW, by=VISITOR) is not None)

    assert outcomes(engine, tenant.id, act) == {"done": 16}
    assert made.count(True) == 1
    assert len(make.session.scalars(select(User.id)).all()) == 1


def test_two_invitations_of_one_address_used_at_the_same_moment_make_one_user(engine, make, invited):
    other = invitation_rules.invite(
        make.session, make.tenant(), "hanako@example.jp", "Partner Operator", request=REQUEST
    )
    entries = [registration.enter(make.session, each, PASSWORD, PROFILE, now=NOW) for each in (invited, other)]
    make.session.commit()
    keys = [invited.id, other.id]

    def act(session, number):
        own = session.get_one(UserInvitation, keys[number % 2])
        registration.register(session, own, PROFILE, entry=entries[number % 2], now=NOW, by=VISITOR)

    assert outcomes(engine, "*", act) == {"done": 16}
    make.session.expire_all()
    user = make.session.scalars(select(User)).one()
    assert len(user.memberships) == 1
    rest = other if other.used_at is None else invited
    assert registration.step_of(make.session, rest, now=NOW) == "join"
    assert registration.join(make.session, rest, now=NOW, by=VISITOR)
    make.session.expire_all()
    assert len(user.memberships) == 2
    assert not registration.join(make.session, rest, now=NOW, by=VISITOR)


def test_the_database_tells_the_states_as_the_row_does(make, tenant, invited):
    make.user_invitation(tenant=tenant, used_at=NOW)
    make.user_invitation(tenant=tenant, withdrawn_at=NOW)
    make.user_invitation(tenant=tenant, role_id=None)
    for now in (NOW, NOW + timedelta(days=7)):
        for row, told in make.session.execute(select(UserInvitation, state_at(now))):
            assert row.state(now=now) == told


def test_a_role_that_somebody_is_invited_with_stays(context, make, tenant):
    own = make.role("窓口係")
    invitation = make.user_invitation(tenant=tenant, role="窓口係", expires_at=NOW + timedelta(days=1))

    with pytest.raises(DomainError) as caught:
        role.delete(make.session, own, now=NOW, by=STAFF)
    assert caught.value.message == role.INVITED
    role.delete(make.session, own, now=NOW + timedelta(days=1), by=STAFF)
    make.session.commit()
    make.session.expire_all()
    assert invitation.state(now=NOW) == InvitationState.WITHDRAWN


def test_typed_passwords_and_old_invitations_are_removed(make, invited):
    registration.enter(make.session, invited, PASSWORD, PROFILE, now=NOW)

    invitation_rules.remove_old(make.session, now=NOW + timedelta(days=7))
    make.session.expire_all()
    assert invited.password is None
    invitation_rules.remove_old(make.session, now=NOW + timedelta(days=7 + 365))
    assert make.session.scalars(select(UserInvitation.id)).all() == []
