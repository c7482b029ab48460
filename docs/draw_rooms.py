"""Draw the rooms of genctl and how often each imports from which: python docs/draw_rooms.py writes docs/rooms.svg.

Imports inside functions and for types alone count like any other.
"""

import ast
import collections
from pathlib import Path
from xml.sax.saxutils import escape

HERE = Path(__file__).resolve().parent
PACKAGE = HERE.parent / "genctl"
ROOMS = (  # from the top down: each imports only from those below it
    *("cli.verbs", "cli.verbs.comparing", "cli.verbs.exporting", "cli", "sweeps", "metrics", "metrics.features"),
    *("training", "runs", "strategies", "strategies.parts", "strategies.players", "objectives", "networks"),
    *("networks.layers", "data", "compute", "config", "errors"),
)
CELL, LEFT, TOP = 26, 170, 140
STYLE = """text { font: 13px system-ui, sans-serif; fill: #24292f } .n { text-anchor: middle; font-size: 11px }
.cell { fill: #2f81f7 } .room { fill: #8b949e; fill-opacity: .25 } .grid { stroke: #8b949e; stroke-opacity: .3 }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } }"""


def read_modules() -> dict[str, Path]:
    """The files of genctl by the names that they are imported by."""
    paths = {".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts): path for path in PACKAGE.rglob("*.py")}
    return {name.removesuffix(".__init__"): path for name, path in sorted(paths.items())}


def read_imports(modules: dict[str, Path]) -> dict[str, dict[str, int]]:
    """For each module the modules of genctl that it imports, with the line of each."""
    imports = {}
    for module, path in modules.items():
        lines: dict[str, int] = {}
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [f"{node.module}.{alias.name}" for alias in node.names]
                lines |= {name if name in modules else node.module: node.lineno for name in names}
            elif isinstance(node, ast.Import):
                lines |= {alias.name: node.lineno for alias in node.names}
        imports[module] = {name: line for name, line in lines.items() if name in modules}
    return imports


def place(module: str) -> int:
    """Where the room of a module stands in the order, from the top."""
    parts = module.removeprefix("genctl.").split(".")
    return next(ROOMS.index(room) for n in (3, 2, 1) if (room := ".".join(parts[:n])) in ROOMS)


def draw() -> str:
    """An SVG: a row for each room, with how many of its modules' imports go to each room, which is a column."""
    modules = {name: path for name, path in read_modules().items() if name not in ("genctl", "genctl.__main__")}
    pairs = [(place(one), place(other)) for one, others in read_imports(modules).items() for other in others]
    counts, most = collections.Counter(pairs), LEFT + CELL * len(ROOMS)
    parts = []
    for row, room in enumerate(ROOMS):
        y, x = TOP + CELL * row, LEFT + CELL * row
        parts += [
            f'<text x="{LEFT - 10}" y="{y + 17}" text-anchor="end">{escape(room)}</text>',
            f'<text transform="translate({x + 17},{TOP - 10}) rotate(-60)">{escape(room)}</text>',
            f'<line class="grid" x1="{LEFT}" x2="{most}" y1="{y}" y2="{y}"/>',
            f'<rect class="room" x="{x}" y="{y}" width="{CELL}" height="{CELL}"/>',
        ]
        for column in range(len(ROOMS)):
            if (count := counts[row, column]) and column != row:
                shade = min(1.0, 0.15 + count / 40)
                x = LEFT + CELL * column
                parts += [
                    f'<rect class="cell" fill-opacity="{shade:.2f}" x="{x}" y="{y}" width="{CELL}" height="{CELL}"/>',
                    f'<text class="n" x="{x + CELL // 2}" y="{y + 17}">{count}</text>',
                ]
    size = f'width="{most + 60}" height="{TOP + CELL * len(ROOMS) + 10}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size}>\n<style>{STYLE}</style>\n' + "\n".join(parts) + "\n</svg>\n"
    )


if __name__ == "__main__":
    (HERE / "rooms.svg").write_text(draw())
