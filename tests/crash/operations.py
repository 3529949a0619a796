"""Every operation that changes a project's state, as rig R1 strikes it: what it needs, what it does, what must hold after."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from abc import ABC, abstractmethod
from collections import Counter
from pathlib import Path

from seaway.core import canonical, chance, event, segment
from seaway.core.bundle import open_bundle
from seaway.core.errors import Unavailable
from seaway.core.event import Event, Label, Prediction
from seaway.core.verdict import failed
from seaway.monitor.window import Windows
from seaway.registry.promote import promote, rollback
from seaway.registry.source import RegistrySource
from seaway.registry.store import Registry, Reservation
from seaway.security.sign import Ed25519Signer, TrustFolder
from seaway.serve import labels as offline
from seaway.serve.log import EventLog
from seaway.serve.segments import OpenSegment, mend, of_folder
from tests import credit
from tests.bundles import PASSED, add_release, caller, write_bundle
from tests.crash.rig import Ledger

MODEL = "credit"
FROZEN = Path(__file__).parents[1] / "golden" / "v1" / "state"


class Operation(ABC):
    """One operation on a folder. `run` notes in the ledger what it acknowledged; run again, it must arrive."""

    @abstractmethod
    def prepare(self, folder: Path) -> None:
        """Make what the operation works on."""

    @abstractmethod
    def run(self, folder: Path, ledger: Ledger) -> None:
        """Do it: this is what is struck."""

    @abstractmethod
    def check(self, folder: Path, told: list[str]) -> None:
        """Assert what must hold at any moment, before anybody has cleaned up; `told` is what was acknowledged."""

    @abstractmethod
    def arrived(self, folder: Path) -> None:
        """Assert what must hold once the operation has run through: its end, and nothing left over."""


# ------------------------------------------------------------------------------------------------------- registry


def whole(state: Path) -> Registry:
    """Assert that the registry is whole: linear, named releases are there and verify; return it."""
    served = RegistrySource(state).assignments()  # a server may be the first to meet a half-written file
    registry = Registry(state)
    now = registry.assignment(MODEL)
    assert served == ({} if now is None else {MODEL: now})
    moves = registry.assignments(MODEL)
    assert [one.sequence for one in moves] == list(range(1, len(moves) + 1)), "history is linear"
    assert failed(registry.verify_audit()[0]) == [], (
        "the audit chain tells what is there, and its checkpoint never leads"
    )
    for digest in now.digests if now else ():
        assert open_bundle(registry.store.get(digest), TrustFolder(state / "keys")).digest == digest
    connection = sqlite3.connect(state / "registry.db")
    try:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    finally:
        connection.close()
    return registry


def leftovers(folder: Path) -> list[str]:
    """Return files that only a crash leaves: temporary names, staging folders, journals."""
    return sorted(
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if ".staging-" in path.name or path.suffix == ".tmp" or path.name.endswith("-journal")
    )


class Promote(Operation):
    """Version 2 becomes champion in the place of version 1."""

    def prepare(self, folder: Path) -> None:
        for key in "ab":
            add_release(folder / ".seaway", key)
        promote(Registry(folder / ".seaway"), MODEL, 1, "first", "test")

    def run(self, folder: Path, ledger: Ledger) -> None:
        ledger.note(str(promote(Registry(folder / ".seaway"), MODEL, 2, "second", "test").sequence))

    def check(self, folder: Path, told: list[str]) -> None:
        registry = whole(folder / ".seaway")
        now = registry.assignment(MODEL)
        assert now is not None
        old, new = registry.releases(MODEL)
        assert now.champion in ((new.digest,) if told else (old.digest, new.digest))

    def arrived(self, folder: Path) -> None:
        self.check(folder, ["2"])
        assert leftovers(folder) == []


class Rollback(Promote):
    """Version 1 answers again, as the former assignment said."""

    def prepare(self, folder: Path) -> None:
        super().prepare(folder)
        promote(Registry(folder / ".seaway"), MODEL, 2, "second", "test")

    def run(self, folder: Path, ledger: Ledger) -> None:
        registry = Registry(folder / ".seaway")
        now = registry.assignment(MODEL)
        if now is not None and now.sequence == 2:
            ledger.note(str(rollback(registry, MODEL, "back", "test").sequence))

    def check(self, folder: Path, told: list[str]) -> None:
        registry = whole(folder / ".seaway")
        now = registry.assignment(MODEL)
        assert now is not None
        old, new = registry.releases(MODEL)
        assert now.champion in ((old.digest,) if told else (old.digest, new.digest))


class Release(Operation):
    """A built bundle is registered in a project that has none: reserved, stored, named."""

    def prepare(self, folder: Path) -> None:
        state = folder / ".seaway"
        reservation = Registry(state).reserve(MODEL, "a")
        write_bundle(
            folder / "built",
            Ed25519Signer.load_or_make(state / "keys"),
            files={"program/graph.onnx": b"graph", "card.md": b"# Card"},
            created=reservation.created,
        )

    def run(self, folder: Path, ledger: Ledger) -> None:
        registry = Registry(folder / ".seaway")
        ledger.note(registry.register(folder / "built", registry.reserve(MODEL, "a"), PASSED, "test"))

    def check(self, folder: Path, told: list[str]) -> None:
        state = folder / ".seaway"
        registry = whole(state)
        registered = [release.digest for release in registry.releases(MODEL)]
        assert registered == [self.digest(folder)] or (registered == [] and not told)
        assert set(registered) <= set(registry.store), "what is registered is stored"
        for digest in registry.store:
            assert open_bundle(registry.store.get(digest), TrustFolder(state / "keys")).digest == digest
        assert not list(state.glob("bundles/.staging-*")), "leftovers are removed at the next start"

    def arrived(self, folder: Path) -> None:
        self.check(folder, ["registered"])
        assert list(Registry(folder / ".seaway").store) == [self.digest(folder)]
        assert leftovers(folder) == []

    @staticmethod
    def digest(folder: Path) -> str:
        return canonical.digest((folder / "built" / "manifest.json").read_bytes())


class FirstReserve(Operation):
    """The registry is made, and the first version is reserved in it."""

    def prepare(self, folder: Path) -> None:
        (folder / ".seaway").mkdir(parents=True)

    def run(self, folder: Path, ledger: Ledger) -> None:
        ledger.note(Registry(folder / ".seaway").reserve(MODEL, "a").created)

    def check(self, folder: Path, told: list[str]) -> None:
        made = self.reservation(folder)
        assert made.version == made.sequence == 1
        assert not told or made.created == told[0], "the same key gets the same reservation"

    def arrived(self, folder: Path) -> None:
        self.check(folder, [])
        assert leftovers(folder) == []

    @staticmethod
    def reservation(folder: Path) -> Reservation:
        return whole(folder / ".seaway").reserve(MODEL, "a")


class Note(Operation):
    """A decision that moves nothing is written down."""

    def prepare(self, folder: Path) -> None:
        Registry(folder / ".seaway").reserve(MODEL, "a")

    def run(self, folder: Path, ledger: Ledger) -> None:
        registry = Registry(folder / ".seaway")
        if not self.noted(registry):
            registry.note(MODEL, "hold", reason="too few labels", principal="test")
        ledger.note("noted")

    def check(self, folder: Path, told: list[str]) -> None:
        assert self.noted(whole(folder / ".seaway")) in ((1,) if told else (0, 1))

    def arrived(self, folder: Path) -> None:
        self.check(folder, ["noted"])
        assert leftovers(folder) == []

    @staticmethod
    def noted(registry: Registry) -> int:
        return [entry.kind for entry in registry.history(MODEL)].count("hold")


class Admit(Operation):
    """A bundle that was built elsewhere takes its place beside what is here."""

    def prepare(self, folder: Path) -> None:
        state = folder / ".seaway"
        add_release(state, "a")
        signer = Ed25519Signer.load_or_make(state / "keys")
        write_bundle(folder / "built", signer, files={"card.md": b"# Card"}, version=4, sequence=7)

    def run(self, folder: Path, ledger: Ledger) -> None:
        ledger.note(Registry(folder / ".seaway").admit(folder / "built", PASSED, "test"))

    def check(self, folder: Path, told: list[str]) -> None:
        registry = whole(folder / ".seaway")
        versions = [release.version for release in registry.releases(MODEL)]
        assert versions in (([1, 4],) if told else ([1], [1, 4]))
        assert {release.digest for release in registry.releases(MODEL)} <= set(registry.store)
        assert [entry.kind for entry in registry.history(MODEL)].count("imported") == len(versions) - 1

    def arrived(self, folder: Path) -> None:
        self.check(folder, ["imported"])
        assert leftovers(folder) == []


class RotateKey(Operation):
    """A caller's key is replaced: the new one is stored and the old one ends, or neither."""

    OLD, NEW = caller("old"), caller("new")

    def prepare(self, folder: Path) -> None:
        Registry(folder / ".seaway").add_key(self.OLD, "test", "first")

    def run(self, folder: Path, ledger: Ledger) -> None:
        registry = Registry(folder / ".seaway")
        known = registry.keys()
        if self.NEW.id not in known:
            registry.rotate_key(self.OLD.id, self.NEW, chance.stamp(0.0), "test", "a year has passed")
        ledger.note("rotated")

    def check(self, folder: Path, told: list[str]) -> None:
        keys = whole(folder / ".seaway").keys()
        assert RegistrySource(folder / ".seaway").keys() == keys
        is_done = self.NEW.id in keys
        assert is_done or not told
        assert bool(keys[self.OLD.id].revoked) == is_done

    def arrived(self, folder: Path) -> None:
        self.check(folder, ["rotated"])
        assert leftovers(folder) == []


