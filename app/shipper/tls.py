"""Tells whether a call failed because of TLS itself: what no waiting mends."""

from __future__ import annotations

import ssl

# What OpenSSL calls the answer of a server that speaks in the clear.
_IN_THE_CLEAR = {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE"}
# The other side has broken off or is in trouble for the moment, which is TLS's 500; or bytes were damaged on the way.
_MAY_PASS = {
    None,
    "UNEXPECTED_EOF_WHILE_READING",
    "TLSV1_ALERT_INTERNAL_ERROR",
    "DECRYPTION_FAILED_OR_BAD_RECORD_MAC",
    "SSLV3_ALERT_BAD_RECORD_MAC",
}


def refusal(error: BaseException) -> str | None:
    """Return in a few words what TLS refuses; None when a connection merely broke, which may pass.

    :param error: what a call raised; the cause may be deep inside, in what requests and urllib3 put around it.
    """
    cause: object = error
    while not isinstance(cause, ssl.SSLError):
        if not isinstance(cause, BaseException):
            return None
        cause = getattr(cause, "reason", None) or next(iter(cause.args), None)
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"its certificate is refused ({cause.verify_message.rstrip('.')})"
    if isinstance(cause, ssl.SSLEOFError | ssl.SSLZeroReturnError | ssl.SSLSyscallError) or cause.reason in _MAY_PASS:
        return None
    words = cause.reason.lower().replace("_", " ")
    return f"what answers there does not speak it ({words})" if cause.reason in _IN_THE_CLEAR else words
