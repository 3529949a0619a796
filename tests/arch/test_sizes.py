"""Files and functions stay small enough to read: a file over the limit holds more than one idea."""

from __future__ import annotations

import statistics

from tests.arch.source import functions, modules


def test_no_module_is_over_600_lines() -> None:
    long = [f"{module.shown}: {module.lines} lines" for module in modules() if module.lines > 600]
    assert not long, "split by idea:\n" + "\n".join(long)


def test_modules_are_around_150_lines() -> None:
    sizes = sorted(module.lines for module in modules() if module.lines)
    assert statistics.median(sizes) <= 150
    assert sizes[int(0.9 * len(sizes))] <= 400


def test_few_functions_are_over_50_lines() -> None:
    lengths = {
        f"{module.shown}:{node.lineno} {node.name}": (node.end_lineno or node.lineno) - node.lineno + 1
        for module in modules()
        for node in functions(module.tree)
    }
    long = {name: length for name, length in lengths.items() if length > 50}
    worst = "\n".join(f"{length} {name}" for name, length in sorted(long.items(), key=lambda item: -item[1]))
    assert len(long) <= 0.03 * len(lengths), f"{len(long)} of {len(lengths)} functions:\n{worst}"
