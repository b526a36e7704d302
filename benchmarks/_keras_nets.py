"""Networks of the benchmarks that the library does not have, their widths an argument."""

import keras

L = keras.layers


def resnet_50(width=64, classes=1000, size=224):
    """ResNet-50 for images of size × size pixels, the stride in the 3×3 convolution, no biases before normalisations."""
    image = keras.Input((size, size, 3))
    x = _conv(_pad(image, 3), width, 7, 2, "stem")
    x = L.MaxPooling2D(3, 2)(L.ZeroPadding2D(1)(L.ReLU()(x)))  # zeros are no maxima behind a ReLU
    for stage, count in enumerate((3, 4, 6, 3)):
        for number in range(count):
            x = _bottleneck(
                x, width * 2**stage, 2 if stage and not number else 1, f"stage{stage + 1}_block{number + 1}"
            )
    logits = L.Dense(classes, name="classifier")(L.GlobalAveragePooling2D()(x))
    return keras.Model(image, logits, name="resnet_50")


def _bottleneck(x, inner, stride, name):
    y = L.ReLU()(_conv(x, inner, 1, 1, f"{name}_reduce"))
    y = L.ReLU()(_conv(_pad(y, 1), inner, 3, stride, f"{name}_middle"))
    y = _conv(y, 4 * inner, 1, 1, f"{name}_expand")
    if stride > 1 or x.shape[-1] != 4 * inner:
        x = _conv(x, 4 * inner, 1, stride, f"{name}_shortcut")
    return L.ReLU()(L.Add()([y, x]))


def _conv(x, filters, size, stride, name):
    x = L.Conv2D(filters, size, stride, use_bias=False, kernel_initializer="he_normal", name=name)(x)
    return L.BatchNormalization(momentum=0.9, epsilon=1e-5, name=f"{name}_bn")(x)


def _pad(x, pixels):
    return L.ZeroPadding2D(pixels)(x)