class Migrate(Operation):
    """A registry of schema 1 is opened and brought up to date."""

    def prepare(self, folder: Path) -> None:
        shutil.copytree(FROZEN, folder / ".seaway")

    def run(self, folder: Path, ledger: Ledger) -> None:
        ledger.note(str(len(Registry(folder / ".seaway").audit())))

    def check(self, folder: Path, told: list[str]) -> None:
        served = RegistrySource(folder / ".seaway").assignments()
        assert {name: one.sequence for name, one in served.items()} == {
            "credit": 1,
            "loans": 1,
            "sales": 3,
            "shoppers": 1,
        }
        registry = Registry(folder / ".seaway")
        assert failed(registry.verify_audit()[0]) == []
        assert [line.kind for line in registry.audit()].count("migrated") == 1

    def arrived(self, folder: Path) -> None:
        self.check(folder, ["12"])
        assert leftovers(folder) == []


class Sign(Operation):
    """The project's signing key is made and trusted; what it has signed stays trusted."""

    def prepare(self, folder: Path) -> None:
        folder.mkdir(parents=True)

    def run(self, folder: Path, ledger: Ledger) -> None:
        ledger.note(Ed25519Signer.load_or_make(folder / "keys").sign(b"words").hex())

    def check(self, folder: Path, told: list[str]) -> None:
        for signature in told:
            TrustFolder(folder / "keys").verify(b"words", bytes.fromhex(signature))

    def arrived(self, folder: Path) -> None:
        assert {path.name for path in (folder / "keys").iterdir()} == {".lock", "signing.key", "signing.pub"}


