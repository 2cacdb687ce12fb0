"""E-mail addresses: which ones mail can be sent to, and how they are written in SMTP and in headers."""

from __future__ import annotations

import re

from email_validator import EmailNotValidError, validate_email

# Mobile carriers in Japan issued addresses with dots where RFC 5321 has none, until 2009, and they are still in use.
_CARRIERS = frozenset(
    {
        "docomo.ne.jp",
        "ezweb.ne.jp",
        "au.com",
        "ido.ne.jp",
        "softbank.ne.jp",
        "i.softbank.jp",
        "vodafone.ne.jp",
        "jp-c.ne.jp",
        "jp-d.ne.jp",
        "jp-h.ne.jp",
        "jp-k.ne.jp",
        "jp-n.ne.jp",
        "jp-q.ne.jp",
        "jp-r.ne.jp",
        "jp-s.ne.jp",
        "jp-t.ne.jp",
        "disney.ne.jp",
        "pdx.ne.jp",
        "willcom.com",
        "ymobile.ne.jp",
        "ymobile1.ne.jp",
        "emnet.ne.jp",
        "uqmobile.jp",
    }
)
_CARRIER_LOCAL_PART = re.compile(r"[A-Za-z0-9._+/?=-]{1,64}")
_DOT_ATOM = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")


def is_mail_address(text: str) -> bool:
    """Return whether mail can be sent to an address.

    The part before the @ must be ASCII: hardly any mail server accepts others. Reserved domains such as ``example.jp`` are
    valid. Whether the domain exists is not checked.

    >>> is_mail_address("hanako..@docomo.ne.jp"), is_mail_address("hanako..@example.jp")
    (True, False)
    """
    local, _, domain = text.rpartition("@")
    if _is_carrier(domain.lower()) and _CARRIER_LOCAL_PART.fullmatch(local):
        return True
    try:
        validate_email(text, check_deliverability=False, test_environment=True, allow_smtputf8=False)
    except EmailNotValidError:
        return False
    return True


def wire_address(address: str) -> str:
    """Return an address as SMTP and headers take it: what stands before the @ is quoted when its dots require it.

    >>> wire_address("hanako..@docomo.ne.jp")
    '"hanako.."@docomo.ne.jp'
    """
    local, _, domain = address.rpartition("@")
    if _DOT_ATOM.fullmatch(local) or local.startswith('"') or not local.isascii():
        return address
    escaped = local.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"@{domain}'


def _is_carrier(domain: str) -> bool:
    """Return whether a domain is one of a carrier, or below one, as ``t.vodafone.ne.jp`` is."""
    labels = domain.split(".")
    return any(".".join(labels[start:]) in _CARRIERS for start in range(len(labels)))
