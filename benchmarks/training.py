"""How fast genctl trains beside Keras `fit`, a hand-written TensorFlow loop and PyTorch; see docs/benchmarks.md.

python benchmarks/training.py [--quick] [--json FILE] [--work dense_vae,conv_vae,…] [--repeats N]
"""

import argparse
import sys

import measure
import overhead
import report
import rounds
from rich.console import Console
from works import RIVALS, WORKS

ALL = (*WORKS, "overhead")


def main() -> int:
    arguments = parse()
    console = Console(width=None if sys.stdout.isatty() else 180)
    settings = rounds.Settings(
        repeats=arguments.repeats or (2 if arguments.quick else 5),
        seconds=arguments.seconds or (1.0 if arguments.quick else 6.0),
        tune=not arguments.quick,
        rivals=arguments.against,
        torch_python=arguments.torch_python,
        data=measure.mnist(),
        python=sys.executable,
    )
    console.print(report.machine(), markup=False)
    rows: list[report.Row] = []
    for name in arguments.work:
        rows += measured(name, settings, lambda text: console.print(text, markup=False, highlight=False))
        report.write(arguments.json, rows)
    report.show(console, rows)
    return 0


def measured(name: str, settings: rounds.Settings, say: rounds.Say) -> list[report.Row]:
    """All rows of one kind of work."""
    if name == "overhead":
        say("overhead")
        return overhead.rows(settings, say)
    rows = []
    for work in WORKS[name]:
        say(work.title)
        rows += report.rows(work, rounds.compete(work, settings, say))
    return rows


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="two short rounds, without trying variants of the rivals")
    parser.add_argument("--json", metavar="FILE", help="write the rows there")
    parser.add_argument("--work", type=choices(ALL), default=ALL, help=f"of {','.join(ALL)}; default: all")
    parser.add_argument("--against", type=choices(RIVALS), default=tuple(RIVALS), help=f"of {','.join(RIVALS)}")
    parser.add_argument("--repeats", type=int, metavar="N", help="rounds; default: 5, or 2 with --quick")
    parser.add_argument("--seconds", type=float, metavar="S", help="of training in a measurement; default: 6, or 1")
    parser.add_argument("--torch-python", metavar="PYTHON", default=sys.executable, help="a Python that has PyTorch")
    return parser.parse_args()


def choices(known):
    """A type for argparse: names with commas between."""

    def names(text: str) -> tuple[str, ...]:
        given = tuple(text.split(","))
        if unknown := [name for name in given if name not in known]:
            raise argparse.ArgumentTypeError(f"{unknown[0]} is not one of {', '.join(known)}")
        return given

    return names


if __name__ == "__main__":
    sys.exit(main())
