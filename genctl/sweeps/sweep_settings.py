"""How a sweep is worked on: the settings `sweep.*` of the command line (configs/sweep/grid.yaml)."""

from typing import Annotated, Literal, TypedDict

from pydantic import AfterValidator, Field, NonNegativeInt

from genctl.config.better import Better

Jobs = Annotated[int, Field(gt=0, le=1024)] | Literal["auto"]
Most = Annotated[int, Field(gt=0, le=100_000)]
Word = Annotated[str, Field(pattern=r"^[^\s'\"-][^\s'\"]*$")]
OURS = ("array", "error", "nodes", "ntasks", "ntasks-per-node", "open-mode", "output", "requeue", "signal")


def _not_ours(name: str) -> str:
    if name in OURS:
        raise ValueError(f"should be no parameter that a sweep sets itself ({', '.join(OURS)})")
    return name


Parameter = Annotated[str, Field(pattern="^[a-z][a-z-]*$"), AfterValidator(_not_ours)]


class Slurm(TypedDict):
    """What a cluster is asked for. workers: tasks of the array job; the rest is of each. time: in minutes.

    memory: in Slurm's notation, such as 16G. None: the cluster's default.
    lines: more parameters of sbatch; True: one without a value. setup: commands of the shell before a worker begins.
    """

    workers: Most
    partition: Word | None
    account: Word | None
    time: Annotated[int, Field(ge=3, le=1_000_000)]  # submitit asks to be told 90 s before the end
    gpus: Most | None
    cpus: Most | None
    memory: Annotated[str, Field(pattern="^[1-9][0-9]*[KMGT]?$")] | None
    lines: dict[Parameter, Word | int | Literal[True]]
    setup: list[Annotated[str, Field(min_length=1)]]


class Settings(TypedDict):
    """name: of the sweep's directory below `outputs`; None: one that the command gives, the same each time.

    search: grid for every combination of values; else the sampler that chooses `trials` of them.
    metric: what trials are compared by, such as validation/loss; None: what each run is monitored by; of several, the
        front of those that none beats in all is sought. better: which values are, of it or of each; None: as is known.
    pruner: what gives up a trial that is worse than others were at the same step: than the median or the best quarter
        of those that are finished; than the best third of those that came as far, at a first step, three times later,
        and so on (hyperband: Li et al. 2018, with several first steps); or than the median once it gets no better
        (patient). seed: of the sampler.
    folds: of a cross-validation, which every combination of values goes through; None: one run of each.
    jobs: trials at a time; auto: one a GPU, or one for two cores of a CPU.
    engine: where: on this machine, or on a cluster.
    retries: how often a trial that did not finish is tried again at once, from its newest checkpoint.
    dry_run: whether to list the trials and train none. yes: whether more than 10,000 trials are wanted.
    """

    name: str | None
    search: Literal["grid", "random", "tpe", "cmaes"]
    trials: Most | None
    metric: str | Annotated[list[str], Field(min_length=1)] | None
    better: Better | list[Better] | None
    pruner: Literal["none", "median", "quarter", "hyperband", "patient"]
    seed: Annotated[NonNegativeInt, Field(lt=2**32)]
    folds: Annotated[int, Field(ge=2, le=1000)] | None
    jobs: Jobs
    engine: Literal["local", "slurm"]
    retries: Annotated[int, Field(ge=0, le=100)]
    dry_run: bool
    yes: bool
    slurm: Slurm
