from __future__ import annotations

import asyncio
import errno
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from seaway.core import chance, segment
from seaway.core.errors import Unavailable
from seaway.core.event import Label
from seaway.serve.log import EventLog


def label(sequence: int, value: str = "bad") -> Label:
    return Label(
        sequence=sequence, model="m", principal="p", value=value, known="2026-11-23T00:00:00Z", id=str(sequence)
    )


def with_log(folder: Path, script: Callable[[EventLog], Awaitable[Any]], **settings: Any) -> Any:
    async def main() -> Any:
        log = EventLog(folder, 2, **settings)
        try:
            return await script(log)
        finally:
            log.close()

    return asyncio.run(main())


def on_disk(folder: Path) -> list[int]:
    return [one.sequence for path in sorted(folder.iterdir()) for _, one in segment.events(path)]


@pytest.mark.parametrize("durability", ["disk", "process"])
def test_an_event_is_in_the_file_when_append_is_done(tmp_path: Path, durability: str) -> None:
    async def script(log: EventLog) -> None:
        for sequence in range(5):
            await log.append(label(sequence))
            assert on_disk(tmp_path) == list(range(sequence + 1))

    with_log(tmp_path, script, durability=durability)


def test_without_durability_nothing_waits_and_close_writes_all(tmp_path: Path) -> None:
    async def script(log: EventLog) -> None:
        for sequence in range(500):
            await log.append(label(sequence))

    with_log(tmp_path, script, durability="none")
    assert on_disk(tmp_path) == list(range(500))


def test_a_request_id_names_the_record_it_is_written_to(tmp_path: Path) -> None:
    async def script(log: EventLog) -> list[str]:
        ids = []
        for sequence in range(60):
            ids.append(log.next_id())
            await log.append(label(sequence))
        return ids

    ids = with_log(tmp_path, script, segment_bytes=600)
    assert sorted(ids) == ids
    assert len(list(tmp_path.iterdir())) > 3
    for sequence, identifier in enumerate(ids):
        place = segment.place_of(identifier)
        assert place is not None
        path = tmp_path / segment.name(place.worker, place.segment, sealed=True)
        assert [one.sequence for _, one in segment.events(path)][place.record] == sequence


def test_many_appends_share_few_syncs(tmp_path: Path) -> None:
    synced = []

    def sync(handle: int) -> None:
        synced.append(handle)
        os.fdatasync(handle)

    async def script(log: EventLog) -> None:
        await asyncio.gather(*(_wait(log.append(label(sequence))) for sequence in range(1000)))

    with_log(tmp_path, script, sync=sync)
    assert on_disk(tmp_path) == list(range(1000))
    assert len(synced) < 100


def test_labels_of_one_request_are_written_together(tmp_path: Path) -> None:
    async def script(log: EventLog) -> int:
        await log.append_all([label(sequence) for sequence in range(7)])
        return log.place.record

    assert with_log(tmp_path, script) == 7
    assert on_disk(tmp_path) == list(range(7))


def test_an_old_segment_is_sealed_by_the_tick_and_an_empty_one_is_not(tmp_path: Path) -> None:
    async def script(log: EventLog) -> None:
        log.tick()
        await log.append(label(1))
        chance.sleep(0.05)
        log.tick()
        await log.append(label(2))
        names = sorted(path.suffix for path in tmp_path.iterdir())
        assert names == [".log", ".seg"]

    with_log(tmp_path, script, segment_s=0.02)
    assert on_disk(tmp_path) == [1, 2]


def test_read_merges_workers_by_sequence(tmp_path: Path) -> None:
    async def main() -> list[int]:
        logs = [EventLog(tmp_path, worker) for worker in (0, 1)]
        for sequence in range(10):
            await logs[sequence % 2].append(label(sequence))
        found = [one.sequence for one in logs[0].read(3)]
        for log in logs:
            log.close()
        return found

    assert asyncio.run(main()) == [4, 5, 6, 7, 8, 9]


def test_after_a_failed_sync_nothing_is_acknowledged_any_more(tmp_path: Path) -> None:
    """A retry could only seem to succeed: the kernel may have dropped the pages (fsyncgate)."""
    calls = []

    def sync(handle: int) -> None:
        calls.append(handle)
        if len(calls) == 2:  # the first event, then the disk fails once
            raise OSError(errno.EIO, "Input/output error")

    async def script(log: EventLog) -> None:
        await log.append(label(1))
        with pytest.raises(Unavailable, match="can no longer make its event log durable"):
            await log.append(label(2))
        with pytest.raises(Unavailable, match="can no longer make its event log durable"):
            log.append(label(3))
        assert log.failures == 1
        assert log.failure is not None
        assert log.waiting == 0

    with_log(tmp_path, script, sync=sync)
    assert [path.suffix for path in tmp_path.iterdir()] == [".log"]  # abandoned: the next start mends it
    EventLog(tmp_path, 2).close()
    assert 1 in on_disk(tmp_path)
    assert 3 not in on_disk(tmp_path)


FULL = """
import asyncio, resource, sys
from pathlib import Path
from seaway.core.errors import Unavailable
from seaway.core.event import Label
from seaway.serve.log import EventLog

def label(sequence):
    return Label(sequence=sequence, model="m", principal="p", value="x" * 100, known="", id=str(sequence))

def limit(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

async def main():
    log = EventLog(Path(sys.argv[1]), 2)
    acknowledged, refused = [], []
    for sequence in range(100):
        limit(2000 if sequence < 80 else resource.RLIM_INFINITY)
        if 20 <= sequence < 80:
            limit(10)
        ids = log.next_id()
        try:
            await log.append(label(sequence))
            acknowledged.append((sequence, ids))
        except Unavailable as error:
            assert error.code == "log-unavailable" and "Free space" in error.fix, error
            refused.append(sequence)
    log.close()
    assert set(range(20, 80)) <= set(refused), refused
    assert set(range(81, 100)) <= {sequence for sequence, _ in acknowledged}, acknowledged
    print(*[f"{sequence}:{ids}" for sequence, ids in acknowledged])

asyncio.run(main())
"""


def test_a_full_disk_refuses_and_recovers_by_itself(tmp_path: Path) -> None:
    """No acknowledged event is missing, no refused one is in the way, and ids still name their records."""
    folder = tmp_path / "log"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", FULL, str(folder)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    held = set(on_disk(folder))
    for pair in done.stdout.split():
        sequence, _, identifier = pair.partition(":")
        assert int(sequence) in held
        place = segment.place_of(identifier)
        assert place is not None
        path = folder / segment.name(place.worker, place.segment, sealed=True)
        assert [one.sequence for _, one in segment.events(path)][place.record] == int(sequence)


def test_too_much_waiting_is_turned_away(tmp_path: Path) -> None:
    async def script(log: EventLog) -> None:
        log.waiting = 64 << 20
        with pytest.raises(Unavailable, match="Too many answers wait for the disk"):
            log.append(label(1))
        log.waiting = 0

    with_log(tmp_path, script)


async def _wait(done: Awaitable[None]) -> None:
    await done
