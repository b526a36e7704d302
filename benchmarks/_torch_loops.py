"""The peers: plain PyTorch training loops, as OpenLTH writes them, but with batches gathered from tensors.

Each multiplies the weights by their masks before every forward pass, logs the mean loss, and evaluates like ours. LeNet's
images are normalised once and kept as floats; ResNet's stay bytes, because they are cropped and mirrored, batch by batch.
"""

import numpy as np
import torch
import torch.nn.functional as F
from _torch_nets import CifarResNet
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

DENSITY = 0.2


class _Loop:
    """A subclass sets model, optimizer, masks, batches (without end) and validation, and says how images are normalised."""

    def run(self, steps: int) -> float:
        """Train; return the mean loss."""
        self.model.train()
        total = torch.zeros(())
        for _ in range(steps):
            x, y = next(self.batches)
            self._apply_masks()
            self.optimizer.zero_grad()
            loss = F.cross_entropy(self.model(x), y)
            loss.backward()
            self.optimizer.step()
            total += loss.detach()
        return float(total) / steps

    @torch.no_grad()
    def evaluate(self) -> tuple[float, float]:
        """Cross-entropy and accuracy over the validation examples."""
        self.model.eval()
        self._apply_masks()
        images, labels = self.validation
        loss, hits = torch.zeros(()), torch.zeros((), dtype=torch.long)
        for x, y in zip(images.split(500), labels.split(500), strict=True):
            logits = self.model(self.normalised(x))
            loss += F.cross_entropy(logits, y, reduction="sum")
            hits += (logits.argmax(1) == y).sum()
        return float(loss) / len(labels), float(hits) / len(labels)

    def _apply_masks(self):
        for parameter, mask in self.masks:
            parameter.data *= mask


class LeNetLoop(_Loop):
    """LeNet-300-100, Adam 1.2e-3, batch 60."""

    def __init__(self, arrays, fused=False, loader=False):
        torch.manual_seed(0)
        hidden = (nn.Linear(784, 300), nn.ReLU(), nn.Linear(300, 100), nn.ReLU())
        self.model = nn.Sequential(nn.Flatten(), *hidden, nn.Linear(100, 10))
        for layer in self.model:
            if isinstance(layer, nn.Linear):
                nn.init.xavier_normal_(layer.weight)
        self.masks = _masks(self.model, dim=2)
        self.optimizer = torch.optim.Adam(self.model.parameters(), 1.2e-3, fused=fused)
        mean, std = (torch.from_numpy(arrays[name]) * 255 for name in ("mean", "std"))
        (images, labels), self.validation = (
            ((x.float() - mean) / std, y) for x, y in (_tensors(arrays, split) for split in ("train", "validation"))
        )
        rows = _rows(len(labels), batch_size=60)
        self.batches = _loaded(images, labels, 60) if loader else ((images[row], labels[row]) for row in rows)

    def normalised(self, x):
        return x


class ResNetLoop(_Loop):
    """ResNet-20, SGD with momentum 0.9 and weight decay 1e-4, batch 128, mirrored and cropped."""

    def __init__(self, arrays, channels_last=False):
        torch.manual_seed(0)
        self.format = torch.channels_last if channels_last else torch.contiguous_format
        self.model = CifarResNet(20).to(memory_format=self.format)
        self.masks = _masks(self.model, dim=4)
        self.optimizer = torch.optim.SGD(self.model.parameters(), 0.01, momentum=0.9, weight_decay=1e-4)
        self.mean, self.std = (torch.from_numpy(arrays[name]) * 255 for name in ("mean", "std"))
        images, self.labels = _tensors(arrays, "train")
        self.padded = F.pad(images, (0, 0, 4, 4, 4, 4))
        self.validation = _tensors(arrays, "validation")
        self.batches = map(self._augmented, _rows(len(self.labels), batch_size=128))

    def normalised(self, x):
        return ((x.float() - self.mean) / self.std).permute(0, 3, 1, 2).contiguous(memory_format=self.format)

    def _augmented(self, rows):
        size, n = self.padded.shape[1] - 8, len(rows)
        columns = torch.arange(size).expand(n, size)
        columns = torch.where(torch.rand(n, 1) < 0.5, columns, size - 1 - columns) + torch.randint(0, 9, (n, 1))
        lines = torch.arange(size) + torch.randint(0, 9, (n, 1))
        images = self.padded[rows[:, None, None], lines[:, :, None], columns[:, None, :]]
        return self.normalised(images), self.labels[rows]


def _masks(model, dim: int):
    """(parameter, mask) of each kernel: the largest fifth of its weights."""
    kernels = [parameter for parameter in model.parameters() if parameter.dim() == dim]
    edges = [torch.quantile(kernel.detach().abs().flatten(), 1 - DENSITY) for kernel in kernels]
    return [(k, (k.detach().abs() > edge).to(k.dtype)) for k, edge in zip(kernels, edges, strict=True)]


def _tensors(arrays, split: str):
    return torch.from_numpy(arrays[f"{split}_images"]), torch.from_numpy(arrays[f"{split}_labels"].astype(np.int64))


def _rows(n: int, batch_size: int):
    """Batch after batch, a new permutation in each epoch."""
    while True:
        yield from torch.randperm(n)[: n // batch_size * batch_size].split(batch_size)


def _loaded(images, labels, batch_size: int):
    loader = DataLoader(TensorDataset(images, labels), batch_size, shuffle=True, drop_last=True)
    while True:
        yield from loader
