"""Finds out whether a request failed because of TLS itself, which retrying does not fix."""

from __future__ import annotations

import ssl

# OpenSSL's reasons when the server answers without TLS.
_PLAIN_TEXT_REASONS = {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE"}
# The server closed the connection, has an internal error, or data was corrupted in transit: a retry may succeed.
_TRANSIENT_REASONS = {
    None,
    "UNEXPECTED_EOF_WHILE_READING",
    "TLSV1_ALERT_INTERNAL_ERROR",
    "DECRYPTION_FAILED_OR_BAD_RECORD_MAC",
    "SSLV3_ALERT_BAD_RECORD_MAC",
}


def tls_failure(error: BaseException) -> str | None:
    """Return a short description of a TLS failure; None when the connection merely broke and a retry may succeed.

    :param error: the exception of a request; the cause may be wrapped several times by requests and urllib3.
    """
    cause: object = error
    while not isinstance(cause, ssl.SSLError):
        if not isinstance(cause, BaseException):
            return None
        cause = getattr(cause, "reason", None) or next(iter(cause.args), None)
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"its certificate is refused ({cause.verify_message.rstrip('.')})"
    if (
        isinstance(cause, ssl.SSLEOFError | ssl.SSLZeroReturnError | ssl.SSLSyscallError)
        or cause.reason in _TRANSIENT_REASONS
    ):
        return None
    words = cause.reason.lower().replace("_", " ")
    return f"the server does not use TLS ({words})" if cause.reason in _PLAIN_TEXT_REASONS else words
