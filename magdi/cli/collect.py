"""`magdi collect`: an OTLP receiver that writes discussions while programs hold them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from magdi.cli import options as opt
from magdi.cli.mags_reader import Recorded
from magdi.cli.output import check_out, say, show, warn
from magdi.core.extras import need

if TYPE_CHECKING:
    from magdi.plugins.traces.collection import Collection


@opt.grouped
def collect(
    *,
    out: Annotated[Path, typer.Option("--out", "-o", help="MAG file, to which discussions are added.")],
    host: Annotated[str, typer.Option(help="Address to listen on; others can send there if it is not 127.0.0.1.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(help="Port; 0 takes a free one.", min=0, max=65535)] = 4318,
    settle: Annotated[float, typer.Option(help="Seconds without a span after its root until a trace is over.")] = 2.0,
    idle: Annotated[float, typer.Option(help="The same without a root, and for conversations of many traces.")] = 60.0,
    recorded: Recorded,
    json: opt.Json = False,
    plugins: opt.Plugins,
) -> None:
    """Receive OpenTelemetry spans and write discussions (MAGs), until Ctrl-C.

    OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318 is all that an instrumented program needs.
    """
    import asyncio
    from dataclasses import asdict

    from magdi.plugins.traces.collection import Collection, Patience

    check_out(out)
    need("opentelemetry.proto", "otel", "magdi collect")
    reader = recorded.reader(plugins.load().registry)
    collection = Collection(out, reader, Patience(settle, idle))
    try:
        asyncio.run(_listen(collection, host, port))
    finally:
        collection.close()
        for told in [*collection.counts.failed, *reader.told()]:
            warn(told)
    document = {"out": str(out)} | asdict(collection.counts) | {"missing": reader.told()}
    show(document, as_json=json, render=lambda: _told(collection, out))


async def _listen(collection: Collection, host: str, port: int) -> None:
    import asyncio
    import sys

    from magdi.plugins.listening import stop_on_signals
    from magdi.plugins.traces.receiver import Receiver

    sys.setswitchinterval(0.0005)  # whoever waits for an answer goes before what is written meanwhile
    receiver = Receiver(collection, host, port)
    running = asyncio.create_task(receiver.run(stop_on_signals()))
    await receiver.listening.wait()
    if not running.done():
        where = f"http://{receiver.host}:{receiver.port}"
        say(f"listening: OTEL_EXPORTER_OTLP_ENDPOINT={where} (Ctrl-C ends)")
    await running


def _told(collection: Collection, out: Path) -> str:
    counts = collection.counts
    return f"{counts.mags:,} MAGs from {counts.spans:,} spans in {out}"
