"""The dashboard and the alert rules name only metrics and label values that the portal exports, and documents name all of them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from jobs import queue_figures, worker_liveness
from jobs.heartbeat import beat
from views import metrics

ROOT = Path(__file__).parents[2]
DASHBOARD = ROOT / "deploy" / "grafana" / "portal.json"
RULES = ROOT / "deploy" / "prometheus" / "alerts.yaml"
SCRAPING = ROOT / "deploy" / "prometheus" / "prometheus.yaml"
METRIC = re.compile(r"\bportal_\w+")
SELECTOR = re.compile(r"\b(portal_\w+)\{([^}]*)\}")
GROUPING = re.compile(r"\bby \(([\w, ]+)\)")
LABEL = re.compile(r'(\w+)\s*(=~|!=|=)\s*"([^"]*)"')


def queries() -> list[str]:
    """Every PromQL expression of the two files."""
    panels = json.loads(DASHBOARD.read_text("utf-8"))["panels"]
    groups = yaml.safe_load(RULES.read_text("utf-8"))["groups"]
    return [target["expr"] for panel in panels for target in panel["targets"]] + [
        rule["expr"] for group in groups for rule in group["rules"]
    ]


@pytest.fixture
def exported(app, client, make, monkeypatch) -> dict[str, set[str]]:
    """Every exported sample with the names of its labels, when each counter has counted something."""
    for counter in (metrics.RATE_LIMITED, metrics.ROUTE_STATEMENTS, metrics.REQUEST_SECONDS):
        counter.labels("/example/")
    metrics.REQUESTS.labels("/example/", "GET", "2xx")
    metrics.SIGN_INS.labels("failed")
    metrics.LINES.labels("alerts", "stored")
    connection = app.extensions["redis"]
    queue_figures.count_run(connection, "jobs.heartbeat.beat", failed=False, seconds=0.1)
    worker_liveness.record(connection, "one", since=worker_liveness.server_time(connection))
    monkeypatch.setattr(app.extensions["service_metrics"], "_until", 0.0)
    monkeypatch.setattr(app.extensions["service_metrics"], "kept_for", 0.0)
    with app.app_context():
        beat()
    found: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(client.get("/metrics").text):
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


def test_every_metric_in_a_query_is_exported(exported):
    named = {name for query in queries() for name in METRIC.findall(query)}

    assert len(named) > 15
    assert named - set(exported) == set()


def test_every_label_in_a_query_is_one_of_its_metric(exported):
    for query in queries():
        for name, selector in SELECTOR.findall(query):
            assert {label for label, _, _ in LABEL.findall(selector)} <= exported[name], query
        wanted = {label.strip() for group in GROUPING.findall(query) for label in group.split(",")}
        for name in METRIC.findall(query):
            assert wanted <= exported[name], query


def test_prometheus_asks_every_web_process_on_its_own_path():
    site = (ROOT / "deploy" / "nginx" / "conf.d" / "portal-metrics.conf").read_text("utf-8")
    upstream = (ROOT / "deploy" / "nginx" / "portal" / "upstream.conf").read_text("utf-8")
    (job,) = yaml.safe_load(SCRAPING.read_text("utf-8"))["scrape_configs"]
    asked = {each["labels"]["__metrics_path__"]: each["labels"]["web"] for each in job["static_configs"]}

    served = dict(re.findall(r"location = (\S+) \{[^}]*proxy_pass http://127\.0\.0\.1:(\d+)/metrics;", site))
    assert asked == served
    assert set(served.values()) == set(re.findall(r"^server 127\.0\.0\.1:(\d+);", upstream, re.MULTILINE))


def test_the_documentation_names_every_metric(exported):
    text = (ROOT / "docs" / "monitoring.md").read_text("utf-8")
    families = {re.sub(r"_(bucket|sum|count)$", "", name) for name in exported if not name.endswith("_created")}

    assert sorted(name for name in families if f"`{name}`" not in text) == []


def test_every_rule_has_a_severity_and_says_what_is_wrong():
    rules = [rule for group in yaml.safe_load(RULES.read_text("utf-8"))["groups"] for rule in group["rules"]]

    assert {rule["labels"]["severity"] for rule in rules} == {"critical", "warning"}
    assert all(
        rule["annotations"]["summary"].endswith((".", "?")) or ":" in rule["annotations"]["summary"] for rule in rules
    )
    assert len({rule["alert"] for rule in rules}) == len(rules)
    text = (ROOT / "docs" / "monitoring.md").read_text("utf-8")
    assert [rule["alert"] for rule in rules if f"`{rule['alert']}`" not in text] == []


def test_the_scraper_reads_the_rules():
    config = yaml.safe_load(SCRAPING.read_text("utf-8"))

    assert config["rule_files"] == [RULES.name]
    (job,) = config["scrape_configs"]
    assert job["job_name"] == "portal"


def test_the_panels_of_the_dashboard_do_not_overlap():
    panels = json.loads(DASHBOARD.read_text("utf-8"))["panels"]
    places = {(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels}

    assert len(places) == len(panels) == len({panel["title"] for panel in panels})


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool (Debian: prometheus) is not installed")
def test_prometheus_accepts_the_files():
    subprocess.run(["promtool", "check", "config", str(SCRAPING)], check=True, capture_output=True)
