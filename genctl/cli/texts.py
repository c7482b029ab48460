"""Options of text take what was typed, also where Hydra's grammar reads a number or a truth value: `name=1e3`.

null alone stays what it is, since it stands for "none" in many options; in quotes it is a text too.
"""

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

from antlr4 import CommonTokenStream, InputStream, ParserRuleContext
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, RangeSweep
from hydra.grammar.gen.OverrideLexer import OverrideLexer
from hydra.grammar.gen.OverrideParser import OverrideParser

from genctl.cli.arguments import quoted
from genctl.cli.schema import ELEMENT
from genctl.config.signatures import alternatives

KINDS = {OverrideLexer.INT: int, OverrideLexer.FLOAT: float, OverrideLexer.BOOL: bool}  # what Hydra reads; null is null
OF_ANY_KIND = ("choice", "shuffle", "str", "tag")  # functions of Hydra's that do the same with texts as with numbers
Place = tuple[str, ...]  # in the config
Change = tuple[int, int, str]  # the first and the last character, and what takes their place


def as_typed(override: Override, annotations: Callable[[Place], list[Any]]) -> str:
    """The override with quotes around all that its options take as text, and Hydra would read as something else."""
    word = override.input_line or ""
    tree = OverrideParser(CommonTokenStream(OverrideLexer(InputStream(word)))).override()
    if tree.value() is not None:
        path = tuple(override.key_or_group.split("."))
        changes = [*_Reader(annotations, override.is_sweep_override()).misread(tree.value(), path)]
        for first, last, text in reversed(changes):
            word = word[:first] + text + word[last + 1 :]
    return word


@dataclasses.dataclass(frozen=True)
class _Reader:
    """is_sweep: functions take quotes off what they are given, and each job of a sweep reads the rest anew."""

    annotations: Callable[[Place], list[Any]]
    is_sweep: bool

    def misread(self, node: ParserRuleContext, path: Place, argument: bool = False) -> Iterator[Change]:
        """What is to be changed in a value, from left to right. argument: it is one of a function."""
        if isinstance(node, OverrideParser.PrimitiveContext):
            token, *more = [child.symbol for child in node.getChildren() if child.symbol.type != OverrideLexer.WS]
            if not more and token.type in KINDS and self._is_text(path, KINDS[token.type]):
                yield token.start, token.stop, self._quoted(token.text, argument)
        elif isinstance(node, OverrideParser.FunctionContext):
            name = node.ID().getText()
            if name == "range" and self._is_text(path, int):
                yield node.start.start, node.stop.stop, self._listed(node.getText())
            elif name in OF_ANY_KIND:
                yield from self._inside(node, path, argument=True)
        elif isinstance(node, OverrideParser.ListContainerContext):
            yield from self._inside(node, (*path, ELEMENT))
        elif isinstance(node, OverrideParser.DictKeyValuePairContext):
            yield from self._inside(node, (*path, node.dictKey().getText().strip()))
        else:
            yield from self._inside(node, path, argument)

    def _inside(self, node: ParserRuleContext, path: Place, argument: bool = False) -> Iterator[Change]:
        for child in node.getChildren(lambda child: isinstance(child, ParserRuleContext)):
            yield from self.misread(child, path, argument)

    def _is_text(self, path: Place, kind: type) -> bool:
        """Whether the option takes text, and no value of that kind."""
        known = [one for annotation in self.annotations(path) for one in alternatives(annotation)]
        return str in known and kind not in known

    def _quoted(self, text: str, argument: bool) -> str:
        return f'"{quoted(text)}"' if argument and self.is_sweep else quoted(text)

    def _listed(self, function: str) -> str:
        """A range, whose values are numbers, as a choice of texts."""
        sweep: RangeSweep = OverridesParser.create().parse_rule(function, "function")
        return f"choice({','.join(self._quoted(str(value), argument=True) for value in sweep.range())})"
