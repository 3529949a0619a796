"""`seaway top`: a live view of running servers."""

from __future__ import annotations

import os
import select
import sys
import termios
import threading
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from seaway.cli import output
from seaway.cli.options import HERE, AsJson, Folder
from seaway.core.errors import SeawayError

if TYPE_CHECKING:
    from seaway.workflow.top import Model, View


def top(
    once: Annotated[bool, typer.Option("--once", help="Look for one pause, print, and end.")] = False,
    every: Annotated[str, typer.Option("--every", help="Pause between looks.")] = "2s",
    url: Annotated[str, typer.Option("--url", help="Ask this server; its key is taken from SEAWAY_KEY.")] = "",
    ca: Annotated[Path | None, typer.Option("--ca", help="PEM file of who signed the server's certificate.")] = None,
    folder: Folder = HERE,
    as_json: AsJson = False,
) -> None:
    """Show live what the project's servers do: rates, latency, releases, workers, log, disk; q quits."""
    from seaway.workflow import spans
    from seaway.workflow import top as run
    from seaway.workflow.workspace import open_project

    look = run.asking(url, ca=ca) if url else run.looking(open_project(folder))
    pause = max(0.2, spans.seconds(every, "--every") or 2.0)
    if once or as_json or not output.out.is_terminal or not sys.stdin.isatty():
        found = run.once(look, pause)
        output.emit(found, lambda: output.out.print(drawn(found)), as_json=as_json)
        return
    with _quitting() as is_over, Live(console=output.out, screen=True, auto_refresh=False) as live:
        live.update(Text("Looking ..."), refresh=True)
        watching = threading.Thread(target=_watch, args=(run.views(look, pause), live, is_over), daemon=True)
        watching.start()
        is_over.wait()


def _watch(found: Iterator[View | SeawayError], live: Live, is_over: threading.Event) -> None:
    for one in found:
        if is_over.is_set():
            return
        live.update(_trouble(one) if isinstance(one, SeawayError) else drawn(one), refresh=True)


@contextmanager
def _quitting() -> Iterator[threading.Event]:
    """Yield an event that is set when somebody presses q; the terminal is as before in the end."""
    is_over = threading.Event()
    handle = sys.stdin.fileno()
    former = termios.tcgetattr(handle)

    def listen() -> None:
        while not is_over.is_set():
            if select.select([handle], [], [], 0.1)[0] and os.read(handle, 1) in (b"q", b"Q", b"\x03", b""):
                is_over.set()

    try:
        tty.setcbreak(handle)
        threading.Thread(target=listen, daemon=True).start()
        yield is_over
    except KeyboardInterrupt:
        return
    finally:
        is_over.set()
        termios.tcsetattr(handle, termios.TCSADRAIN, former)


def drawn(view: View) -> Group:
    """Return the view as it is shown; it fits into 80 columns."""
    head = Text.assemble(
        ("seaway top ", "bold"), (f"{output.harmless(view.where)}  {view.at[11:19]} UTC  ", "dim"), ("q quits", "dim")
    )
    rates = Text.assemble(
        (f"{view.requests_per_s:,.0f} requests/s", "bold"),
        f"   p50 {_ms(view.p50_ms)}   p99 {_ms(view.p99_ms)}   {view.requests:,} in all",
    )
    answers = Text("   ".join(f"{name} {value:,.1f}/s" for name, value in sorted(view.statuses.items())))
    refused = Text(
        f"refused {view.refused_per_s:,.1f}/s   throttled {view.throttled_per_s:,.1f}/s   repeats {view.repeats_per_s:,.1f}/s"
    )
    parts: list[Text | Table] = [
        head,
        Text(),
        rates,
        answers,
        refused,
        *_warnings(view),
        Text(),
        _models(view),
        Text(),
        _workers(view),
    ]
    if view.disk_free is not None and view.disk_total:
        used = 100 * (1 - view.disk_free / view.disk_total)
        disk = Text(f"disk: {_size(view.disk_free)} free of {_size(view.disk_total)} ({used:.0f} % used)")
        parts += [Text(), disk]
    return Group(*parts)


def _warnings(view: View) -> list[Text]:
    found = [f"{one.name} cannot follow its newest assignment" for one in view.models if not one.following]
    if view.log_failures:
        found.append(f"{view.log_failures:,} batches of events could not be made durable")
    if view.shadows_dropped:
        found.append(f"{view.shadows_dropped:,} requests were not shown to shadows: too many waited")
    found += [f"worker {one.worker} is not ready" for one in view.workers if not one.ready]
    return [Text(f"! {output.harmless(one)}", style="yellow") for one in found]


def _models(view: View) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("model", overflow="ellipsis", no_wrap=True, max_width=18)
    for name in ("part", "release"):
        table.add_column(name, no_wrap=True)
    for name in ("share", "rows/s", "p50", "p99", "waits", "log"):
        table.add_column(name, justify="right", no_wrap=True)
    for model in view.models:
        for number, arm in enumerate(model.arms):
            own = _of_model(model) if number == 0 else ("", "", "", "")
            table.add_row(
                Text(output.harmless(model.name) if number == 0 else ""),
                arm.arm,
                f"v{arm.version} {arm.release[:8]}",
                f"{arm.share:.0%}",
                f"{arm.rows_per_s:,.1f}",
                *own,
            )
    return table


def _of_model(model: Model) -> tuple[str, str, str, str]:
    log = "" if model.log_bytes is None else _size(model.log_bytes)
    return _ms(model.p50_ms), _ms(model.p99_ms), _size(model.log_waiting), log


def _workers(view: View) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("worker")
    for name in ("pid", "memory", "starts"):
        table.add_column(name, justify="right")
    table.add_column("")
    for one in view.workers:
        memory, pid = _size(one.memory) if one.memory else "", str(one.pid or "")
        table.add_row(one.worker, pid, memory, str(one.starts), "ready" if one.ready else "not ready")
    return table


def _trouble(error: SeawayError) -> Text:
    return Text.assemble(
        (output.harmless(error.what), "yellow"), f"\n{output.harmless(error.fix)}\n", ("q quits", "dim")
    )


def _ms(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.2f} ms" if value < 10 else f"{value:,.0f} ms"


def _size(size: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" or size >= 100 else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command()(top)
