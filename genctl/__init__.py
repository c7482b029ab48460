"""genctl: train, compare and use generative models on your own images, from YAML configs."""

# Nothing is imported here: under `python -m genctl` the working directory comes first until __main__ puts that right.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from genctl.runs.records import TrainingResult
    from genctl.runs.trained import Trained


def __getattr__(name: str) -> str:
    if name == "__version__":
        from importlib.metadata import version

        return version("genctl")
    raise AttributeError(f"module 'genctl' has no attribute '{name}'")


def train(*settings: str) -> "TrainingResult":
    """Train a model, as `genctl train SETTINGS` does; a notebook's cell that runs again continues a run with a name.

    settings: as on the command line, such as "model=vae"; for one run, and no sweep. Returns the run's directory, its
    summary and the best value of what it is monitored by. Raises genctl.errors.UserError for a mistake in the settings,
    and genctl.errors.Stopped where the run was stopped before its end.

    >>> import genctl
    >>> outcome = genctl.train("model=vae", "encoder=mlp", "decoder=mlp", "trainer.steps=100", "name=again")
    VAE on digits 8x8x1: 1,437 training, 180 validation and 180 test examples
    ...
    >>> outcome.directory
    PosixPath('outputs/again')
    >>> outcome.summary.steps, sorted(outcome.summary.metrics)
    (100, ['train', 'validation'])
    >>> outcome.best == outcome.summary.metrics["validation"]["loss"]
    True
    >>> genctl.load(outcome.directory).sample(n=3).shape
    (3, 8, 8, 1)
    """
    import shlex

    from genctl.cli import arguments
    from genctl.cli.main import run_verb
    from genctl.cli.table import VERBS
    from genctl.errors import UserError

    words = ["train", *settings]
    asked = arguments.parse(words)
    if asked.flags or asked.unknown or asked.verb != "train":
        raise UserError(f"genctl.train takes settings alone, such as 'model=vae', but got {shlex.join(settings)}.")
    if dry := [word for word in settings if word.startswith("dry_run=")]:
        raise UserError(f"{dry[0]} is for the command line: nothing is trained then, and genctl.train has no outcome.")
    outcome = run_verb(VERBS["train"], asked, shlex.join(["genctl", *words])).outcome
    assert outcome is not None  # one process, and no sweep
    return outcome


def load(run: "str | Path", checkpoint: "str | int" = "latest", trust: "Sequence[str]" = ()) -> "Trained":
    """Load a trained run for use in Python, as the verbs do; TensorFlow is imported only now.

    run: its directory. checkpoint: latest, best, or a step. trust: packages whose names the run's config may use.
    Raises genctl.errors.UserError where there is no such run or checkpoint.

    >>> import genctl
    >>> run = genctl.load("outputs/first")
    >>> images = run.sample(n=3, seed=1)
    >>> images.shape, images.dtype
    ((3, 8, 8, 1), dtype('uint8'))
    >>> codes = run.encode(images)
    >>> codes.shape == (3, run.strategy.code_dim)
    True
    >>> bool((run.decode(codes) == run.reconstruct(images)).all())
    True
    >>> sorted(run.networks)
    ['decoder', 'encoder']
    """
    from genctl.runs.trained import load

    return load(run, checkpoint, trust)
