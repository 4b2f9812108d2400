"""The default question, asked of ClickHouse: the cells of a fleet's recipients in tables ordered for it.

ClickHouse gets every advantage that the question allows. Each way below answers the same, and its best time counts:

tables    by_name has the domains' names, ordered by name and arrival. by_id has a number in the place of each name, and
          is ordered by it: less to read and to hash, but the names of the answer are then still to be found, which is
          not counted. Each table is one part, and its blocks are kept uncompressed in memory where that is faster.
queries   one pass counts all columns of all domains. Two passes find the 20 domains first, then count only their
          columns, and those of TOTAL in a query of its own: their times are added.
"""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from bench.clickhouse import ClickHouse

__all__ = ["Table", "Way", "ask_clickhouse", "same_answer"]

ROWS = 20
EDGES_SECONDS = [300 << i for i in range(9)]
"""Ages at which the default columns begin, but for the first one."""

_QUEUES = "queue IN (3, 4, 5)"


@dataclass(frozen=True)
class Table:
    """An answer: each row is a sum, and the columns that it is the sum of."""

    total: list[int]
    rows: list[tuple[str, list[int]]]  # the largest first


@dataclass(frozen=True)
class Way:
    """How ClickHouse was asked, and how long that took."""

    table: str
    query: str
    bytes: int  # of the table on the disk
    best_seconds: float
    median_seconds: float
    answer: Table


def ask_clickhouse(program: str, directory: Path, cells: IO[bytes], at_seconds: int, threads: int, rounds: int,
                   progress: Callable[[str], None]) -> list[Way]:
    """Each way `rounds` times. `cells` are lines of relay, queue, name, number and arrival."""
    edges = [at_seconds - age for age in EDGES_SECONDS]
    ways = []
    with ClickHouse(program, directory, threads) as server:
        server.run("CREATE TABLE cells (relay UInt16, queue UInt8, name String, id UInt32, arrival UInt32) ENGINE = Log")
        progress("ClickHouse: all cells")
        server.insert("cells", cells)
        for table, key, kind in (("by_name", "name", "String"), ("by_id", "id", "UInt32")):
            progress(f"ClickHouse: {table}")
            server.run(f"CREATE TABLE {table} (relay UInt16, queue UInt8, {key} {kind}, arrival UInt32) "
                       f"ENGINE = MergeTree PARTITION BY tuple() ORDER BY ({key}, arrival)")
            server.run(f"INSERT INTO {table} SELECT relay, queue, {key}, arrival FROM cells ORDER BY {key}, arrival")
            server.run(f"OPTIMIZE TABLE {table} FINAL")
            size = server.ask(f"SELECT sum(bytes) FROM system.parts WHERE active AND table = '{table}'").rows[0][0]
            for query, ask in (("one pass", _one_pass), ("two passes", _two_passes)):
                for cache in (0, 1):
                    asked = [ask(server, table, key, edges, cache) for _ in range(rounds)]
                    seconds = [one[0] for one in asked]
                    total, rows = asked[-1][1:]
                    if key == "id":
                        names = _names(server, [row[0] for row in rows])
                        rows = [[names[row[0]], *row[1:]] for row in rows]
                    ways.append(Way(table, query + (", cached" if cache else ""), size, min(seconds),
                                    statistics.median(seconds), Table(total, [(row[0], row[1:]) for row in rows])))
    return ways


def same_answer(one: Table, other: Table) -> bool:
    """Whether they are equal, but for which of the domains that tie for the last place are there."""
    def certain(table: Table) -> list[tuple[str, list[int]]]:
        return sorted(row for row in table.rows if row[1][0] > table.rows[-1][1][0])
    return (one.total == other.total and certain(one) == certain(other)
            and [row[1][0] for row in one.rows] == [row[1][0] for row in other.rows])


def _names(server: ClickHouse, ids: Sequence[int]) -> dict[int, str]:
    some = ", ".join(map(str, ids))
    return dict(server.ask(f"SELECT id, any(name) FROM cells WHERE id IN ({some}) GROUP BY id").rows)


def _younger(edges: Sequence[int]) -> str:
    """How many are younger than each edge: cheaper than a condition with two ends for each column."""
    return ", ".join(f"sum(arrival > {edge})" for edge in edges)


def _columns(younger: Sequence[int]) -> list[int]:
    """The sum, and how many are younger than each edge: into the sum and the columns."""
    total, *bounds = map(int, younger)
    return [total, *(upper - lower for lower, upper in zip([0, *bounds], [*bounds, total], strict=True))]


def _one_pass(server: ClickHouse, table: str, key: str, edges: Sequence[int], cache: int) -> tuple[float, list, list]:
    answer = server.ask(f"SELECT {key}, count() AS c, {_younger(edges)} FROM {table} WHERE {_QUEUES} "
                        f"GROUP BY {key} WITH TOTALS ORDER BY c DESC LIMIT {ROWS}", use_uncompressed_cache=cache)
    return answer.seconds, _columns(answer.totals[1:]), [[row[0], *_columns(row[1:])] for row in answer.rows]


def _two_passes(server: ClickHouse, table: str, key: str, edges: Sequence[int], cache: int) -> tuple[float, list, list]:
    rows = server.ask(f"SELECT {key}, count() AS c, {_younger(edges)} FROM {table} WHERE {_QUEUES} AND {key} IN "
                      f"(SELECT {key} FROM {table} WHERE {_QUEUES} GROUP BY {key} ORDER BY count() DESC LIMIT {ROWS}) "
                      f"GROUP BY {key} ORDER BY c DESC", use_uncompressed_cache=cache)
    column = " + ".join(f"(arrival <= {edge})" for edge in edges)
    sums = server.ask(f"SELECT {column} AS column, count() FROM {table} WHERE {_QUEUES} GROUP BY column",
                      use_uncompressed_cache=cache)
    counts = {int(number): int(count) for number, count in sums.rows}
    total = [sum(counts.values()), *(counts.get(i, 0) for i in range(len(edges) + 1))]
    return rows.seconds + sums.seconds, total, [[row[0], *_columns(row[1:])] for row in rows.rows]
