"""The objectives in PyTorch: each trainer's `update` takes one training step."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from rivals import torch_networks as networks
from rivals.common import ADAM, NOISE, PENALTY, TURNS, Task

Compile = Callable[[Callable], Callable]  # torch.compile, or nothing


def build(task: Task, device: str, layout: torch.memory_format, compiled: Compile) -> "VAE | GAN":
    kind = {"vae": VAE, "gan": GAN, "wgan_gp": WassersteinGAN}[task.kind]
    return kind(task, lambda network: network.to(device, memory_format=layout), compiled)


def adam(task: Task, *trained: nn.Module) -> torch.optim.Optimizer:
    rate, *betas = ADAM[task.kind]
    weights = [weight for network in trained for weight in network.parameters()]
    return torch.optim.Adam(weights, rate, tuple(betas), eps=1e-7, fused=not task.options.get("tutorial") or None)


def descend(optimizer: torch.optim.Optimizer, loss: Tensor) -> Tensor:
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    return loss


class VAE:
    def __init__(self, task: Task, place: Callable[[nn.Module], nn.Module], compiled: Compile) -> None:
        dense = task.network == "dense"
        self.encoder = place(networks.dense_encoder() if dense else networks.conv_encoder())
        self.decoder = place(networks.dense_decoder() if dense else networks.conv_decoder())
        self.adam = adam(task, self.encoder, self.decoder)
        self.compiled_loss = compiled(self.loss)

    def update(self, images: Tensor) -> Tensor:
        return descend(self.adam, self.compiled_loss(images))

    def loss(self, images: Tensor) -> Tensor:
        mean, log_variance = self.encoder(images).chunk(2, dim=1)
        code = mean + torch.exp(log_variance / 2) * torch.randn_like(mean)
        distortion = functional.binary_cross_entropy_with_logits(self.decoder(code), images, reduction="sum")
        rate = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum()
        return (distortion + rate) / len(images)


class GAN:
    def __init__(self, task: Task, place: Callable[[nn.Module], nn.Module], compiled: Compile) -> None:
        self.generator, self.discriminator = place(networks.generator()), place(networks.discriminator())
        self.generator_optimizer, self.discriminator_optimizer = (
            adam(task, self.generator),
            adam(task, self.discriminator),
        )
        self.compiled_generate = compiled(self.generate)
        self.compiled_discriminator_loss = compiled(self.discriminator_loss)
        self.compiled_generator_loss = compiled(self.generator_loss)

    def update(self, images: Tensor) -> Tensor:
        with torch.no_grad():
            fake = self.compiled_generate(images)
        loss = descend(self.discriminator_optimizer, self.compiled_discriminator_loss(images, fake))
        self._forge(images)
        return loss

    def _forge(self, images: Tensor) -> None:
        self.discriminator.requires_grad_(False)
        descend(self.generator_optimizer, self.compiled_generator_loss(images))
        self.discriminator.requires_grad_(True)

    def generate(self, images: Tensor) -> Tensor:
        return self.generator(torch.randn(len(images), NOISE, device=images.device))

    def discriminator_loss(self, images: Tensor, fake: Tensor) -> Tensor:
        false_scores = functional.softplus(self.discriminator(fake)).mean()
        return functional.softplus(-self.discriminator(images)).mean() + false_scores

    def generator_loss(self, images: Tensor) -> Tensor:
        return functional.softplus(-self.discriminator(self.generate(images))).mean()


class WassersteinGAN(GAN):
    """The gradient penalty is never compiled: torch.compile has no second derivatives."""

    def update(self, images: Tensor) -> Tensor:
        for part in images.chunk(TURNS):
            with torch.no_grad():
                fake = self.compiled_generate(part)
            loss = descend(
                self.discriminator_optimizer, self.compiled_discriminator_loss(part, fake) + self.penalty(part, fake)
            )
        self._forge(part)
        return loss

    def discriminator_loss(self, images: Tensor, fake: Tensor) -> Tensor:
        return self.discriminator(fake).mean() - self.discriminator(images).mean()

    def generator_loss(self, images: Tensor) -> Tensor:
        return -self.discriminator(self.generate(images)).mean()

    def penalty(self, images: Tensor, fake: Tensor) -> Tensor:
        share = torch.rand(len(images), 1, 1, 1, device=images.device)
        between = (share * images + (1 - share) * fake).requires_grad_()
        (slopes,) = torch.autograd.grad(self.discriminator(between).sum(), between, create_graph=True)
        return PENALTY * (slopes.square().sum((1, 2, 3)).add(1e-12).sqrt() - 1).square().mean()
