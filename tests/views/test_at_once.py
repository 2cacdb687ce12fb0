"""An administrator's button pressed twice, or by several at the same moment: one wins, the others are told."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import event, inspect, text
from sqlalchemy.orm.exc import ObjectDeletedError

from models.db import db
from views.screen.screen import Screen

MANY = 6


@pytest.fixture
def at_once(make, signed_in):
    """Send the same form from several sessions at the same moment: how often each status was answered, and the pages."""
    admins = [signed_in(make.elevated("NEC Admin")) for _ in range(MANY)]

    def send(address, data=None):
        together = Barrier(MANY)

        def one(admin):
            together.wait(timeout=10)
            return admin.post(address, data=data)

        with ThreadPoolExecutor(MANY) as pool:
            answers = list(pool.map(one, admins))
        return Counter(answer.status_code for answer in answers), [answer.text for answer in answers]

    return send


def audited(make, action) -> int:
    return make.session.execute(
        text("SELECT count(*) FROM audit_entry WHERE action = :action"), {"action": action}
    ).scalar_one()


def test_a_user_is_made_once(make, at_once):
    sent = {"last_name": "新", "first_name": "人", "email": "new@example.jp", "active": "y"}

    statuses, pages = at_once("/users/add", sent)

    assert statuses == {302: 1, 422: MANY - 1}
    assert sum("このメールアドレスのユーザはすでに登録されています。" in page for page in pages) == MANY - 1
    assert audited(make, "user.created") == 1


def test_a_role_is_made_once(make, at_once):
    statuses, pages = at_once("/roles/add", {"name": "係"})

    assert statuses == {302: 1, 422: MANY - 1}
    assert sum("同じ名前のロールがすでにあります。" in page for page in pages) == MANY - 1
    assert audited(make, "role.created") == 1


@pytest.mark.parametrize("screen", ["users", "roles"])
def test_a_row_is_deleted_once(make, at_once, screen):
    key = (make.user() if screen == "users" else make.role("係")).id

    statuses, _ = at_once(f"/{screen}/delete/{key}")

    assert statuses == {302: MANY}
    assert audited(make, f"{screen.removesuffix('s')}.deleted") == 1


def test_a_place_in_a_tenant_is_given_changed_and_taken_once(make, at_once):
    user, tenant = make.user(), make.tenant()

    given, _ = at_once(f"/users/join/{user.id}", {"tenant": tenant.id, "role": "Partner Viewer"})
    changed, _ = at_once(f"/users/membership/{user.id}", {"tenant": tenant.id, "role": "Partner Operator"})
    taken, _ = at_once(f"/users/leave/{user.id}", {"tenant": tenant.id})

    assert (given, changed, taken) == ({302: MANY}, {302: MANY}, {302: MANY})
    assert [audited(make, f"membership.{each}") for each in ("created", "changed", "deleted")] == [1, 1, 1]


def test_of_several_links_made_at_once_one_opens(make, at_once):
    user = make.user()

    statuses, _ = at_once(f"/users/link/{user.id}")

    assert statuses == {302: MANY}
    assert make.session.execute(text("SELECT count(*) FROM password_link WHERE revoked_at IS NULL")).scalar_one() == 1


@pytest.mark.parametrize("wish", ["join", "link", "edit"])
def test_what_is_done_with_a_user_being_deleted_fails_softly(make, signed_in, wish):
    one, other = (signed_in(make.elevated("NEC Admin")) for _ in range(2))
    data = {"tenant": make.tenant().id, "role": "Partner Viewer"}
    data |= {"last_name": "新", "first_name": "人", "email": "new@example.jp", "active": "y", "shown": "before"}
    for _ in range(5):
        user, together = make.user(), Barrier(2)

        def send(client, address, together=together):
            together.wait(timeout=10)
            return client.post(address, data=data).status_code

        with ThreadPoolExecutor(2) as pool:
            deleted = pool.submit(send, one, f"/users/delete/{user.id}")
            answered = pool.submit(send, other, f"/users/{wish}/{user.id}")

        assert deleted.result() == 302
        assert answered.result() in {302, 404, 409}


def test_a_user_deleted_between_the_deed_and_its_answer_is_no_error(make, signed_in):
    admin, user = signed_in(make.elevated("NEC Admin")), make.user()

    def delete(_session):
        make.session.execute(text("DELETE FROM password_link"))
        make.session.execute(text("DELETE FROM ab_user WHERE id = :id"), {"id": user_id})
        make.session.commit()

    user_id = user.id
    event.listen(db.session, "after_commit", delete, once=True)
    answer = admin.post(f"/users/link/{user_id}")

    assert (answer.status_code, answer.location) == (302, f"/users/show/{user_id}")
    assert admin.get(answer.location).status_code == 404


def test_of_a_row_that_is_gone_when_it_is_read_again_the_list_says_so(app, signed_in, make, monkeypatch):
    admin, user = signed_in(make.elevated("NEC Admin")), make.user()

    def gone(_screen, row):
        raise ObjectDeletedError(inspect(row))

    monkeypatch.setattr(Screen, "page_of", gone)

    answer = admin.post(f"/users/link/{user.id}")

    assert (answer.status_code, answer.location) == (302, "/users/list/")
