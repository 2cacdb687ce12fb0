"""ダウンロード of the list of service applications (§8.2.2, §13.2): a CSV file, for which only the period counts."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from flask import Response, request, stream_with_context
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access

from models import audit, scope
from models.applications import export
from models.db import db
from views.applications.period import read_period
from views.applications.states import STATE_LABELS
from views.base import PortalView, actor
from views.read_sessions import streamed
from views.screen.csv_file import csv_lines


class ServiceDownloadView(PortalView):
    """The file with all applications of a period."""

    route_base = "/service-applications"
    class_permission_name = "ServiceApplications"

    @expose("/download")
    @has_access
    def download(self) -> Response:
        """Return the file. It is audited, because it contains the personal data of many people."""
        period = read_period(request.args)
        session = db.session()
        tenant_id = scope.own_tenant_id(session)
        asked = export.questions(session)
        states = {str(state): str(label) for state, label in STATE_LABELS.items()}
        subject = ("ServiceApplication", period.value if period.first is not None else "all")
        # In a transaction of its own, because requests that only read do not commit.
        with scope.tenant_session(tenant_id) as writing:
            audit.record(writing, "service_application.downloaded", subject, by=actor(), tenant_id=tenant_id)
            writing.commit()
        session.rollback()

        def blocks() -> Iterator[bytes]:
            yield from csv_lines([*export.COLUMNS, *asked], ())
            yield from streamed(
                scope.of_tenant(tenant_id),
                partial(export.csv_blocks, start=period.start, end=period.end, asked=asked, states=states),
            )

        part = period.value.replace("-", "") if period.first is not None else "all"
        answer = Response(stream_with_context(blocks()), mimetype="text/csv; charset=utf-8")
        answer.headers["Content-Disposition"] = f'attachment; filename="service_applications_{part}.csv"'
        answer.headers["Cache-Control"] = "no-store"
        return answer
