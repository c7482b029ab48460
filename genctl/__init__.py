"""genctl: train, compare and use generative models on your own images, from YAML configs."""

# Nothing is imported here: under `python -m genctl` the working directory comes first until __main__ puts that right.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from genctl.runs.trained import Trained


def __getattr__(name: str) -> str:
    if name == "__version__":
        from importlib.metadata import version

        return version("genctl")
    raise AttributeError(f"module 'genctl' has no attribute '{name}'")


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
