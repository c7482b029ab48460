"""The codes of another run's encoder: features for data without labels."""

import numpy as np

from genctl.errors import UserError
from genctl.metrics.features.extractor import Extractor, batch_of
from genctl.metrics.features.training_data import TrainingData
from genctl.runs import records, rundir
from genctl.runs.trained import restored


def load_autoencoder(evaluation: TrainingData, run: str) -> Extractor:
    """The codes that a run gives examples; the mean where a code is random.

    run: its directory. Codes are kept for later evaluations unless the run may use packages that cannot be told by a
    hash. Raises UserError where that run cannot encode these data.
    """
    import tensorflow as tf

    from genctl.metrics.features.feature_cache import digest

    spec, directory = evaluation.spec, rundir.existing(run, "features.run")
    strategy, stored = restored(directory, "latest", evaluation.trust)
    if strategy.spec.image_shape != spec.image_shape:
        raise UserError(
            f"features.run={run} was trained on examples of {strategy.spec.image_shape}, and these are "
            f"{spec.image_shape}."
        )
    if not strategy.can("encode") or strategy.label_dim:
        reason = "needs labels" if strategy.label_dim else f"is a {type(strategy).__name__}, which cannot encode"
        raise UserError(f"features.run={run} {reason}: name a run of an autoencoder without model.conditional.")

    def features(examples: np.ndarray) -> np.ndarray:
        batch = {"image": tf.constant(examples), "label": tf.zeros((len(examples), 0))}
        with strategy.averaged():
            return strategy.encode(batch).numpy()

    return Extractor(
        "autoencoder",
        digest(stored.arrays),
        features,
        batch=batch_of(spec.size),
        facts={"features_run": run, "features_step": stored.facts["step"]},
        made_of={
            "config": records.read_config(directory),
            "of": strategy.spec.to_json(),
        },
        kept=not evaluation.trust,
    )