# ------------------------------------------------------------------------------------------------------ event log


def answer(sequence: int, request_id: str) -> Prediction:
    return Prediction(
        sequence=sequence,
        request_id=request_id,
        model=MODEL,
        release="r" * 64,
        arm="champion",
        principal="p",
        rows=b'[{"amount":3000.0}]',
        options=b"{}",
        ids=({"loan": f"L{sequence}"},),
        answers=f'[{{"label":"good","at":{sequence}}}]'.encode(),
        seen=0,
        took_us=10,
        kept=1.0,
    )


def label(sequence: int) -> Label:
    """Return a label that came after the answer of that number."""
    return Label(sequence=sequence + 1000, model=MODEL, principal="p", value="bad", known="", id=f"L{sequence}")


def logged(folder: Path) -> list[tuple[segment.Place, Event]]:
    """Return every whole record with its place; raises where a segment cannot be read."""
    return [
        (segment.Place(worker, number, record), one)
        for worker, number, path in of_folder(folder)
        for record, (_, one) in enumerate(segment.events(path))
    ]


class Append(Operation):
    """A worker appends answers one by one; its segments are small, so that it seals and rolls, and is closed."""

    ANSWERS, SEGMENT_BYTES = 12, 800

    def prepare(self, folder: Path) -> None:
        folder.mkdir(parents=True)

    def run(self, folder: Path, ledger: Ledger) -> None:
        asyncio.run(self.append(folder, ledger))

    async def append(self, folder: Path, ledger: Ledger) -> None:
        log = EventLog(folder / "log", 0, segment_bytes=self.SEGMENT_BYTES)
        for sequence in range(self.ANSWERS):
            identifier = log.next_id()
            try:
                await log.append(answer(sequence, identifier))
            except Unavailable as error:
                ledger.note(f"refused {error.code} {error}".splitlines()[0])
            else:
                ledger.note(f"{identifier} {sequence}")
        log.close()

    def check(self, folder: Path, told: list[str]) -> None:
        """Hold the log to the ledger: each acknowledged answer stands once, at the place that its id names."""
        found = dict(logged(folder / "log"))
        times = Counter(one.request_id for one in found.values())
        assert not times or max(times.values()) == 1, "no id stands twice"
        for line in told:
            identifier, _, sequence = line.partition(" ")
            if identifier == "refused":
                assert sequence.startswith("log-unavailable"), line
                continue
            place = segment.place_of(identifier)
            assert place is not None
            assert found[place] == answer(int(sequence), identifier)

    def arrived(self, folder: Path) -> None:
        EventLog(folder / "log", 0).close()
        assert {path.suffix for path in (folder / "log").iterdir()} <= {".seg"}, "all is sealed, nothing is left over"


