"""The peers' networks: PyTorch twins of ours, whose widths are an argument.

`CifarResNet(depth, width)` is `tfredundancy.models.resnet` with projection shortcuts, `ResNet50(width)` that of `_keras_nets`.
"""

import torch.nn.functional as F
from torch import nn


class CifarResNet(nn.Module):
    """ResNet of depth 6n + 2 for small images, with projection shortcuts."""

    def __init__(self, depth=20, width=16, classes=10):
        super().__init__()
        stages = [width * 2**stage for stage in range(3) for _ in range((depth - 2) // 6)]
        self.stem = _conv(3, width, 3, 1)
        self.blocks = nn.Sequential(*(Block(*pair) for pair in zip([width, *stages], stages, strict=False)))
        self.classifier = nn.Linear(stages[-1], classes)

    def forward(self, x):
        x = self.blocks(F.relu(self.stem(x)))
        return self.classifier(x.mean((2, 3)))


class Block(nn.Module):
    """relu(shortcut(x) + conv(relu(conv(x)))), each convolution normalised."""

    def __init__(self, inputs, outputs):
        super().__init__()
        stride = 1 if inputs == outputs else 2
        self.first, self.second = _conv(inputs, outputs, 3, stride), _conv(outputs, outputs, 3, 1)
        self.shortcut = nn.Identity() if stride == 1 else _conv(inputs, outputs, 1, stride)

    def forward(self, x):
        return F.relu(self.second(F.relu(self.first(x))) + self.shortcut(x))


class ResNet50(nn.Module):
    """ResNet-50, the stride in the 3×3 convolution."""

    def __init__(self, width=64, classes=1000):
        super().__init__()
        self.stem, inputs, blocks = _conv(3, width, 7, 2), width, []
        for stage, count in enumerate((3, 4, 6, 3)):
            for number in range(count):
                inner = width * 2**stage
                blocks.append(Bottleneck(inputs, inner, 2 if stage and not number else 1))
                inputs = 4 * inner
        self.blocks = nn.Sequential(*blocks)
        self.classifier = nn.Linear(inputs, classes)

    def forward(self, x):
        x = self.blocks(F.max_pool2d(F.relu(self.stem(x)), 3, 2, 1))
        return self.classifier(x.mean((2, 3)))


class Bottleneck(nn.Module):
    """relu(shortcut(x) + 1×1(relu(3×3(relu(1×1(x)))))), each convolution normalised."""

    def __init__(self, inputs, inner, stride):
        super().__init__()
        self.reduce, self.middle = _conv(inputs, inner, 1, 1), _conv(inner, inner, 3, stride)
        self.expand = _conv(inner, 4 * inner, 1, 1)
        same = inputs == 4 * inner and stride == 1
        self.shortcut = nn.Identity() if same else _conv(inputs, 4 * inner, 1, stride)

    def forward(self, x):
        y = self.expand(F.relu(self.middle(F.relu(self.reduce(x)))))
        return F.relu(y + self.shortcut(x))


def _conv(inputs, outputs, size, stride):
    convolution = nn.Conv2d(inputs, outputs, size, stride, size // 2, bias=False)
    nn.init.kaiming_normal_(convolution.weight)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs))
