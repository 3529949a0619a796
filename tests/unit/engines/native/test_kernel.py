"""The door to the library: which one is used, at which width, and what is said of one that is not."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import numpy as np
import pytest

from seaway.core.batch import Array
from seaway.engines.forest import Forest, predict
from seaway.engines.native.compile import compile_kernel
from seaway.engines.native.kernel import LIBRARY, SOURCE, VARIANTS, Absent, Kernel, kernel, widths
from seaway.engines.native.plan import Ending, Kind, Plan, Step
from seaway.engines.native.program import Caller, Compiled
from seaway.engines.native.single import Single
from tests.unit.engines.forests import grown, rows
from tests.unit.engines.native.wild import present

THREADS, EACH = 8, 10_000


def plan(forest: Forest) -> Plan:
    steps = [Step(kind=Kind.FOREST, what=forest)]
    return Plan(features=forest.features, targets=forest.targets, steps=steps, ending=Ending.MARGIN)


def why(library: Path) -> str:
    found = kernel(library)
    assert isinstance(found, Absent)
    assert widths(library) == ()
    return found.why


def compiler() -> str:
    found = shutil.which("cc") or shutil.which("gcc")
    if found is None:
        pytest.skip("no C compiler on this machine")
    return found


def test_the_widest_that_the_processor_has_is_taken() -> None:
    assert present().width == widths()[-1]
    assert widths() == VARIANTS[: len(widths())]
    assert present("base").width == "base"


def test_an_installation_without_a_library_says_so(tmp_path: Path) -> None:
    assert "no kernel was compiled into this installation" in why(tmp_path / "libforest.so")


def test_what_is_no_library_is_not_loaded(tmp_path: Path) -> None:
    library = tmp_path / "libforest.so"
    library.write_bytes(b"\x7fELF and no more")
    assert "does not load" in why(library)


def test_a_library_of_another_source_is_not_used(tmp_path: Path) -> None:
    compiler()
    source = tmp_path / "forest.c"
    source.write_text(SOURCE.read_text() + "\n/* older */\n")
    library = tmp_path / "libforest.so"
    assert compile_kernel(source, library) == ""
    assert "compiled from another forest.c" in why(library)


def test_a_library_of_something_else_is_not_used(tmp_path: Path) -> None:
    source, library = tmp_path / "other.c", tmp_path / "libforest.so"
    source.write_text("int other(void) { return 1; }\n")
    subprocess.run([compiler(), "-shared", "-fPIC", "-o", library, source], check=True)
    assert "does not load" in why(library)


def test_compiling_anew_makes_a_library_that_is_used(tmp_path: Path) -> None:
    compiler()
    library = tmp_path / "libforest.so"
    assert compile_kernel(SOURCE, library) == ""
    found = kernel(library)
    assert isinstance(found, Kernel)
    forest, x = grown(1), rows(1, 20)
    assert np.array_equal(Caller(found, Compiled(plan(forest))).answer(x)[0], predict(forest, x))
    assert list(tmp_path.iterdir()) == [library]


@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        ({"CC": "no-such-compiler"}, "the C compiler did not run"),
        ({"CC": "false"}, "the C compiler refused"),
        ({"CC": "", "PATH": ""}, "there is no C compiler"),
    ],
)
def test_without_a_compiler_the_reason_is_said_and_nothing_is_written(
    variables: dict[str, str], reason: str, tmp_path: Path
) -> None:
    library = tmp_path / "libforest.so"
    script = (
        "import sys; from pathlib import Path; from seaway.engines.native.compile import SOURCE, compile_kernel; "
        f"sys.stdout.write(compile_kernel(SOURCE, Path({str(library)!r})))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], env=os.environ | variables, check=True, capture_output=True, text=True
    )
    assert reason in done.stdout
    assert not library.exists()


def test_this_checkout_was_installed_with_what_its_compiler_makes() -> None:
    """Where a compiler is, the install has compiled: a slow installation that nobody noticed would be a loss for years."""
    compiler()
    if not LIBRARY.exists():
        pytest.skip("installed without the kernel; `make native` compiles it")
    assert isinstance(kernel(), Kernel), "stale: run `make native`"


@pytest.mark.parametrize("form", ["one runner each", "one plan, callers of their own", "single rows"])
def test_threads_never_get_one_anothers_answers(form: str) -> None:
    """80,000 different rows from 8 threads at once, the lock released: with a shared buffer nearly all were wrong."""
    found, forest = present(), grown(3, features=6, targets=1, trees=60, splits=30)
    x = rows(3, THREADS * EACH, 6)
    expected = predict(forest, x)[:, 0]
    shared = Compiled(plan(forest))
    start = Barrier(THREADS)

    def work(thread: int) -> Array:
        mine = x[thread * EACH : (thread + 1) * EACH]
        compiled = Compiled(plan(forest)) if form == "one runner each" else shared
        answers = np.empty(EACH)
        start.wait()
        if form == "single rows":
            single = Single(found, compiled)
            for place, row in enumerate(mine):
                single.row[:] = row.tobytes()
                assert single.answer() == 0
                answers[place] = single.numbers[0]
            return answers
        caller = Caller(found, compiled)
        for place in range(0, EACH, 50):
            answers[place : place + 50] = caller.answer(mine[place : place + 50])[0][:, 0]
        return answers

    with ThreadPoolExecutor(THREADS) as threads:
        answers = np.concatenate(list(threads.map(work, range(THREADS))))
    assert int((answers != expected).sum()) == 0
