from __future__ import annotations

import pytest

from tests.load import figures
from tests.load.figures import Calls, Request, Sample

MIB = 2**20
CALLS = Calls(
    heartbeats=100,
    acknowledged=100,
    alerts=["a-1", "a-2"],
    stored={"a-1": 1, "a-2": 1},
    latencies=[5.0] * 100,
    failures=[],
    unseen=0,
)


def request(took=10.0, problem="", name="dashboard"):
    return Request(0.0, name, took, problem)


def held(found):
    return {each.name: each.held for each in found}


def samples(**last):
    """Ten looks at the memory: 100 MiB at first, then as given."""
    return [
        Sample(at, {name: (100 if at < 5 else size) * MIB for name, size in last.items()})
        for at in map(float, range(10))
    ]


def test_a_run_without_a_fault_holds_all_limits():
    found = figures.findings(CALLS, [request()] * 20, samples(worker=105), seconds=10)

    assert set(held(found).values()) == {True}
    assert found[0].figures["measured"] == "100 of 100 acknowledged, 10/s"


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"acknowledged": 99}, "heartbeats"),
        ({"heartbeats": 0, "acknowledged": 0}, "heartbeats"),
        ({"unseen": 1}, "heartbeats"),
        ({"stored": {"a-1": 1}}, "alerts"),
        ({"stored": {"a-1": 1, "a-2": 2}}, "alerts"),
        ({"failures": ["heartbeat: 503"]}, "errors of UTMs"),
        ({"latencies": [20_000.0] * 100}, "calls of UTMs, from the planned time"),
    ],
)
def test_what_is_lost_doubled_late_or_fails_misses_its_limit(change, name):
    calls = Calls(**{**vars(CALLS), **change})

    found = held(figures.findings(calls, [request()] * 20, [], seconds=10))

    assert [each for each, is_held in found.items() if not is_held] == [name]


def test_slow_requests_may_take_ten_times_the_median():
    fine = figures.findings(CALLS, [request(10)] * 90 + [request(100)] * 10, [], seconds=10)
    slow = figures.findings(CALLS, [request(10)] * 90 + [request(101)] * 10, [], seconds=10)

    assert held(fine)["requests of operators"]
    assert not held(slow)["requests of operators"]


def test_an_error_of_an_operator_is_counted_with_its_page():
    found = figures.findings(CALLS, [request()] * 20 + [request(problem="500")] * 2, [], seconds=10)

    (errors,) = (each for each in found if each.name == "errors of operators")
    assert (errors.figures["measured"], errors.held) == ("2 x dashboard: 500", False)


def test_operators_who_did_nothing_are_no_success():
    assert not held(figures.findings(CALLS, [], [], seconds=10))["requests of operators"]


def test_memory_may_grow_by_a_tenth_from_the_first_part_of_the_run_to_the_last():
    found = held(figures.findings(CALLS, [request()] * 20, samples(worker=110, cron=111), seconds=300))

    assert (found["memory, worker"], found["memory, cron"]) == (True, False)


def test_the_memory_of_a_connection_to_the_database_is_shown_and_not_judged():
    found = figures.findings(CALLS, [request()] * 20, samples(**{figures.CONNECTION: 150}), seconds=300)

    (memory,) = (each for each in found if each.name == "memory, a connection to PostgreSQL")
    assert memory.held
    assert memory.figures == {"measured": "100 MiB, then 150 MiB", "remark": "1.50x"}
    assert memory.limit == "none: its caches fill"


def test_memory_is_not_judged_in_a_short_run():
    found = figures.findings(CALLS, [request()] * 20, samples(cron=200), seconds=299)

    (memory,) = (each for each in found if each.name == "memory, cron")
    assert (memory.limit, memory.held) == ("none below 5 minutes", True)


def test_a_process_that_ended_is_left_out_of_the_comparison():
    looks = [Sample(0.0, {"worker": 1, "web1 1": 1}), Sample(10.0, {"worker": 1})]

    assert figures.growth(looks) == {"worker": (1.0, 1.0)}
    assert figures.growth([]) == {}


def test_percentiles_of_few_figures():
    assert figures.p50_p95([]) == (0.0, 0.0)
    assert figures.p50_p95([3.0]) == (3.0, 3.0)
    assert figures.p50_p95([float(number) for number in range(101)]) == (50.0, 95.0)
