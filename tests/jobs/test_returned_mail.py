"""The mailbox of returned mail: a Maildir, and the commands that an IMAP server gets."""

from __future__ import annotations

import imaplib
import mailbox

import pytest

from jobs import returned_mail
from jobs.job import JobFailed
from models.mail.outbox import MailMessage
from tests.support.returned_mail import JUNK, postfix

pytestmark = pytest.mark.usefixtures("context")


@pytest.fixture
def mail(make):
    return make.mail(state="sent")


@pytest.fixture
def state(make):
    def of(mail):
        make.session.expire_all()
        return make.session.get(MailMessage, mail.id).return_status

    return of


@pytest.fixture
def maildir(app, tmp_path, monkeypatch):
    box = mailbox.Maildir(tmp_path / "returned", create=True)
    monkeypatch.setitem(app.config, "BOUNCE_MAILBOX", f"maildir:{tmp_path}/returned")
    return box


def test_without_a_mailbox_the_job_does_nothing():
    returned_mail.read()


def test_a_notification_is_noted_and_deleted_and_other_mail_is_set_aside_once(maildir, mail, state):
    maildir.add(postfix(mail.message_id))
    for junk in (*JUNK, postfix("99999999-2222-4333-8444-555555555555")):
        maildir.add(junk)

    returned_mail.read()
    returned_mail.read()

    assert state(mail) == "5.1.1"
    assert len(maildir) == 0
    assert len(maildir.get_folder("Unknown")) == len(JUNK) + 1


def test_a_run_killed_between_noting_and_deleting_is_made_up_for(maildir, mail, state, monkeypatch):
    maildir.add(postfix(mail.message_id))

    def killed(_box, _key):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(returned_mail.MaildirBox, "delete", killed)
        with pytest.raises(KeyboardInterrupt):
            returned_mail.read()
    assert (state(mail), len(maildir)) == ("5.1.1", 1)

    returned_mail.read()

    assert (state(mail), len(maildir)) == ("5.1.1", 0)


def test_a_missing_maildir_is_a_failure(app, tmp_path, monkeypatch):
    monkeypatch.setitem(app.config, "BOUNCE_MAILBOX", f"maildir:{tmp_path}/nowhere")

    with pytest.raises(JobFailed, match="NoSuchMailboxError"):
        returned_mail.read()


class Server:
    """An IMAP server with two mails, which keeps what it is told."""

    def __init__(self, mails: dict[str, bytes]) -> None:
        self.mails = mails
        self.told: list[tuple[object, ...]] = []

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self.told.append(("logout",))

    def login(self, *words):
        self.told.append(("login", *words))

    def select(self, folder):
        self.told.append(("select", folder))
        return "OK", [b"2"]

    def expunge(self):
        self.told.append(("expunge",))

    def uid(self, command, *words):
        if command == "SEARCH":
            return "OK", [" ".join(self.mails).encode()]
        if command == "FETCH":
            return "OK", [(b"1 (BODY[]<0> {9}", self.mails[words[0]]), b")"]
        self.told.append((command, *words))
        return "OK", [None]


def test_an_imap_folder_is_read_likewise(app, monkeypatch, mail, state):
    server = Server({"7": postfix(mail.message_id), "8": b"junk"})
    asked = []
    monkeypatch.setattr(
        imaplib, "IMAP4_SSL", lambda host, port, **options: asked.append((host, port, options["timeout"])) or server
    )
    monkeypatch.setitem(app.config, "BOUNCE_MAILBOX", "imaps://no-reply%40example.jp:p%2Fw@imap.example.jp/Returned")

    returned_mail.read()

    assert state(mail) == "5.1.1"
    assert asked == [("imap.example.jp", 993, 15.0)]
    assert server.told == [
        ("login", "no-reply@example.jp", "p/w"),
        ("select", '"Returned"'),
        ("STORE", "7", "+FLAGS.SILENT", r"(\Deleted)"),
        ("STORE", "8", "+FLAGS.SILENT", r"(\Flagged)"),
        ("expunge",),
        ("logout",),
    ]
