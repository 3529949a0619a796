"""Compiles the kernel with the system's C compiler: `python -m seaway.engines.native.compile`.

The package's own build runs this too (`hatch_build.py`), before anything of Seaway can be imported: so this file uses the
standard library only.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

SOURCE = Path(__file__).with_name("forest.c")
LIBRARY = Path(__file__).with_name("libforest.so")

# No contraction to fused multiply-adds and no fast-math: sums keep the program's own bits at every width.
FLAGS = "-std=gnu11 -O3 -ffp-contract=off -fno-math-errno -fPIC -fvisibility=hidden".split()
_AVX2 = "-mavx2 -mbmi -mbmi2"
_AVX512 = f"{_AVX2} -mavx512f -mavx512bw -mavx512vl -mavx512dq -mprefer-vector-width=512"
WIDTHS = {
    "x86_64": {"base": "-mssse3", "avx2": _AVX2, "avx512": _AVX512},
    "amd64": {"base": "-mssse3", "avx2": _AVX2, "avx512": _AVX512},
}

_SECONDS = 300


def compile_kernel(source: Path = SOURCE, library: Path = LIBRARY) -> str:
    """Compile `source` into `library`; return "" or, where it could not be done, the reason. No half-made file is left."""
    compiler = shlex.split(os.environ.get("CC", "")) or [shutil.which("cc") or shutil.which("gcc") or ""]
    if not compiler[0]:
        return "there is no C compiler (cc, gcc, or what CC names)"
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    with tempfile.TemporaryDirectory() as folder:
        objects = []
        for place, (variant, flags) in enumerate(WIDTHS.get(platform.machine().lower(), {"base": ""}).items()):
            made = Path(folder) / f"{variant}.o"
            first = ["-DFIRST", f"-DDIGEST={digest}"] if place == 0 else []
            why = _run([*compiler, *FLAGS, *flags.split(), f"-DVARIANT={variant}", *first, "-c", source, "-o", made])
            if why:
                return why
            objects.append(made)
        whole = Path(folder) / library.name
        why = _run([*compiler, "-shared", "-o", whole, *objects, "-lm"])
        if not why:
            # Renamed into place: a process that has the former file open keeps it whole.
            beside = library.with_name(f".{library.name}.{os.getpid()}")
            shutil.copyfile(whole, beside)
            os.replace(beside, library)
        return why


def _run(command: list[str | Path]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"the C compiler did not run: {error}"
    lines = done.stderr.strip().splitlines()
    return "" if done.returncode == 0 else f"the C compiler refused: {lines[0] if lines else done.returncode}"


def main() -> None:
    """Compile the kernel into the installed package and say how it went."""
    why = compile_kernel()
    sys.stderr.write(f"no native kernel: {why}\n" if why else f"compiled {LIBRARY}\n")
    sys.exit(1 if why else 0)


if __name__ == "__main__":
    main()
