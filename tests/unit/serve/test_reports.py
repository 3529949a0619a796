"""Wrong keys told by workers, summed up by the supervisor, noted once."""

from __future__ import annotations

import contextlib
import os

from seaway.serve.reports import MAX_SOURCES, OTHERS, Episodes, Lines, Reporter


def test_counts_of_workers_become_one_note() -> None:
    noted: list[tuple[str, str]] = []
    episodes = Episodes(lambda kind, reason: noted.append((kind, reason)))
    for _ in range(2):
        reading, writing = os.pipe()
        reporter, lines = Reporter(writing), Lines(reading)
        for number in range(500):
            reporter.wrong_key("10.0.0.1", number >= 10)
        reporter.wrong_key("10.0.0.2", False)
        os.write(writing, b"a library that prints\n")
        reporter.send()
        reporter.send()
        for report in lines.read():
            episodes.take(report)
        os.close(reading)
        os.close(writing)
    episodes.settle()
    assert noted == []
    episodes.settle(at_once=True)
    ((kind, reason),) = noted
    assert kind == "wrong keys"
    assert reason.startswith("1000 keys that open nothing came from 10.0.0.1 between ")
    assert "980 of them were turned away" in reason


def test_nothing_is_lost_or_waited_for_while_nobody_reads() -> None:
    reading, writing = os.pipe()
    reporter, lines = Reporter(writing), Lines(reading)
    for size in (300, 1):
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(writing, b"{}\n" * size)
    reporter.wrong_key("10.0.0.1", True)
    reporter.send()  # the pipe is full
    reporter.wrong_key("10.0.0.1", True)
    assert list(lines.read()) == []
    reporter.send()
    (report,) = lines.read()
    assert (report.subject, report.count, report.throttled) == ("10.0.0.1", 2, 2)
    os.close(reading)
    os.close(writing)


def test_addresses_without_end_are_one() -> None:
    reading, writing = os.pipe()
    reporter, lines = Reporter(writing), Lines(reading)
    for number in range(MAX_SOURCES + 100):
        reporter.wrong_key(f"10.0.{number // 250}.{number % 250}", True)
    reporter.send()
    told = {report.subject: report.count for report in lines.read()}
    assert len(told) == MAX_SOURCES + 1
    assert told[OTHERS] == 100
    os.close(reading)
    os.close(writing)
