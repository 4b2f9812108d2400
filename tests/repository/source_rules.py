"""The rules that hold for all C++ files, each a function from files to complaints.

`files` maps a path from the project's root to its text. A complaint is one line.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

CPP_PARTS = ("common", "agent", "aggregator", "cli", "simulator", "tests")
MAX_LINES = 600

# A folder's own files may always include each other. A part's top folder is its main, which wires
# all of its part together.
_MAY_INCLUDE = {
    "common/base": (),
    "common/shape": ("common/base",),
    "common/postfix": ("common/base", "common/shape"),
    "common/codec": ("common/base", "common/shape"),
    "common/options": ("common/base",),
    "common/rpc": ("common/base",),
    "agent/postfix": ("common/base", "common/postfix"),
    "agent/watch": ("common/base", "common/shape", "common/postfix"),
    "agent/report": ("common/base", "common/shape", "common/codec", "agent/watch"),
    "agent/rpc": ("common/base", "common/rpc", "agent/report"),
    # --once and --check are a second program in the first one.
    "agent/inspect": ("common/base", "common/shape", "common/options", "agent", "agent/watch"),
    "agent": ("common", "agent"),
    "aggregator/store": ("common/base", "common/shape", "common/codec"),
    "aggregator/ingest": ("common/base", "common/shape", "common/codec", "aggregator/store"),
    "aggregator/query": ("common/base", "common/shape", "common/codec", "aggregator/ingest"),
    "aggregator/metrics": ("common/base", "aggregator/ingest", "aggregator/query"),
    "aggregator/rpc": ("common/base", "common/shape", "common/codec", "common/rpc",
                       "aggregator/ingest", "aggregator/query"),
    "aggregator": ("common", "aggregator"),
    # The command's options are what both of its ways to an answer are asked.
    "cli/options": ("common/base", "common/shape", "common/options", "cli"),
    "cli/output": ("common/base", "common/shape", "cli"),
    "cli/local": ("common/base", "common/shape", "common/postfix", "common/options", "cli",
                  "cli/output"),
    "cli/client": ("common/base", "common/shape", "common/options", "common/rpc", "cli",
                   "cli/options", "cli/output"),
    "cli/watch": ("common/base", "common/shape", "common/options", "cli", "cli/output", "cli/client"),
    "cli": ("common", "cli"),
    # A fleet in one process: the agent's protocol and the aggregator's store, and nothing else of
    # them. Of agent/watch, the state that a report session reads (queue_state.h).
    "simulator/traffic": ("common/base", "common/shape", "agent/watch"),
    "simulator/load": ("common/base", "common/shape", "common/codec", "aggregator/store",
                       "simulator/traffic"),
    "simulator/rpc": ("common/base", "common/shape", "agent/report", "agent/rpc",
                      "simulator/traffic"),
    "simulator": ("common", "simulator", "aggregator/store"),
}

_INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)
_COMMENT_OR_STRING = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"', re.S)


def read_sources(root: Path) -> dict[str, str]:
    """All C++ files of the project's own folders."""
    found = (path for part in CPP_PARTS for path in (root / part).rglob("*")
             if path.suffix in (".cc", ".h"))
    return {path.relative_to(root).as_posix(): path.read_text(encoding="utf-8") for path in found}


def check_layers(files: Mapping[str, str]) -> Iterator[str]:
    """Arrows point down only; agent, aggregator and cli never include each other, and nobody the simulator."""
    for path, text in files.items():
        if path.startswith("tests/"):
            continue
        folder = _folder(path)
        if folder not in _MAY_INCLUDE:
            yield f"{path}: the folder {folder} has no place among the layers (source_rules.py)"
            continue
        for _, target in _INCLUDE.findall(text):
            if _is_ours(target) and not _allows(folder, _folder(target)):
                yield f"{path}: {folder} must not include {target}"


def check_grpc(files: Mapping[str, str]) -> Iterator[str]:
    """gRPC appears in rpc folders, in cli/client and in mains only: logic knows no transport."""
    for path, text in files.items():
        mirrored = PurePosixPath(path.removeprefix("tests/"))
        if "rpc" in mirrored.parts or mirrored.is_relative_to("cli/client"):
            continue
        if mirrored.name == "main.cc" or _is_test_of_programs(path):
            continue
        if any(target.startswith(("grpcpp/", "grpc/")) or target.endswith(".grpc.pb.h")
               for _, target in _INCLUDE.findall(text)) or re.search(r"\bgrpc::", _code(text)):
            yield f"{path}: uses gRPC, which belongs to rpc folders, cli/client and main.cc"