class Seal(Operation):
    """Mending after a crash: two workers' open segments, one torn, one without a record, are sealed."""

    def prepare(self, folder: Path) -> None:
        log = folder / "log"
        log.mkdir(parents=True)
        for worker, number, records, tail in ((0, 5, 6, b"torn"), (0, 6, 0, b""), (1, 5, 4, b"")):
            opened = OpenSegment(log, worker, number, lambda _: None)
            for record in range(records):
                identifier = segment.request_id(0, segment.Place(worker, number, record))
                opened.write(segment.frame(event.encode(answer(record, identifier))))
            opened.write(tail)
            opened.abandon()

    def run(self, folder: Path, ledger: Ledger) -> None:
        ledger.note(str(len(mend(folder / "log"))))

    def check(self, folder: Path, told: list[str]) -> None:
        held = [(place.worker, place.segment, place.record) for place, _ in logged(folder / "log")]
        assert held == [*((0, 5, record) for record in range(6)), *((1, 5, record) for record in range(4))]

    def arrived(self, folder: Path) -> None:
        self.check(folder, [])
        assert sorted(path.name for path in (folder / "log").iterdir()) == [
            "00000-0000000005.seg",
            "00001-0000000005.seg",
        ]


class Labels(Operation):
    """Labels of a file are written beside a server."""

    COUNT = 5

    def prepare(self, folder: Path) -> None:
        (folder / "log" / MODEL).mkdir(parents=True)

    def run(self, folder: Path, ledger: Ledger) -> None:
        told = [{"id": f"L{number}", "value": "bad"} for number in range(self.COUNT)]
        done = offline.write(folder / "log", MODEL, told, credit.CONTRACT, principal="test")
        ledger.note(str(done.taken))

    def check(self, folder: Path, told: list[str]) -> None:
        found = {one.id for _, one in logged(folder / "log" / MODEL) if isinstance(one, Label)}
        assert not told or found == {f"L{number}" for number in range(self.COUNT)}, "an acknowledged label is lost"

    def arrived(self, folder: Path) -> None:
        self.check(folder, ["5"])
        assert {path.suffix for path in (folder / "log" / MODEL).iterdir()} == {".seg"}


class Compact(Operation):
    """The monitor's index takes in what the log gained, twice."""

    def prepare(self, folder: Path) -> None:
        async def write() -> None:
            log = EventLog(folder / "log" / MODEL, 0, segment_bytes=2000)
            for sequence in range(1, 41):
                await log.append(answer(sequence, log.next_id()))
                if sequence % 4 == 0:
                    await log.append(label(sequence))
            log.close()

        (folder / "log").mkdir(parents=True)
        asyncio.run(write())

    def run(self, folder: Path, ledger: Ledger) -> None:
        with Windows(folder / "log", MODEL, state=folder / "windows", window=16) as windows:
            windows.refresh()
            ledger.note("whole")

    def check(self, folder: Path, told: list[str]) -> None:
        with Windows(folder / "log", MODEL, state=folder / "windows", window=16) as windows:
            found = windows.answered("r" * 64, 0, 1 << 62)
            assert found == 40 if told else found in (0, 40), "a transaction is all or nothing"
            windows.refresh()
            assert windows.answered("r" * 64, 0, 1 << 62) == 40
            assert windows.releases() == {"r" * 64: 2}
            joins = windows.joins()
            assert (joins.labels, joins.joined, joins.repeats) == (10, 10, 0)

    def arrived(self, folder: Path) -> None:
        self.check(folder, ["whole"])
        assert leftovers(folder) == []


OPERATIONS = {
    "promote": Promote(),
    "rollback": Rollback(),
    "release": Release(),
    "reserve": FirstReserve(),
    "note": Note(),
    "admit": Admit(),
    "rotate key": RotateKey(),
    "migrate": Migrate(),
    "sign": Sign(),
    "append": Append(),
    "seal": Seal(),
    "label": Labels(),
    "compact": Compact(),
}
