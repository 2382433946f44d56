"""The networks of the benchmarks as a Keras user would write them by hand; the yardstick of the ratios."""

from typing import Any

import keras
from keras import layers


def _conv_norm(x: Any, filters: int, kernel_size: int, strides: int = 1, *, relu: bool = True) -> Any:
    x = layers.Conv2D(filters, kernel_size, strides, padding="same", use_bias=False)(x)
    x = layers.BatchNormalization()(x)
    return layers.Activation("relu")(x) if relu else x


def _bottleneck(x: Any, width: int, strides: int, *, project: bool) -> Any:
    y = _conv_norm(x, width, 1, strides)
    y = _conv_norm(y, width, 3)
    y = _conv_norm(y, 4 * width, 1, relu=False)
    if project:
        x = _conv_norm(x, 4 * width, 1, strides, relu=False)
    return layers.Activation("relu")(layers.Add()([y, x]))


def resnet(repeats: tuple[int, int, int, int]) -> Any:
    """ResNet-50, -101 or -152 (He et al. 2015, table 1)."""
    image = keras.Input((224, 224, 3))
    x = _conv_norm(image, 64, 7, 2)
    x = layers.MaxPooling2D(3, 2, padding="same")(x)
    for stage, count in enumerate(repeats):
        for number in range(count):
            first = number == 0
            x = _bottleneck(x, 64 * 2**stage, 2 if first and stage else 1, project=first)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, layers.Dense(1000, activation="softmax")(x))


def _norm_relu_conv(x: Any, filters: int, kernel_size: int) -> Any:
    x = layers.BatchNormalization()(x)
    x = layers.Activation("relu")(x)
    return layers.Conv2D(filters, kernel_size, padding="same", use_bias=False)(x)


def densenet(repeats: tuple[int, int, int, int], growth: int = 32) -> Any:
    """DenseNet-121, -169, -201 (Huang et al. 2017, table 1)."""
    image = keras.Input((224, 224, 3))
    x = _conv_norm(image, 64, 7, 2)
    x = layers.MaxPooling2D(3, 2, padding="same")(x)
    for stage, count in enumerate(repeats):
        if stage:
            x = _norm_relu_conv(x, x.shape[-1] // 2, 1)
            x = layers.AveragePooling2D(2)(x)
        for _ in range(count):
            fresh = _norm_relu_conv(_norm_relu_conv(x, 4 * growth, 1), growth, 3)
            x = layers.Concatenate()([x, fresh])
    x = layers.Activation("relu")(layers.BatchNormalization()(x))
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, layers.Dense(1000, activation="softmax")(x))


def preactivation_resnet(depth: int = 1001) -> Any:
    """The pre-activation CIFAR ResNet with bottlenecks, depth = 9n + 2 (He et al. 2016, "Identity mappings")."""
    image = keras.Input((32, 32, 3))
    x = layers.Conv2D(16, 3, padding="same", use_bias=False)(image)
    for stage in range(3):
        for number in range((depth - 2) // 9):
            width, strides = 16 * 2**stage, 2 if stage and not number else 1
            y = layers.Activation("relu")(layers.BatchNormalization()(x))
            if number == 0:
                x = layers.Conv2D(4 * width, 1, strides, use_bias=False)(y)
            y = layers.Conv2D(width, 1, strides, use_bias=False)(y)
            y = _norm_relu_conv(y, width, 3)
            y = _norm_relu_conv(y, 4 * width, 1)
            x = layers.Add()([x, y])
    x = layers.Activation("relu")(layers.BatchNormalization()(x))
    return keras.Model(image, layers.Dense(10, activation="softmax")(layers.GlobalAveragePooling2D()(x)))
