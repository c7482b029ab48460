"""An encoder and a decoder that another run has trained."""

from pathlib import Path

from genctl.errors import UserError
from genctl.runs import checkpoint, rundir, state
from genctl.strategies.parts.strategy import Strategy

OF_BOTH = ("networks/encoder", "networks/decoder")  # there may be one for each level


def adopt(strategy: Strategy, run: str) -> Path:
    """Give encoder and decoder the weights of the newest checkpoint of `run`; return that checkpoint's path.

    Raises UserError where they are not there or do not fit.
    """
    stored = checkpoint.find(rundir.existing(run, "model.autoencoder") / "checkpoints", "latest")
    theirs = {name: value for name, value in stored.arrays.items() if name.startswith(OF_BOTH)}
    mine = {name: value for name, value in state.variables(strategy).items() if name.startswith(OF_BOTH)}
    if not theirs:
        raise UserError(f"model.autoencoder={run}: this run has no encoder and decoder; name one of model=ae.")
    state.assign(mine, theirs, f"model.autoencoder={run} does not fit encoder=…, decoder=… and model.latent_dim")
    return stored.path
