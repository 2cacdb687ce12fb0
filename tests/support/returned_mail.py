"""Notifications about undeliverable mail, as several mail servers write them."""

from __future__ import annotations

import base64

POSTFIX = """\
Return-Path: <>
From: MAILER-DAEMON@mx.example.net (Mail Delivery System)
To: no-reply@example.jp
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="B1"
Message-Id: <20261130010203.0123456789@mx.example.net>

This is a MIME-encapsulated message.

--B1
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

I'm sorry to have to inform you that your message could not be delivered.

--B1
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.net
Arrival-Date: Mon, 30 Nov 2026 10:02:03 +0900 (JST)

Final-Recipient: rfc822; gone@example.com
Original-Recipient: rfc822;gone@example.com
Action: {action}
Status: {status}
Remote-MTA: dns; mail.example.com
Diagnostic-Code: smtp; 550 {status} <gone@example.com>: Recipient address
    rejected: User unknown

--B1
Content-Description: Undelivered Message
Content-Type: message/rfc822

Message-ID: <{message_id}@example.jp>
Subject: =?utf-8?b?44GK55+l44KJ44Gb?=
To: gone@example.com
Content-Type: text/plain; charset="utf-8"
Content-Transfer-Encoding: base64

5pys5paH44Gn44GZ44CC

--B1--
"""

EXCHANGE = """\
From: postmaster@contoso.example
To: no-reply@example.jp
Subject: =?iso-2022-jp?B?GyRCR1s/LkcvGyhC?=
In-Reply-To: <{message_id}@example.jp>
References: <other@example.org> <{message_id}@example.jp>
MIME-Version: 1.0
Content-Type: multipart/report; report-type="delivery-status";
	boundary="_000_B2"

--_000_B2
Content-Type: multipart/alternative; boundary="_001_B3"

--_001_B3
Content-Type: text/plain; charset="iso-2022-jp"
Content-Transfer-Encoding: 7bit

\x1b$B%a!<%k$OG[?.$G$-$^$;$s$G$7$?\x1b(B

--_001_B3
Content-Type: text/html; charset="utf-8"
Content-Transfer-Encoding: base64

PHA+6YWN5L+h44Gn44GN44G+44Gb44KT44Gn44GX44GfPC9wPg==

--_001_B3--

--_000_B2
Content-Type: message/delivery-status

Reporting-MTA: dns;EX01.contoso.example
Received-From-MTA: dns;mail.example.jp

Final-Recipient: rfc822;gone@contoso.example
Action: {action}
Status: {status}
Diagnostic-Code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; not found
X-Display-Name: \xe5\xb1\xb1\xe7\x94\xb0

--_000_B2
Content-Type: text/rfc822-headers

Message-ID: <{message_id}@example.jp>
Subject: =?utf-8?b?44GK55+l44KJ44Gb?=

--_000_B2--
"""


def postfix(message_id, *, action: str = "failed", status: str = "5.1.1") -> bytes:
    return POSTFIX.format(message_id=message_id, action=action, status=status).encode()


def exchange(message_id, *, action: str = "failed", status: str = "5.1.10") -> bytes:
    return EXCHANGE.format(message_id=message_id, action=action, status=status).encode("latin-1")


def encoded(message_id) -> bytes:
    """The delivery status in base64, and the headers of the mail as those of an internationalized one."""
    fields = (
        "Reporting-MTA: dns; mx\r\n\r\nFinal-Recipient: utf-8; 山田@example.com\r\nAction: failed\r\nStatus: 5.2.1\r\n"
    )
    status = base64.b64encode(fields.encode()).decode()
    return f"""\
Content-Type: multipart/report; report-type=delivery-status; boundary=B

--B
Content-Type: text/plain; charset=utf-8

配信できませんでした。
--B
Content-Type: message/global-delivery-status
Content-Transfer-Encoding: base64

{status}
--B
Content-Type: message/global-headers

Message-ID: <{message_id}@example.jp>

--B--
""".encode()


def without_status(message_id) -> bytes:
    """Only a reply of the mail server, in the diagnostic."""
    return (
        postfix(message_id)
        .replace(b"Status: 5.1.1\n", b"")
        .replace(b"smtp; 550 5.1.1 <gone@example.com>", b"smtp; 552 <gone@example.com>")
    )


_BROKEN_BASE64 = b"Content-Type: message/delivery-status\nContent-Transfer-Encoding: base64\n\n%%%\n--B--"

JUNK = [
    b"",
    b"\x00\xff\xfe" * 100,
    b"Subject: =?x-unknown?B?!!!?=\nContent-Type: multipart/report; boundary=\n\n--\n",
    b"Content-Type: multipart/report; boundary=B\n\n--B\nContent-Type: message/delivery-status\n\nAction\n: \n\n--B",
    b"Content-Type: multipart/report; boundary=B\n\n--B\n" + _BROKEN_BASE64,
    "From: 山田 <yamada@example.com>\nSubject: 自動返信\n\n休暇中です。\n".encode(),
    b"Content-Type: message/rfc822\n\n" * 2000,
    b"Content-Type: multipart/mixed; boundary=B\n\n--B\n" * 2000,
]
"""Mails that are no notification."""
