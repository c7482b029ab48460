"""Signs in the training logs that a run goes wrong, and what usually helps."""

import dataclasses
import logging
from collections.abc import Callable, Mapping

log = logging.getLogger("genctl")


@dataclasses.dataclass(frozen=True)
class Check:
    """What tells that a run is ill.

    logs: the names of the logs that it looks at. ill: a function of their values, in that order.
    steps: for how many steps in a row it must be so. advice: what to say then, and to try.
    """

    logs: tuple[str, ...]
    ill: Callable[..., bool]
    steps: int
    advice: str


CHECKS = {
    "discriminator": Check(
        logs=("discriminator/loss", "discriminator/real_accuracy", "discriminator/fake_accuracy"),
        ill=lambda loss, real, fake: 0 <= loss < 0.05 and min(real, fake) > 0.99,
        steps=1000,
        advice="the discriminator has told every image from every generated one for {steps} steps, so that the "
        "generator learns little from it. What usually helps: model.penalty=r1, model.instance_noise=0.1, a smaller "
        "model.discriminator_learning_rate, or model=wgan_gp.",
    ),
    "modes": Check(
        logs=("generator/diversity",),
        ill=lambda diversity: diversity < 0.2,
        steps=1000,
        advice="generated images have been nearly all alike for {steps} steps (generator/diversity is their distance "
        "from one another over that of real ones). What usually helps: model=wgan_gp or model=sngan, model.penalty=r1, "
        "a smaller optimizer.learning_rate, or a larger trainer.batch_size.",
    ),
    "posterior": Check(
        logs=("rate", "distortion"),
        ill=lambda rate, distortion: rate < 0.1,
        steps=1000,
        advice="the codes have told less than 0.1 nats about an image for {steps} steps: the posterior has collapsed "
        "to the prior. What usually helps: a weight that rises from nothing, such as "
        "model.beta={{linear: {{start: 0, end: 1, steps: 2000}}}} (for hvae, model.warmup_steps=2000), "
        "model.free_bits=0.1, or a smaller decoder.",
    ),
}


@dataclasses.dataclass
class Health:
    """Watches one run's logs and warns of each sign once; its fields are kept in checkpoints.

    since: for each check that finds the run ill, the step from which on. warned: the checks that have warned.
    """

    since: dict[str, int] = dataclasses.field(default_factory=dict)
    warned: list[str] = dataclasses.field(default_factory=list)

    def __call__(self, first: int, last: int, values: Mapping[str, float]) -> None:
        """Look at the means of the logs over the steps from `first` to `last`."""
        for name, check in CHECKS.items():
            if not (values.keys() >= set(check.logs) and check.ill(*(values[key] for key in check.logs))):
                self.since.pop(name, None)
            elif last - self.since.setdefault(name, first) >= check.steps and name not in self.warned:
                self.warned.append(name)
                log.warning(check.advice.format(steps=check.steps))
