"""How a sweep is worked on: the settings `sweep.*` of the command line (configs/sweep/grid.yaml)."""

from typing import Annotated, Literal, TypedDict

from pydantic import Field, NonNegativeInt

from genctl.config.better import Better

Count = Annotated[int, Field(gt=0, le=100_000)]
Jobs = Annotated[int, Field(gt=0, le=1024)] | Literal["auto"]


class Settings(TypedDict):
    """name: of the sweep's directory below `outputs`; None: one that the command gives, the same each time.

    search: grid for every combination of values; else the sampler that chooses `trials` of them.
    metric: what trials are compared by, such as validation/loss; None: what each run is monitored by; of several, the
        front of those that none beats in all is sought. better: which values are, of it or of each; None: as is known.
    pruner: what gives up a trial that is worse than others were at the same step: than the median or the best third of
        those that are finished; than the best third of those that came as far, at a first step, three times later, and
        so on (hyperband: Li et al. 2018, with several first steps); or than the median once it gets no better
        (patient). seed: of the sampler.
    folds: of a cross-validation, which every combination of values goes through; None: one run of each.
    jobs: trials at a time; auto: one a GPU, or one for two cores of a CPU.
    retries: how often a trial that did not finish is tried again at once, from its newest checkpoint.
    dry_run: whether to list the trials and train none. yes: whether more than ASKED_FOR trials are wanted.
    """

    name: str | None
    search: Literal["grid", "random", "tpe", "cmaes"]
    trials: Count | None
    metric: str | Annotated[list[str], Field(min_length=1)] | None
    better: Better | list[Better] | None
    pruner: Literal["none", "median", "third", "hyperband", "patient"]
    seed: Annotated[NonNegativeInt, Field(lt=2**32)]
    folds: Annotated[int, Field(ge=2, le=1000)] | None
    jobs: Jobs
    retries: Annotated[int, Field(ge=0, le=100)]
    dry_run: bool
    yes: bool
