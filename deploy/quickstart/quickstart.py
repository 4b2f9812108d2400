"""Builds, starts and questions a small fleet; ./quickstart calls it when all packages are there.

    PYTHONPATH=tools /usr/bin/python3 deploy/quickstart/quickstart.py [--once] [--programs DIR]
"""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from fleet import Fleet, FleetError, Relay
from sample_queues import write_sample_queues
from steps import ROOT, StepFailed, Stopped, build_jobs, fail, run_step, say, stop_on_signals

_PROGRAMS = ("fleetqshape", "fleetqshape-agent", "fleetqshape-aggregator")
_BUILD = ROOT / "build"
_APPEAR_SECONDS = 30

_QUESTIONS = (
    ("What is stuck in the whole fleet, by destination, and for how many minutes?", ("deferred",)),
    ("In the cluster eu only?", ("deferred --cluster eu",)),
    ("Gateways beside spam relays: who is in trouble?",
     ("deferred --role gateway", "deferred --role spam-relay")),
    ("Who sent what is stuck? (MAILER-DAEMON: bounces, here of a dictionary attack)", ("-s deferred",)),
    ("Destinations again, with parent domains: .forged.example stands for all of its hosts", ("-p deferred",)),
    ("What is being delivered now? (gmail.example crowds out a burst to webmail.example)", ("active",)),
)


def _build() -> None:
    logs = _BUILD / "log"
    configure = ["cmake", "--preset", "release"]
    if not (_BUILD / "CMakeCache.txt").exists():  # run-tests may have been here, and needs the tests
        configure.append("-DBUILD_TESTING=OFF")
    run_step("Configuring build/", configure, logs / "quickstart-configure.log")
    run_step("Building the three programs (some minutes the first time)",
             ["cmake", "--build", str(_BUILD), "--parallel", str(build_jobs()), "--target", *_PROGRAMS],
             logs / "quickstart-build.log")


def _environment(programs: Path) -> dict[str, str]:
    """This program's environment with ours in PATH, without settings for other fleets."""
    environment = {name: value for name, value in os.environ.items()
                   if not name.startswith("FLEETQSHAPE_")}
    environment["PATH"] = f"{programs}:{environment.get('PATH', '/usr/bin:/bin')}"
    return environment


def _ask(arguments: str, environment: dict[str, str]) -> None:
    """Runs fleetqshape and prints its answer under the command; raises FleetError."""
    command = f"fleetqshape {arguments}"
    say(f"$ {command}")
    done = subprocess.run(shlex.split(command), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", env=environment)
    say(done.stdout)
    if done.returncode != 0:
        raise FleetError(f"{command}: exit status {done.returncode}")


def _show(fleet: Fleet, relays: list[Relay], programs: Path) -> None:
    say(f"An aggregator listens to agents on {fleet.ingest_address}, to questions on "
        f"{fleet.query_address}. The relays:")
    for relay in relays:
        say(f"    {relay.host:6} cluster {relay.cluster}   role={relay.role:11} {relay.queue_directory}")
    say("\nThe commands below work in another terminal, too, after these two:\n"
        f"    export PATH={shlex.quote(str(programs))}:$PATH\n"
        f"    export FLEETQSHAPE_SERVER={fleet.query_address}\n")
    environment = {**_environment(programs), "FLEETQSHAPE_SERVER": fleet.query_address}
    for title, commands in _QUESTIONS:
        say(f"# {title}")
        for arguments in commands:
            _ask(arguments, environment)
    say("# One queue directory of this machine, without an aggregator: a fast qshape")
    _ask(shlex.quote(str(relays[0].queue_directory / "deferred")), environment)


def _keep_running(fleet: Fleet) -> None:
    say("The fleet keeps running: ask it questions in another terminal. Ctrl-C stops it.")
    try:
        while True:
            fleet.check()
            time.sleep(0.5)
    except Stopped:
        say("\nStopping.")


def _run_fleet(programs: Path, once: bool) -> None:
    with tempfile.TemporaryDirectory(prefix="fleetqshape-quickstart-") as name:
        directory = Path(name)
        relays = [Relay(host, cluster, role, directory / host) for host, cluster, role in
                  (("gw1", "eu", "gateway"), ("gw2", "us", "gateway"), ("spam1", "eu", "spam-relay"))]
        say("Writing the queues of three sample relays ...")
        started = time.monotonic()
        queues = write_sample_queues({relay.host: relay.queue_directory for relay in relays},
                                     int(time.time()))
        files = sum(queue.message_count for queue in queues.values())
        say(f"    {files} queue files in {time.monotonic() - started:.1f} s")
        say("Starting an aggregator and three agents ...")
        with Fleet(programs, directory, relays, _environment(programs)) as fleet:
            fleet.wait_for_recipients(sum(queue.recipient_count for queue in queues.values()),
                                      _APPEAR_SECONDS)
            say("    the aggregator has the queues of all three\n")
            _show(fleet, relays, programs)
            if not once:
                _keep_running(fleet)


def main() -> int:
    parser = argparse.ArgumentParser(prog="quickstart")
    parser.add_argument("--once", action="store_true")
    parser.add_argument("--programs", type=Path, help="take these programs, build nothing")
    arguments = parser.parse_args()
    stop_on_signals()
    try:
        if arguments.programs is None:
            _build()
        _run_fleet(arguments.programs or _BUILD / "bin", arguments.once)
    except Stopped as stopped:
        return fail("quickstart", f"stopped by {stopped}; nothing is left running", stopped.exit_status)
    except BrokenPipeError:  # whoever read our output has gone; so has the fleet by now
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (StepFailed, FleetError, OSError) as error:
        return fail("quickstart", str(error))
    say("Everything is stopped and removed.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
