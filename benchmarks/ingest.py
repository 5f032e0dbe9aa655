"""Audit events and pod log lines over HTTP into a running server with all detections on, against the bare engine.

Run: `python -m benchmarks.ingest [--events N]`. The bare engine inserts the same lines into the same table by the
shortest way it has: raw lines into a `Null` table, a materialized view that parses them, batches of 16 MiB, one thread,
nothing else running. Both sides have the same two cores; the server shares them with the client.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.load import audit_events, event_list_bodies, pod_log_lines, post_all
from benchmarks.server import running
from tocsin.intake.formats.cri import CRI
from tocsin.intake.formats.kubernetes_audit import KUBERNETES_AUDIT
from tocsin.store.base import Delivery
from tocsin.store.columns.ddl import Embedded
from tocsin.store.columns.embedded import EmbeddedColumns
from tocsin.store.columns.migrate import migrate
from tocsin.store.sql import Sql
from tocsin.store.staging import STAGED_COLUMNS, STAGED_TABLE, encode


def bare(kind: str, count: int) -> float:
    """Rows per second of the engine alone, in this process."""
    row_format = KUBERNETES_AUDIT if kind == "audit" else CRI
    lines = audit_events(count) if kind == "audit" else pod_log_lines(count)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
        columns = EmbeddedColumns(Path(directory))
        migrate(columns, Embedded())
        columns.run(Sql(STAGED_TABLE.replace("TEMPORARY ", "").replace("Memory", "Null")))
        lets = "".join(f", {expression} AS {name}" for name, expression in row_format.let)
        pairs = ", ".join(f"{expression} AS `{name}`" for name, expression in row_format.columns.items())
        rows = row_format.rows.replace("{staged}", "staged")
        columns.run(
            Sql(
                f"CREATE MATERIALIZED VIEW parse TO {row_format.table} AS "
                f"SELECT {pairs} FROM (SELECT *{lets} FROM ({rows})) "
                "SETTINGS prefer_column_name_to_alias = 1"
            )
        )
        batches, now = _batches(lines, 16 << 20), datetime.now(UTC)
        began = time.monotonic()
        for batch in batches:
            columns.insert("staged", STAGED_COLUMNS, "RowBinary", encode([(0, Delivery(row_format, batch, now))]))
        seconds = time.monotonic() - began
        (stored,) = columns.fetch(Sql(f"SELECT count() AS n FROM {row_format.table}"))
        assert stored["n"] == count, stored
        columns.close()
    return count / seconds


def _batches(lines: list[bytes], size: int) -> list[bytes]:
    per_line = sum(map(len, lines)) / len(lines)
    step = max(1, int(size / per_line))
    return [b"\n".join(lines[i : i + step]) for i in range(0, len(lines), step)]


def served(kind: str, count: int) -> tuple[float, float, float]:
    """Rows per second through a running server, its peak memory in MB, and the 99th percentile of an answer's time."""
    if kind == "audit":
        path, bodies = "/intake/kubernetes/audit", event_list_bodies(audit_events(count))
    else:
        path, bodies = "/intake/lines?format=cri&source=pod", _batches(pod_log_lines(count), 512 << 10)
    with running() as server:
        sent = post_all(server.port, path, bodies)
        peak = server.peak_memory()
    return count / sent.seconds, peak, sorted(sent.latencies)[int(len(sent.latencies) * 0.99)]


def main() -> None:
    """Print one line per kind of data."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=300_000)
    parser.add_argument("--bare", choices=["audit", "pod"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.bare:
        print(bare(options.bare, options.events), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        return
    print(f"{'':12}{'bare engine':>16}{'server':>14}{'ratio':>8}{'peak memory':>14}{'p99 answer':>12}")
    for kind, label in (("audit", "audit events"), ("pod", "pod lines")):
        command = [sys.executable, "-m", "benchmarks.ingest", "--bare", kind, "--events", str(options.events)]
        alone = float(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[0])
        rate, peak, slow = served(kind, options.events)
        print(
            f"{label:12}{alone:12,.0f} /s{rate:11,.0f} /s{rate / alone:8.2f}{peak:11,.0f} MB{slow:10.2f} s", flush=True
        )


if __name__ == "__main__":
    main()