def check_rocksdb(files: Mapping[str, str]) -> Iterator[str]:
    """RocksDB appears in the store only, which another engine may replace."""
    for path, text in files.items():
        if path.removeprefix("tests/").startswith(("aggregator/store/", "bench/", "simulation/")):
            continue
        if any(target.startswith("rocksdb/") for _, target in _INCLUDE.findall(text)) or \
                re.search(r"\brocksdb::", _code(text)):
            yield f"{path}: uses RocksDB, which belongs to aggregator/store"


def check_metrics_libraries(files: Mapping[str, str]) -> Iterator[str]:
    """HTTP and Prometheus' library appear in aggregator/metrics only."""
    for path, text in files.items():
        if path.removeprefix("tests/").startswith("aggregator/metrics/"):
            continue
        if any(target == "microhttpd.h" or target.startswith("prometheus/")
               for _, target in _INCLUDE.findall(text)) or re.search(r"\bprometheus::|\bMHD_", _code(text)):
            yield f"{path}: uses libmicrohttpd or prometheus-cpp, which belong to aggregator/metrics"


def check_curses(files: Mapping[str, str]) -> Iterator[str]:
    """Curses, whose state is global, appears where a screen is drawn upon, and where terminfo is read."""
    for path, text in files.items():
        if path in ("cli/watch/watch_screen.cc", "cli/output/terminfo.cc"):
            continue
        if any(target in ("curses.h", "ncurses.h", "term.h") or target.startswith("ncursesw/")
               for _, target in _INCLUDE.findall(text)):
            yield f"{path}: uses curses, which belongs to cli/watch/watch_screen.cc"


def check_include_guards(files: Mapping[str, str]) -> Iterator[str]:
    """A header is guarded by a macro named after its path."""
    for path, text in files.items():
        if not path.endswith(".h"):
            continue
        guard = "FLEETQSHAPE_" + re.sub(r"[^A-Z0-9]", "_", path.upper()) + "_"
        code = re.sub(r"\A(\s*//[^\n]*\n)*\s*", "", text)
        whole = code.startswith(f"#ifndef {guard}\n#define {guard}\n") and \
            text.endswith(f"\n#endif  // {guard}\n")
        if not whole:
            yield f"{path}: must be guarded by {guard}, from #ifndef to #endif  // {guard}"


def check_length(files: Mapping[str, str]) -> Iterator[str]:
    """A file is short enough to be read."""
    for path, text in files.items():
        lines = text.count("\n")
        if lines > MAX_LINES:
            yield f"{path}: {lines} lines; at most {MAX_LINES}"


def check_built(files: Mapping[str, str], build_files: Mapping[str, str]) -> Iterator[str]:
    """Every source file is named in a CMakeLists.txt above it: nothing is left out of the build."""
    for path in files:
        if path.endswith(".cc") and not _is_named(PurePosixPath(path), build_files):
            yield f"{path}: no CMakeLists.txt builds it"


def check_python_tests(modules: list[str], build_files: Mapping[str, str]) -> Iterator[str]:
    """Every module of unittest cases (a path) is registered with fqs_python_test."""
    registered = set(re.findall(r"^\s*fqs_python_test\(\s*\S+\s+([\w.]+)",
                                "\n".join(build_files.values()), re.M))
    for path in modules:
        module = path.removeprefix("tests/").removesuffix(".py").replace("/", ".")
        if module not in registered:
            yield f"{path}: no fqs_python_test runs {module}"


def _folder(path: str) -> str:
    """The layer of a file: its first two folders, or the only one."""
    return "/".join(path.split("/")[:-1][:2])


def _is_ours(target: str) -> bool:
    return target.split("/")[0] in CPP_PARTS and "/" in target


def _allows(folder: str, target: str) -> bool:
    if target == folder or target in _MAY_INCLUDE[folder]:
        return True
    # A main may include all that is below its parts; others only the folders named.
    is_main = "/" not in folder
    return is_main and target.split("/")[0] in _MAY_INCLUDE[folder]


def _is_test_of_programs(path: str) -> bool:
    return path.startswith(("tests/support/", "tests/integration/", "tests/bench/",
                            "tests/simulation/"))


def _code(text: str) -> str:
    """The text without comments and strings."""
    return _COMMENT_OR_STRING.sub(" ", text)


def _is_named(path: PurePosixPath, build_files: Mapping[str, str]) -> bool:
    for parent in path.parents:
        text = re.sub(r"#[^\n]*", "", build_files.get((parent / "CMakeLists.txt").as_posix(), ""))
        name = path.relative_to(parent).as_posix()
        if _has_word(text, name):
            return True
        if "}.cc" in text and _has_word(text, name.removesuffix(".cc")):  # foreach(program name ...)
            return True
    return False


def _has_word(text: str, word: str) -> bool:
    return re.search(rf"(?<![\w/.-]){re.escape(word)}(?![\w/.-])", text) is not None
