"""Several metrics of one evaluation."""

import logging
from collections.abc import Mapping

from genctl.errors import Unsuited, UserError
from genctl.metrics.evaluation import Evaluation, Metric, Number, check_suited, measured

log = logging.getLogger("genctl")


def measure(metrics: Mapping[str, Metric], evaluation: Evaluation, named: bool) -> list[Number]:
    """The numbers of all metrics; what can be refused before any work is.

    named: the metrics were asked for by name, so that one which cannot be had is a UserError; else it is passed over.
    Raises UserError where none is left.
    """
    suited, numbers = dict(metrics), list[Number]()
    for act in (check_suited, lambda metric, evaluation: numbers.extend(measured(metric, evaluation))):
        for name, metric in list(suited.items()):
            try:
                act(metric, evaluation)
            except Unsuited as reason:
                if named:
                    raise UserError(f"metrics: {name} cannot be had: {reason}.") from reason
                log.info("without %s: %s.", name, reason)
                del suited[name]
    if not numbers:
        raise UserError("none of the metrics suits this run and these data: name others with metrics=….")
    return numbers
