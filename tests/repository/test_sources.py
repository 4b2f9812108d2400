"""The rules for the project's C++ files hold, and each of them can tell when one does not."""

import re
import shutil
import subprocess
import unittest
from pathlib import Path

from repository import source_rules as rules

ROOT = Path(__file__).resolve().parents[2]
CLANG_FORMAT = "clang-format-14"  # Debian 12's; another version formats in another way

GUARDED = "#ifndef {0}\n#define {0}\n\nint x;\n\n#endif  // {0}\n"


def build_files() -> dict[str, str]:
    found = [path for part in rules.CPP_PARTS for path in (ROOT / part).rglob("CMakeLists.txt")]
    return {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in found}


class SourceRules(unittest.TestCase):
    """Each test: no complaint about the tree, one about each bad sample, none about a good one."""

    maxDiff = None

    @classmethod
    def setUpClass(cls) -> None:
        cls.sources = rules.read_sources(ROOT)

    def hold(self, complaints) -> None:
        self.assertEqual([], list(complaints))

    def test_sources_are_found(self) -> None:
        for part in ("common/base/", "agent/", "aggregator/store/", "cli/local/", "simulator/traffic/"):
            self.assertTrue(any(path.startswith(part) for path in self.sources), part)

    def test_layers(self) -> None:
        self.hold(rules.check_layers(self.sources))
        for path, target in (
                ("agent/agent.cc", "aggregator/store/store.h"), ("aggregator/main.cc", "cli/options.h"),
                ("cli/local/queue_scan.cc", "agent/agent.h"), ("common/base/clock.h", "agent/agent.h"),
                ("common/base/clock.h", "common/shape/block.h"), ("common/shape/block.h", "common/codec/x.h"),
                ("common/postfix/x.cc", "common/codec/x.h"), ("common/codec/x.cc", "common/postfix/x.h"),
                ("common/options/x.cc", "common/shape/x.h"), ("common/rpc/x.cc", "common/options/x.h"),
                ("agent/watch/x.cc", "agent/report/x.h"), ("agent/watch/x.cc", "agent/agent.h"),
                ("agent/report/x.cc", "agent/rpc/x.h"), ("aggregator/store/x.cc", "aggregator/ingest/x.h"),
                ("aggregator/query/x.cc", "aggregator/store/x.h"),
                ("aggregator/metrics/x.cc", "aggregator/rpc/x.h"), ("aggregator/query/x.cc", "aggregator/metrics/x.h"),
                ("cli/local/x.cc", "cli/client/x.h"),
                ("simulator/traffic/x.cc", "agent/report/x.h"), ("simulator/rpc/x.cc", "aggregator/store/x.h"),
                ("simulator/main.cc", "aggregator/ingest/x.h"), ("simulator/main.cc", "agent/agent.h"),
                ("agent/agent.cc", "simulator/traffic/x.h"), ("cli/main.cc", "simulator/options.h"),
                ("common/base/x.cc", "tests/support/x.h"), ("agent/new_folder/x.cc", "common/base/x.h")):
            with self.subTest(path=path, target=target):
                self.assertEqual(1, len(list(rules.check_layers({path: f'#include "{target}"\n'}))))
        self.hold(rules.check_layers({
            "cli/main.cc": '#include "cli/client/x.h"\n#include "common/rpc/x.h"\n',
            "common/postfix/x.cc": '#include <vector>\n#include "common/shape/x.h"\n',
            "tests/agent/x.cc": '#include "aggregator/ingest/x.h"\n'}))

    def test_grpc(self) -> None:
        self.hold(rules.check_grpc(self.sources))
        for path, text in (
                ("agent/report/x.cc", "#include <grpcpp/channel.h>\n"),
                ("aggregator/query/x.h", '#include "fleetqshape/v1/query.grpc.pb.h"\n'),
                ("cli/options.h", "grpc::Status s;\n"), ("tests/agent/report/x.cc", "grpc::Status s;\n")):
            with self.subTest(path=path):
                self.assertEqual(1, len(list(rules.check_grpc({path: text}))))
        self.hold(rules.check_grpc({
            path: "#include <grpcpp/channel.h>\n" for path in
            ("agent/rpc/x.cc", "common/rpc/x.h", "cli/client/x.cc", "aggregator/main.cc",
             "tests/aggregator/rpc/x.cc", "tests/integration/x.cc")}))
        self.hold(rules.check_grpc({"common/base/x.h": "// unlike a grpc::Status\n"}))

    def test_rocksdb(self) -> None:
        self.hold(rules.check_rocksdb(self.sources))
        for path, text in (("aggregator/ingest/x.cc", "#include <rocksdb/db.h>\n"),
                           ("aggregator/main.cc", "rocksdb::DB* db;\n"),
                           ("tests/aggregator/ingest/x.cc", "#include <rocksdb/db.h>\n")):
            with self.subTest(path=path):
                self.assertEqual(1, len(list(rules.check_rocksdb({path: text}))))
        self.hold(rules.check_rocksdb({
            path: "#include <rocksdb/db.h>\n" for path in
            ("aggregator/store/x.cc", "tests/aggregator/store/x.cc", "tests/bench/x.cc",
             "tests/simulation/x.cc")}))

    def test_metrics_libraries(self) -> None:
        self.hold(rules.check_metrics_libraries(self.sources))
        for path, text in (("aggregator/main.cc", "#include <microhttpd.h>\n"),
                           ("aggregator/query/x.cc", "#include <prometheus/registry.h>\n"),
                           ("agent/x.cc", "MHD_Daemon* daemon;\n"),
                           ("tests/aggregator/query/x.cc", "prometheus::Counter counter;\n")):
            with self.subTest(path=path):
                self.assertEqual(1, len(list(rules.check_metrics_libraries({path: text}))))
        self.hold(rules.check_metrics_libraries({
            path: "#include <microhttpd.h>\n#include <prometheus/registry.h>\n" for path in
            ("aggregator/metrics/x.cc", "tests/aggregator/metrics/x.cc")}))

    def test_curses(self) -> None:
        self.hold(rules.check_curses(self.sources))
        for path, text in (("cli/watch/watch.cc", "#include <curses.h>\n"), ("cli/main.cc", "#include <term.h>\n"),
                           ("tests/cli/watch/x.cc", "#include <ncursesw/curses.h>\n")):
            with self.subTest(path=path):
                self.assertEqual(1, len(list(rules.check_curses({path: text}))))

    def test_include_guards(self) -> None:
        self.hold(rules.check_include_guards(self.sources))
        guard = "FLEETQSHAPE_CLI_LOCAL_X_Y_H_"
        good = GUARDED.format(guard)
        for bad in ("", "#pragma once\n", GUARDED.format("X_H"), good.replace("#define", "#undef"),
                    good.replace(f"  // {guard}", ""), good + "int after;\n", "int before;\n" + good):
            with self.subTest(text=bad):
                self.assertEqual(1, len(list(rules.check_include_guards({"cli/local/x_y.h": bad}))))
        self.hold(rules.check_include_guards({"cli/local/x_y.h": good, "cli/x.cc": ""}))
        self.hold(rules.check_include_guards({"cli/local/x_y.h": "// What it is.\n\n" + good}))

    def test_length(self) -> None:
        self.hold(rules.check_length(self.sources))
        self.assertEqual(1, len(list(rules.check_length({"a.cc": "\n" * 601}))))
        self.hold(rules.check_length({"a.cc": "\n" * 600}))

    def test_everything_is_built(self) -> None:
        self.hold(rules.check_built(self.sources, build_files()))
        build = {"cli/CMakeLists.txt": "fqs_library(x SOURCES local/x.cc)  # y.cc\n"}
        for path in ("cli/x.cc", "cli/y.cc", "cli/local/ax.cc", "agent/local/x.cc"):
            with self.subTest(path=path):
                self.assertEqual(1, len(list(rules.check_built({path: ""}, build))))
        self.hold(rules.check_built({"cli/local/x.cc": "", "cli/z.h": ""}, build))
        loop = {"tests/bench/CMakeLists.txt": "foreach(each a b)\nadd_executable(${each} ${each}.cc)\n"}
        self.hold(rules.check_built({"tests/bench/a.cc": "", "tests/bench/b.cc": ""}, loop))
        self.assertEqual(1, len(list(rules.check_built({"tests/bench/c.cc": ""}, loop))))

    def test_every_python_test_is_run(self) -> None:
        modules = [path.relative_to(ROOT).as_posix() for path in (ROOT / "tests").rglob("test_*.py")]
        self.assertIn("tests/repository/test_sources.py", modules)
        self.hold(rules.check_python_tests(modules, build_files()))
        build = {"tests/a/CMakeLists.txt": "fqs_python_test(a.x a.test_x TIMEOUT 9)\n"
                                           "# fqs_python_test(a.y a.test_y)\n"}
        self.assertEqual(1, len(list(rules.check_python_tests(["tests/a/test_y.py"], build))))
        self.hold(rules.check_python_tests(["tests/a/test_x.py"], build))


class Format(unittest.TestCase):
    def setUp(self) -> None:
        if shutil.which(CLANG_FORMAT) is None:
            self.skipTest(f"{CLANG_FORMAT} is not installed")

    def complaints(self, files: list[str], stdin: str = "") -> list[str]:
        done = subprocess.run([CLANG_FORMAT, "--dry-run", *files], input=stdin, cwd=ROOT,
                              capture_output=True, text=True, timeout=120, check=True)
        return re.findall(r"^(\S+?):\d+:\d+: warning", done.stderr, re.M)

    def test_sources_are_formatted(self) -> None:
        unformatted = sorted(set(self.complaints(list(rules.read_sources(ROOT)))))
        self.assertEqual([], unformatted, f"to be formatted: {CLANG_FORMAT} -i {' '.join(unformatted)}")

    def test_bad_format_is_seen(self) -> None:
        self.assertNotEqual([], self.complaints(["--assume-filename=cli/x.cc"], "int  x ;\n"))
        self.assertEqual([], self.complaints(["--assume-filename=cli/x.cc"], "int x;\n"))


if __name__ == "__main__":
    unittest.main()
