"""How a sweep is worked on: the settings `sweep.*` of the command line (configs/sweep/default.yaml)."""

from typing import Annotated, Literal, TypedDict

from pydantic import Field

Jobs = Annotated[int, Field(gt=0, le=1024)] | Literal["auto"]


class Settings(TypedDict):
    """name: of the sweep's directory below `outputs`; None: one that the command gives, the same each time.

    folds: of a cross-validation, which every combination of values goes through; None: one run of each.
    jobs: trials at a time; auto: one a GPU, or one for two cores of a CPU.
    retries: how often a trial that did not finish is tried again at once, from its newest checkpoint.
    dry_run: whether to list the trials and train none. yes: whether more than ASKED_FOR trials are wanted.
    """

    name: str | None
    folds: Annotated[int, Field(ge=2, le=1000)] | None
    jobs: Jobs
    retries: Annotated[int, Field(ge=0, le=100)]
    dry_run: bool
    yes: bool
