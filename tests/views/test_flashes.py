"""Flash messages are kept in the session cookie, whose size browsers limit."""

from __future__ import annotations

import random

from flask import get_flashed_messages, session

from views.flashes import flash_error, flash_success, flash_warning


def test_messages_fit_into_the_cookie_whatever_names_they_have(app):
    chance = random.Random(1)
    names = "".join(chr(chance.randrange(0x4E00, 0x9FFF)) for _ in range(600))
    with app.test_request_context():
        flash_success("登録しました。")
        for number in range(20):
            (flash_warning if number % 2 else flash_error)(names)

        cookie = app.session_interface.get_signing_serializer(app).dumps(dict(session))
        told = get_flashed_messages()

    # The session has room for its other values: 4,093 bytes with the name and the attributes of the cookie.
    assert len(cookie) < 3_200
    assert told == ["登録しました。", names, f"{names[:92]}…"]
