"""The networks of the papers, as plain functional Keras models that return logits; a committee machine returns one number."""

from tfredundancy.models import li2016
from tfredundancy.models.committee import committee
from tfredundancy.models.conv import conv_2, conv_4, conv_6
from tfredundancy.models.lenet import lenet_300_100
from tfredundancy.models.mini_alexnet import mini_alexnet
from tfredundancy.models.mlp import mlp
from tfredundancy.models.resnet import resnet, resnet_20, resnet_32, resnet_44, resnet_56, resnet_110
from tfredundancy.models.shallow_conv import shallow_conv
from tfredundancy.models.vgg import vgg, vgg_11, vgg_16, vgg_19
from tfredundancy.models.wide_resnet import wide_resnet
from tfredundancy.models.xor_detector import MarginHinge, xor_detector

__all__ = [
    "committee",
    "MarginHinge",
    "conv_2",
    "conv_4",
    "conv_6",
    "lenet_300_100",
    "li2016",
    "mini_alexnet",
    "mlp",
    "resnet",
    "resnet_20",
    "resnet_32",
    "resnet_44",
    "resnet_56",
    "resnet_110",
    "shallow_conv",
    "vgg",
    "vgg_11",
    "vgg_16",
    "vgg_19",
    "wide_resnet",
    "xor_detector",
]
