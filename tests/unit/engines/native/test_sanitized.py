"""The kernel under the compiler's own watch: no byte outside its tables, no undefined step, whatever the forest."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

WATCHED = "-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer -g"

COMPILE = """
import sys
from pathlib import Path
from seaway.engines.native.compile import SOURCE, compile_kernel
"""

SCRIPT = """
import sys
from pathlib import Path
import numpy as np
from seaway.engines.forest import predict
from seaway.engines.compose import compose
from seaway.engines.export import additive_program, finish_program, forest_program
from seaway.engines.finish import Multiclass
from seaway.engines.native.compile import SOURCE, compile_kernel
from seaway.engines.native.engine import NativeRunner
from seaway.engines.native.kernel import kernel, widths
from seaway.engines.native.shap import shapley
from seaway.engines.reasons import explain_forest
from seaway.engines.walk import walk
from seaway.core.batch import Batch
from tests.unit.engines.native.wild import hard, wild
from tests.unit.engines.test_additive import rows, small

library = Path(sys.argv[1])
for width in widths(library):
    found = kernel(library, width)
    for seed in range(40):
        forest = wild(seed)
        if not forest.trees:
            continue  # no graph says that
        x = hard(forest, seed, seed * 3)
        runner = NativeRunner(walk(forest_program(forest)), found=found)
        for count in {0, 1, 9, len(x)} & set(range(len(x) + 1)):
            np.testing.assert_allclose(runner.run(Batch.of_rows(x[:count]))["margin"], predict(forest, x[:count]), rtol=1e-12, atol=1e-12)
        single = runner.single()
        for row in x[:5]:
            single.row[:] = row.tobytes()
            assert single.answer() == 0
        shapley(found, forest)(x[:7])
    calibration = finish_program(Multiclass(slope=(1.0, 2.0), shift=(0.5, 0.0)))
    blend = NativeRunner(walk(compose([(additive_program(small(1)), 0.5)], calibration)), found=found)
    blend.run(Batch.of_rows(rows(1, 130)))
sys.stdout.write("watched " + " ".join(widths(library)))
"""


@pytest.mark.slow
def test_nothing_is_read_or_written_outside(tmp_path: Path) -> None:
    compiler = shutil.which("gcc")
    if compiler is None:
        pytest.skip("no gcc here: its sanitizers watch this test")
    asan = subprocess.run([compiler, "-print-file-name=libasan.so"], capture_output=True, text=True, check=True)
    if not Path(asan.stdout.strip()).is_absolute():
        pytest.skip("this gcc came without its address sanitizer")
    library = tmp_path / "libforest.so"
    made = subprocess.run(
        [
            sys.executable,
            "-c",
            f"{COMPILE}\nsys.exit(compile_kernel(SOURCE, Path({str(library)!r})) or None)",
        ],
        env=os.environ | {"CC": f"{compiler} {WATCHED}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    # Some distribution may have installed a package of that name, which would be found first.
    tests = f"import sys, types; sys.modules['tests'] = types.ModuleType('tests'); sys.modules['tests'].__path__ = [{str(ROOT / 'tests')!r}]"
    script = f"{tests}\n{SCRIPT}"
    done = subprocess.run(
        [sys.executable, "-c", script, str(library)],
        env=os.environ
        | {
            "LD_PRELOAD": asan.stdout.strip(),
            "ASAN_OPTIONS": "detect_leaks=0:abort_on_error=0",
            "PYTHONMALLOC": "malloc",  # each array in a block of its own, watched at both ends
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    assert done.stdout.startswith("watched base"), done.stdout
