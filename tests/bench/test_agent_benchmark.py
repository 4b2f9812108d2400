"""Tests of the agent benchmark's driver, on a queue too small to measure anything, and of what it measures with."""

import contextlib
import io
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import unittest

from bench import agent_benchmark
from bench.agent_reports import quantile
from bench.bench_relay import Traffic, WrongFigure
from bench.counting_proxy import CountingProxy
from bench.figures_report import Section
from bench.process_figures import CpuMeter, children_named, cpu_seconds, memory
from support.waiting import wait_until

EXPORTER = "prometheus-postfix-exporter"
PARTS = ("start-up", "memory", "wire", "latency", "steady-state")

# Burns half a second of CPU time, says how much it was, and waits.
BURNING = """
import sys, time
while time.process_time() < 0.5: pass
print(time.process_time(), flush=True)
sys.stdin.read()
"""


class AgentBenchmark(unittest.TestCase):
    def run_driver(self, *arguments: str) -> tuple[int, str, str]:
        """Exit status, standard output, standard error."""
        output, errors = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
            status = agent_benchmark.main(arguments)
        return status, output.getvalue(), errors.getvalue()

    def test_measures_checks_and_clears_up(self) -> None:
        # Its package starts a service, so it is not one of those that the tests install.
        exporter = EXPORTER if shutil.which(EXPORTER) else "none"
        with tempfile.TemporaryDirectory() as directory:
            os.chmod(directory, 0o755)  # Postfix passes through it
            status, output, errors = self.run_driver("--files", "1000", "--seconds", "3", "--rate", "50", "--samples",
                                                     "6", "--directory", directory, "--exporter", exporter)
            self.assertEqual(status, 0, errors)
            self.assertEqual(os.listdir(directory), [])
        self.assertEqual(output.count("### "), len(PARTS), output)
        for row in ("agent, until it knows the queue", "with an empty queue", "snapshot", "real mail"):
            self.assertIn(f"| {row}", output)
        # Of so small a queue no other aim means anything.
        self.assertRegex(output, r"with an empty queue, peak: .*: \*\*met\*\*")

    def test_a_part_that_is_none_is_wrong_use(self) -> None:
        with self.assertRaises(SystemExit), contextlib.redirect_stderr(io.StringIO()) as errors:
            agent_benchmark.parse_arguments(["memory", "speed"])
        self.assertIn("no such part: speed", errors.getvalue())
        self.assertEqual(agent_benchmark.parse_arguments(["wire", "memory"]).parts, ["memory", "wire"])
        self.assertEqual(tuple(agent_benchmark.parse_arguments([]).parts), PARTS)

    def test_a_program_that_is_not_there_is_no_result(self) -> None:
        with tempfile.TemporaryDirectory() as directory:
            os.chmod(directory, 0o755)
            status, _, errors = self.run_driver("memory", "--files", "1", "--directory", directory, "--build",
                                                "/nonexistent")
            self.assertEqual(os.listdir(directory), [])
        self.assertEqual(status, 1)
        self.assertIn("queue_writer", errors)

    def test_traffic_that_is_too_slow_is_no_result(self) -> None:
        Traffic("mail", asked=100, seconds=2, messages=195).check()
        with self.assertRaises(WrongFigure):
            Traffic("mail", asked=100, seconds=2, messages=180).check()

    def test_aims(self) -> None:
        section = Section("Title", ["", "n"], rows=[("a", "1")])
        section.at_most("less", 2, 2)
        section.at_most("more", 2.01, 2, " s")
        section.at_least("times", 49.9, 50, digits=1)
        text = section.markdown()
        self.assertIn("- less: 2.00 (aim: at most 2): **met**", text)
        self.assertIn("- more: 2.01 s (aim: at most 2 s): **missed**", text)
        self.assertIn("- times: 49.9 (aim: at least 50): **missed**", text)
        self.assertIn("| a   |   1 |", text)

    def test_quantiles(self) -> None:
        self.assertEqual([quantile([1.0, 2.0, 3.0, 4.0], share) for share in (0, 0.25, 0.5, 0.51, 0.99, 1)],
                         [1, 1, 2, 3, 4, 4])


class ProcessFigures(unittest.TestCase):
    def test_cpu_time_of_children_that_come_and_go(self) -> None:
        name = os.path.basename(sys.executable)[:15]  # as /proc/PID/comm has it
        before = self.burn()  # has ended: not counted
        self.assertGreaterEqual(before, 0.5)
        with contextlib.ExitStack() as stack:
            meter = stack.enter_context(CpuMeter(children_named(os.getpid(), name)))
            said = sum(self.burn(meter) for _ in range(3))
            self.assertEqual(meter.processes(), 3)
        self.assertAlmostEqual(meter.seconds(), said, delta=0.03)  # a little for each one's end

    def burn(self, meter: CpuMeter | None = None) -> float:
        """What a child says that it used; it stays until the meter has looked."""
        with subprocess.Popen([sys.executable, "-c", BURNING], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
            assert child.stdout is not None and child.stdin is not None
            said = float(child.stdout.readline())
            self.assertAlmostEqual(cpu_seconds(child.pid), said, delta=0.02)
            if meter is not None:
                meter.seconds()
            child.stdin.close()
        return said

    def test_memory(self) -> None:
        command = [sys.executable, "-c", "import sys; a = b'x' * 30_000_000; print(flush=True); a = b''; "
                                         "print(flush=True); sys.stdin.read()"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            child.stdout.readline()
            child.stdout.readline()
            used = memory(child.pid)
            child.send_signal(signal.SIGKILL)
        self.assertGreater(used.peak, 30_000_000)
        self.assertLess(used.resident, 30_000_000)
        self.assertGreater(used.proportional, 0)
        self.assertLessEqual(used.proportional, used.resident)


class Proxy(unittest.TestCase):
    def test_counts_both_ways(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            host, port = server.getsockname()
            with CountingProxy(f"{host}:{port}") as proxy:
                address, _, proxy_port = proxy.ingest_address.rpartition(":")
                with socket.create_connection((address, int(proxy_port))) as near, server.accept()[0] as far:
                    near.sendall(b"x" * 100_000)
                    received = 0
                    while received < 100_000:
                        received += len(far.recv(65536))
                    far.sendall(b"12345")
                    self.assertEqual(near.recv(10), b"12345")
                    wait_until(lambda: proxy.passed().both == 100_005, 10, "all is counted")
                    self.assertEqual((proxy.passed().up, proxy.passed().down), (100_000, 5))


if __name__ == "__main__":
    unittest.main()
