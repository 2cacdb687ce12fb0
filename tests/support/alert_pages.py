"""What tests of the alert list read off its pages and its files."""

from __future__ import annotations

import csv
import io
import re
import zipfile


def links(text: str) -> list[str]:
    return re.findall(r'href="([^"]+)"', text)


def download(client, of, /, **form):
    answer = client.post(f"/customers/{of.customer_id}/alerts/download", data=form)
    archive = zipfile.ZipFile(io.BytesIO(answer.data))
    found = {
        name: [row["alert_id"] for row in csv.DictReader(io.StringIO(archive.read(name).decode("utf-8-sig")))]
        for name in archive.namelist()
    }
    return answer.headers["Content-Disposition"], found
