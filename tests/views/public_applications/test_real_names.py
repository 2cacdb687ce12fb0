"""Names and addresses as real people have them, from the forms to the mails and the file (§8.2, §8.3, §13.2)."""

from __future__ import annotations

import csv
import io

import pytest
from sqlalchemy import select

from jobs.mail import send_due
from models.applications.utm_application import UtmApplication
from models.mail.outbox import MailMessage
from tests.support.mail_sink import Sink, free_port, listening

CARRIER = "a..b@docomo.ne.jp"
COMPANIES = ["㈱髙島屋﨑 ｶﾌﾞｼｷｶﾞｲｼｬﾐﾄﾞﾘ", "𠮷野家㈲辻󠄀井Ⅲ番館№１"]
NAMES = {"last_name": "髙﨑", "first_name": "𠮷朗"}


@pytest.fixture
def sink(app, monkeypatch):
    """A mail server to which the mail worker hands what waits."""
    sink = Sink(free_port())
    for name, value in {"server": "127.0.0.1", "port": sink.port, "suppress": False}.items():
        monkeypatch.setattr(app.extensions["mail"], name, value)
    with listening(sink):
        yield sink


@pytest.fixture
def delivered(app, sink):
    """Send what waits, and return the texts of the mails."""

    def texts():
        with app.app_context():
            send_due()
        return [message.get_content() for message in sink.messages]

    return texts


def confirm(make, app):
    token = make.session.scalars(select(MailMessage.secret).where(MailMessage.kind == "application_confirm")).one()
    make.session.rollback()
    assert app.test_client().post(f"/confirm-application/{token}").status_code == 200


@pytest.mark.parametrize("company", COMPANIES)
def test_an_application_keeps_its_names_up_to_the_mail_and_the_file(
    app, visitor, make, tenant, applications, delivered, sink, signed_in, company
):
    operator = signed_in(make.member(tenant, "Partner Operator"), tenant)
    of_users = {f"users-0-{name}": value for name, value in (NAMES | {"email": "..c.@ezweb.ne.jp"}).items()}
    of_delivery = {f"deliveries-0-{name}": value for name, value in (NAMES | {"company": company}).items()}

    answer = visitor.send(company=company, email=CARRIER, **NAMES, **of_users, **of_delivery)

    assert answer.status_code == 302
    (application,) = applications()
    assert (application.company, application.name, application.email) == (company, "髙﨑 𠮷朗", CARRIER)
    assert [user.email for user in application.users] == ["..c.@ezweb.ne.jp"]
    make.session.rollback()
    confirm(make, app)
    mails = delivered()
    assert len(mails) == 2
    assert all(company in mail and "髙﨑 𠮷朗" in mail for mail in mails)
    assert set(sink.recipients) == {CARRIER}
    assert all(b'To: "a..b"@docomo.ne.jp' in raw for raw in sink.raw)
    file = operator.get("/service-applications/download").data.decode("utf-8-sig")
    _, row = csv.reader(io.StringIO(file, newline=""))
    assert (row[3], row[4], row[5], row[8]) == (company, "髙﨑", "𠮷朗", CARRIER)
    assert (row[18], row[19], row[20]) == (company, "髙﨑", "𠮷朗")
    found = operator.get("/service-applications/", query_string={"company": company}).text
    assert application.id in found


@pytest.mark.parametrize("company", COMPANIES)
def test_an_application_for_more_utms_keeps_its_names_up_to_the_mail(utm_visitor, make, delivered, sink, company):
    of_delivery = {f"deliveries-0-{name}": value for name, value in (NAMES | {"company": company}).items()}

    answer = utm_visitor.send(applicant_name=f"{company} 髙﨑𠮷", applicant_email=CARRIER, **of_delivery)

    assert answer.status_code == 302
    application = make.session.scalars(select(UtmApplication)).one()
    assert application.recipient == (f"{company} 髙﨑𠮷", CARRIER)
    assert [each.company for each in application.deliveries] == [company]
    make.session.rollback()
    (mail,) = delivered()
    assert f"{company} 髙﨑𠮷" in mail
    assert sink.recipients == [CARRIER]
