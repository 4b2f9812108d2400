"""`fleetqshape --compat` prints what qshape prints, on generated spools.

Every spool is compared with some of the 128 combinations of options, some spools with
all of them. With FLEETQSHAPE_LONG_TESTS set, all spools are compared with all of them.
FLEETQSHAPE_FIRST_SEED=N and FLEETQSHAPE_SPOOLS=N choose the spools; a difference names
the seed and the options to see it again.
"""

from __future__ import annotations

import multiprocessing
import multiprocessing.util
import os
import random
import tempfile
import unittest

from differential.comparison import Comparison
from differential.option_matrix import option_matrix
from differential.spool_generator import QUEUES, generate_spool

_LONG = bool(os.environ.get("FLEETQSHAPE_LONG_TESTS"))
_FIRST_SEED = int(os.environ.get("FLEETQSHAPE_FIRST_SEED", "1"))
_SPOOLS = int(os.environ.get("FLEETQSHAPE_SPOOLS", "2000"))
_COMBINATIONS_OF_EACH = 6
"""So many of a spool's 128 combinations are compared if it is not one of the thorough ones."""
_THOROUGH_EVERY = 1 if _LONG else 100


def _choose_queues(rng: random.Random, directory: str, plain_files: list[str]) -> list[str]:
    """What to give as arguments: mostly one queue, sometimes several, one twice, or a file."""
    paths = [os.path.join(directory, os.fsdecode(queue)) for queue in QUEUES]
    dice = rng.random()
    if dice < 0.6:
        return [rng.choice(paths)]
    if dice < 0.8:
        return rng.sample(paths, rng.randint(2, len(paths)))
    if dice < 0.9:
        path = rng.choice(paths)
        return [path, path]
    if plain_files and dice < 0.95:
        return [rng.choice(plain_files), rng.choice(paths) + "/"]
    return [os.path.join(directory, "missing"), rng.choice(paths)]


_comparison: Comparison | None = None
"""Of a process of the pool."""


def _start() -> None:
    global _comparison
    _comparison = Comparison()
    multiprocessing.util.Finalize(None, _comparison.close, exitpriority=1)


def _compare_spool(seed: int) -> tuple[int, list[str]]:
    """How many runs were compared, and what differed."""
    assert _comparison is not None
    rng = random.Random(seed * 7919)
    matrix = list(option_matrix(seed))
    if seed % _THOROUGH_EVERY:
        matrix = rng.sample(matrix, _COMBINATIONS_OF_EACH)
    differences: list[str] = []
    with tempfile.TemporaryDirectory(prefix="spool-") as directory:
        spool = generate_spool(seed, directory)
        for options in matrix:
            arguments = [*options, *_choose_queues(rng, directory, spool.plain_files)]
            difference = _comparison.difference(arguments, spool.now)
            if difference:
                shown = [argument.replace(directory, "SPOOL") for argument in arguments]
                differences.append(f"seed {seed}, {shown}: {difference}")
    return len(matrix), differences


class CompatTest(unittest.TestCase):
    def test_tables_are_qshapes_to_the_byte(self) -> None:
        seeds = range(_FIRST_SEED, _FIRST_SEED + _SPOOLS)
        print(f"seeds {seeds.start} to {seeds.stop - 1}", flush=True)
        runs = 0
        differences: list[str] = []
        with multiprocessing.Pool(os.cpu_count(), initializer=_start) as pool:
            for done, (count, found) in enumerate(pool.imap_unordered(_compare_spool, seeds), 1):
                runs += count
                differences += found
                if done % 500 == 0:
                    print(f"{done} spools, {runs} runs", flush=True)
            pool.close()
            pool.join()
        self.assertEqual([], differences[:20], f"{len(differences)} of {runs} runs differ")
        self.assertGreaterEqual(runs, len(seeds) * _COMBINATIONS_OF_EACH)
        print(f"{len(seeds)} spools, {runs} runs compared", flush=True)


if __name__ == "__main__":
    unittest.main()
