"""Tables and aims, as Markdown for the README."""

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Section", "describe_machine", "table"]


@dataclass
class Section:
    """One part of the benchmark: what it found."""

    title: str
    heads: Sequence[str]
    rows: list[Sequence[str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)  # what one has to know to read the table
    aims: list[tuple[str, bool]] = field(default_factory=list)  # and whether it was met

    def add(self, *row: str) -> None:
        self.rows.append(row)

    def note(self, text: str) -> None:
        self.notes.append(text)

    def at_most(self, what: str, value: float, limit: float, unit: str = "", digits: int = 2) -> None:
        self.aims.append((f"{what}: {value:,.{digits}f}{unit} (aim: at most {_short(limit)}{unit})", value <= limit))

    def at_least(self, what: str, value: float, limit: float, unit: str = "", digits: int = 0) -> None:
        self.aims.append((f"{what}: {value:,.{digits}f}{unit} (aim: at least {_short(limit)}{unit})", value >= limit))

    def markdown(self) -> str:
        parts = [f"### {self.title}", table(self.heads, self.rows)]
        if self.notes:
            parts.append("\n".join(self.notes))
        if self.aims:
            parts.append("\n".join(f"- {text}: **{'met' if met else 'missed'}**" for text, met in self.aims))
        return "\n\n".join(parts)


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The first column is text, the others are numbers."""
    widths = [max(3, *map(len, column)) for column in zip(heads, *rows, strict=True)]
    lines = [heads, ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])], *rows]
    return "\n".join(
        "| " + " | ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])]) + " |" for line in lines
    )


def _short(number: float) -> str:
    return f"{number:,.0f}" if number == int(number) else f"{number:g}"


def describe_machine(directory: Path) -> str:
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
        models = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    file_system = subprocess.run(["findmnt", "--noheadings", "--output", "FSTYPE", "--target", str(directory)],
                                 check=False, capture_output=True, text=True).stdout.strip()
    return (f"{len(os.sched_getaffinity(0))} processors ({models[0] if models else os.uname().machine}), "
            f"Linux {os.uname().release}, on {file_system or 'an unknown file system'}, "
            f"load {os.getloadavg()[0]:.1f} at the start")
