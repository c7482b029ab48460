"""PyTorch, eager or compiled: all images lie in one tensor on the device, and a step takes a shuffled part of it.

As its tutorials write it, a DataLoader shuffles and stacks the images, and Adam is as it is by default.
"""

import torch

from rivals.common import Task, images, low, timed
from rivals.torch_models import build


def measure(task: Task) -> float:
    device = "cuda" if torch.cuda.is_available() else "cpu"
    layout = torch.channels_last if task.variant == "channels_last" else torch.contiguous_format
    trainer = build(task, device, layout, torch.compile if task.options.get("compile") else lambda function: function)
    stream = loaded(task, device) if task.options.get("tutorial") else batches(task, device, layout)

    def advance(steps: int) -> float:
        for _ in range(steps):
            loss = trainer.update(next(stream))
        return loss.item()

    return timed(task, advance)


def loaded(task: Task, device: str):
    """Endless batches of a DataLoader."""
    black = low(task)
    stored = torch.from_numpy(images(task)).permute(0, 3, 1, 2).to(torch.float32) * ((1 - black) / 255) + black
    loader = torch.utils.data.DataLoader(stored, task.batch_size, shuffle=True, drop_last=True)
    while True:
        for batch in loader:
            yield batch.to(device)


def batches(task: Task, device: str, layout: torch.memory_format):
    """Endless batches, without the costs of a DataLoader."""
    black = low(task)
    stored = torch.from_numpy(images(task)).permute(0, 3, 1, 2).to(device, torch.float32)
    stored = stored.mul_((1 - black) / 255).add_(black).contiguous(memory_format=layout)
    while True:
        order = torch.randperm(len(stored), device=device)
        for first in range(0, len(stored) - task.batch_size + 1, task.batch_size):
            yield stored[order[first : first + task.batch_size]]
