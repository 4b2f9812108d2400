"""Every combination of qshape's counting options, with values from a seed.

There are seven options that change a table (-s -p -m -b -t -l -w), so a matrix has
2^7 = 128 lists of arguments. Which values they get is drawn anew for each: mostly
ordinary ones, now and then odd ones, which perl reads in its own way ("5abc" is 5,
"1e2" is 100, "abc" is 0 and so ignored).
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator

_ORDINARY_VALUES: dict[str, list[str]] = {
    "-m": [str(count) for count in range(1, 11)],
    "-b": [str(count) for count in range(1, 25)],
    "-t": ["1", "5", "0.5", "60", "0.1", "5", "1", "3.7"],
    "-w": [str(width) for width in (81, 82, 90, 99, 100, 101, 117, 120, 132, 150, 160, 180, 199, 200)],
}
# Widths of 500 and more show long names whole, and so their order.
_ODD_VALUES: dict[str, list[str]] = {
    "-m": ["0", "-1", "3.7", "abc", "5abc", "1e2", "1e1", " 2", "0x10", "+3", "2.0", "1.0001", "nan"],
    "-b": ["0", "-5", "3.7", "abc", "5abc", "1e1", " 7", "+6", "0x10", "30", "70", "2.999", "nan"],
    "-t": [
        "0", "-5", "abc", "5abc", "1e2", "1e-3", " 2", "+3", ".5", "0x10", "1440", "1e17", "0.3333", "1e300", "inf",
        "nan", "7.",
    ],
    "-w": ["0", "-5", "80", "79", "100.5", "abc", "90abc", "1e2", "81.999", " 120", "500", "900", "nan", "+140"],
}
_RARE_VALUES: dict[str, list[str]] = {"-m": [""], "-b": ["", "0.5", "0.999"], "-t": [""], "-w": [""]}

_ODD_SHARE = 0.08
_RARE_SHARE = 0.005


def _value(rng: random.Random, option: str) -> str:
    dice = rng.random()
    if dice < _RARE_SHARE:
        return rng.choice(_RARE_VALUES[option])
    if dice < _RARE_SHARE + _ODD_SHARE:
        return rng.choice(_ODD_VALUES[option])
    return rng.choice(_ORDINARY_VALUES[option])


def option_matrix(seed: int, odd_values: bool = True) -> Iterator[list[str]]:
    """All 128 combinations, as lists of arguments without the queues.

    With `odd_values` False, every value is one that a person would give.
    """
    rng = random.Random(seed)
    for present in itertools.product([False, True], repeat=7):
        arguments: list[str] = []
        for option, is_present in zip(["-s", "-p", "-l", "-m", "-b", "-t", "-w"], present):
            if not is_present:
                continue
            if option in ("-s", "-p", "-l"):
                arguments.append(option)
                continue
            value = _value(rng, option) if odd_values else rng.choice(_ORDINARY_VALUES[option])
            # An option and its value may be one word or two.
            arguments += [option + value] if value and rng.random() < 0.3 else [option, value]
        yield arguments
