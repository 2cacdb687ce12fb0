"""Every kind of mail with the longest and strangest values: nothing is interpreted, no header is added, no line is lost."""

from __future__ import annotations

import email
from datetime import UTC, datetime
from email.policy import SMTP

import pytest

from jobs.mail import PlainMessage, _message
from models.mail import placeholders
from models.mail.kinds import EDITABLE, FIXED, KINDS, MailText
from models.mail.placeholders import faults, fill
from models.mail.sending import OutgoingMail

STRANGE = {
    "200 characters": "株式会社" * 50,
    "emoji": "見守り🛡️👨‍👩‍👧商会",
    "braces": "{{Name}} {{ }} }} {{",
    "script": "<script>alert(1)</script>&amp;<b>",
    "line breaks": "名前\r\nBcc: other@example.com\r\n\r\n二つ目\u2028三つ目",
    "controls": "a\0b\x1b[31mc\x7fd\u0085e",
    "percent": "100% %s %(name)s $x ${x}",
    "long line": "x" * 3000,
}


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_a_default_text_uses_every_placeholder_of_its_kind_and_no_other(kind):
    text = kind.default
    whole = f"{text.subject or ''}\n{text.body}"

    assert faults(whole, kind.placeholders) == []
    assert [name for name in kind.placeholders if f"{{{{{name}}}}}" not in whole] == []
    assert (text.subject is None) == kind.sms
    assert "\n" not in (text.subject or "")
    assert text.body.endswith("\n")


def test_the_subjects_are_those_of_the_manual():
    subjects = {kind.name: kind.default.subject for kind in EDITABLE}

    assert subjects == {
        "application_confirm": "【見守りサービス】お申込みのご案内(申請番号:{{ApplicationNumber}})",
        "application_received": "【見守りサービス】お申込みのご案内",
        "application_result": "【見守りサービス】お申込み結果のご案内",
        "utm_application_received": "【見守りサービス】UTMお申込みのご案内",
        "utm_application_result": "【見守りサービス】UTMお申込み結果のご案内",
        "portal_user_invited": "【見守りサービス】仮登録完了のお知らせ",
        "password_reset_mail": "【見守りサービス】パスワードリセットのお知らせ",
        "password_reset_sms": None,
        "utm_arrival": "【見守りサービス】UTM着荷予定日のお知らせ",
        "utm_tracking": "【見守りサービス】UTM伝票番号のお知らせ",
        "reboot_scheduled": "【見守りサービス】UTM再起動予定登録のお知らせ",
        "reboot_cancelled": "【見守りサービス】UTM再起動予定取消のお知らせ",
    }
    fixed = {kind.name: kind.default.subject for kind in FIXED}
    assert (
        fixed.items()
        >= {
            "user_invited": "【見守りサービス】新規ユーザ登録のお願い",
            "account_locked": "【見守りサービス】アカウントロックアウト通知",
            "contract_shortage": "【見守りサービス】契約不足顧客一覧のお知らせ",
            "address_confirmation": "【見守りサービス】登録メールアドレスの確認",
            "contract_made": "【見守りサービス】SMB セキュリティ商材契約のご案内",
            "contract_cancelled": "【見守りサービス】SMB セキュリティ商材解約のお知らせ",
            "contract_cancellation_undone": "【見守りサービス】SMB セキュリティ商材解約取消のお知らせ",
            "application_arrived": "【見守りサービス】お申込みのご案内",
            "application_approved": "【見守りサービス】お申込みに対する承認結果のご案内",
            "application_denied": "【見守りサービス】お申込みに対する承認結果のご案内",
            "utm_application_arrived": "【見守りサービス】UTM お申込みのご案内(追加)",
        }.items()
    )


@pytest.mark.parametrize("value", STRANGE.values(), ids=STRANGE)
@pytest.mark.parametrize("kind", [each for each in KINDS.values() if not each.sms], ids=lambda kind: kind.name)
def test_a_mail_with_strange_values_arrives_as_it_was_written(context, kind, value):
    filled = fill(kind.default, kind, dict.fromkeys(kind.placeholders, value))

    arrived = arrival(filled)

    names = [name.lower() for name in arrived]
    assert sorted(names) == sorted(
        [
            "content-type",
            "mime-version",
            "content-transfer-encoding",
            "subject",
            "from",
            "to",
            "date",
            "message-id",
            "auto-submitted",
        ]
    )
    assert (arrived["To"], arrived["From"]) == ("hanako@example.jp", "no-reply@example.jp")
    assert str(arrived["Subject"]) == filled.subject
    assert arrived.get_content_type() == "text/plain"
    assert arrived.get_content() == filled.body.replace("\n", "\r\n")
    # As many lines as the text has, and in its place what stands there of the value.
    several = sum(value.count(char) for char in "\n\u2028\u0085") * sum(
        kind.default.body.count(f"{{{{{name}}}}}") for name in kind.lines
    )
    assert filled.body.count("\n") == kind.default.body.count("\n") + several
    for name in set(kind.placeholders) - kind.lines:
        assert f"{{{{{name}}}}}" not in filled.body or "{{Name}}" in value
    assert placeholders.one_line(value) in filled.body


@pytest.mark.parametrize("value", STRANGE.values(), ids=STRANGE)
def test_an_sms_with_strange_values_has_no_subject_and_interprets_nothing(value):
    kind = KINDS["password_reset_sms"]

    filled = fill(kind.default, kind, {"Url": value})

    assert filled.subject is None
    assert filled.body == kind.default.body.replace("{{Url}}", placeholders.one_line(value))


def arrival(text: MailText) -> email.message.EmailMessage:
    """The mail as the recipient's programme reads it, with every line as short as mail servers want it."""
    mail = OutgoingMail(1, "hanako@example.jp", text.subject, text.body, "0", 0)
    wire = PlainMessage.as_bytes(_message(mail))
    assert max(map(len, wire.split(b"\r\n"))) <= 998
    assert b"\n" not in wire.replace(b"\r\n", b"")
    return email.message_from_bytes(wire, policy=SMTP)


def test_values_must_be_those_of_the_kind():
    with pytest.raises(ValueError, match="account_locked needs the values"):
        fill(KINDS["account_locked"].default, KINDS["account_locked"], {"Email": "x"})


def test_every_file_of_a_text_belongs_to_a_kind():
    from pathlib import Path

    import models

    files = {path.stem for path in (Path(models.__file__).parent / "mail" / "texts").glob("*.txt")}

    assert files == set(KINDS)
    assert len(EDITABLE) == 12


def test_a_mail_is_dated(context):
    arrived = arrival(MailText("件名", "本文\n"))

    assert abs(arrived["Date"].datetime - datetime.now(UTC)).total_seconds() < 60
