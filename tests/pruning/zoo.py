"""Small graphs that between them have everything that a walk over a Keras graph meets. {name: function → uncompiled model}."""

import keras
from keras import layers as L
from keras import ops

ZOO = {}


def zoo(build):
    ZOO[build.__name__] = build
    return build


def _image(*shape):
    return keras.Input(shape or (8, 8, 3))


def _head(inputs, x, units=3):
    return keras.Model(inputs, L.Dense(units, name="logits")(x))


def _pooled(inputs, x):
    return _head(inputs, L.GlobalAveragePooling2D()(x))


def _conv(filters, size=3, **kwargs):
    return L.Conv2D(filters, size, **({"padding": "same"} | kwargs))


@zoo
def perceptron():
    return keras.Sequential([keras.Input((5,)), L.Dense(8, "relu"), L.Dense(7, "tanh"), L.Dense(3)])


@zoo
def sigmoid_before_dense():
    return keras.Sequential(
        [keras.Input((5,)), L.Dense(8, "sigmoid"), L.Dense(6, "softplus", use_bias=False), L.Dense(3)]
    )


@zoo
def sigmoid_before_bare_dense():
    return keras.Sequential([keras.Input((5,)), L.Dense(8, "sigmoid"), L.Dense(4, "relu", use_bias=False), L.Dense(3)])


@zoo
def sigmoids_added():
    x = keras.Input((5,))
    y = L.Add()([L.Dense(8, "sigmoid")(x), L.Dense(8, "softplus")(x), L.Dense(8)(x)])
    return _head(x, L.Activation("silu")(y))


@zoo
def vgg():
    x = _image()
    y = L.ReLU()(L.BatchNormalization()(_conv(6)(x)))
    y = L.MaxPooling2D()(L.ReLU()(L.BatchNormalization()(_conv(8, use_bias=False)(y))))
    return _head(x, L.Dense(7, "relu")(L.Flatten()(y)))


@zoo
def batch_normalisation_without_scale():
    x = _image()
    return _pooled(x, L.ReLU()(L.BatchNormalization(scale=False)(_conv(6)(x))))


@zoo
def residual():
    x = _image()
    trunk = L.ReLU()(L.BatchNormalization()(_conv(6)(x)))
    for _ in range(2):
        y = L.ReLU()(L.BatchNormalization()(_conv(8)(trunk)))
        trunk = L.ReLU()(L.Add()([L.BatchNormalization()(_conv(6)(y)), trunk]))
    return _pooled(x, trunk)


@zoo
def residual_with_projection():
    x = _image()
    trunk = L.ReLU()(_conv(6)(x))
    y = L.BatchNormalization()(_conv(9, strides=2)(trunk))
    return _pooled(x, L.ReLU()(L.Add()([y, L.BatchNormalization()(_conv(9, 1, strides=2)(trunk))])))


@zoo
def residual_with_padded_identity():
    x = _image()
    trunk = L.ReLU()(_conv(4)(x))
    short = ops.pad(L.AveragePooling2D(1, 2)(trunk), ((0, 0), (0, 0), (0, 0), (2, 3)))
    return _pooled(x, ops.relu(ops.add(L.BatchNormalization()(_conv(9, strides=2)(trunk)), short)))


@zoo
def preactivation():
    x = _image()
    trunk = _conv(6)(x)
    y = _conv(6)(L.ReLU()(L.BatchNormalization()(trunk)))
    return _pooled(x, L.ReLU()(L.BatchNormalization()(L.Add()([trunk, y]))))


@zoo
def dense_blocks():
    x = _image()
    y = _conv(4)(x)
    for _ in range(3):
        y = L.Concatenate()([y, _conv(5)(L.ReLU()(L.BatchNormalization()(y)))])
    return _pooled(x, L.ReLU()(L.BatchNormalization()(y)))


@zoo
def concatenated_with_itself_and_flattened():
    x = _image(4, 4, 2)
    y = _conv(4)(x)
    return _head(x, L.Flatten()(L.BatchNormalization()(L.Concatenate()([y, y, _conv(3)(x)]))))


@zoo
def concatenated_then_added():
    x = _image(4, 4, 2)
    y = L.Concatenate()([_conv(4)(x), _conv(5)(x)])
    return _pooled(x, L.ReLU()(L.Add()([y, _conv(9)(x)])))


@zoo
def concatenated_along_the_sequence():
    x = keras.Input((6, 4))
    y = L.Concatenate(axis=1)([L.Dense(6, "relu")(x), L.Dense(6, "relu")(x)])
    return _head(x, L.GlobalMaxPooling1D()(L.Dense(5, "gelu")(y)))


@zoo
def squeeze_and_excitation():
    x = _image()
    y = L.ReLU()(L.BatchNormalization()(_conv(8)(x)))
    gate = L.Reshape((1, 1, 8))(L.GlobalAveragePooling2D()(y))
    gate = _conv(8, 1, activation="sigmoid")(_conv(4, 1, activation="relu")(gate))
    return _pooled(x, _conv(5)(L.Multiply()([y, gate])))


@zoo
def hard_sigmoid_of_scalars():
    x = _image()
    y = L.BatchNormalization()(_conv(8)(x))
    gate = ops.relu6(y + 3.0) * (1.0 / 6.0)
    return _pooled(x, _conv(5)(ops.multiply(y, gate)))


@zoo
def shifted_before_valid_convolution():
    x = _image()
    y = L.Activation("sigmoid")(_conv(6)(x))
    return _pooled(x, L.ReLU()(_conv(5, padding="valid", use_bias=False)(y)))


@zoo
def shifted_before_separable():
    x = _image()
    y = L.SeparableConv2D(7, 3, depth_multiplier=2)(L.Activation("sigmoid")(_conv(6)(x)))
    return _pooled(x, L.SeparableConv2D(5, 3, padding="same", depth_multiplier=2, activation="tanh")(L.LeakyReLU()(y)))


@zoo
def spatial_gate():
    x = _image()
    y = L.ReLU()(_conv(6)(x))
    return _pooled(x, _conv(4)(L.Multiply()([y, _conv(1, activation="sigmoid")(y)])))


@zoo
def averaged_maximum_difference():
    x = keras.Input((5,))
    branches = [L.Dense(6)(x) for _ in range(6)]
    y = L.Average()(branches[:2]), L.Maximum()(branches[2:4]), L.Minimum()(branches[4:])
    return _head(x, L.Subtract()([L.Average()([y[0], y[1]]), L.ELU()(y[2])]))


@zoo
def depthwise():
    x = _image()
    y = L.ReLU(6.0)(L.BatchNormalization()(_conv(6, 1)(x)))
    y = L.ReLU(6.0)(L.BatchNormalization()(L.DepthwiseConv2D(3, padding="same", use_bias=False)(y)))
    y = L.DepthwiseConv2D(3, depth_multiplier=2)(_conv(5, 1)(y))
    return _pooled(x, L.PReLU(shared_axes=[1, 2])(L.DepthwiseConv2D(3)(y)))


@zoo
def grouped():
    x = _image()
    y = L.ReLU()(_conv(8)(x))
    y = L.ReLU()(L.BatchNormalization()(_conv(12, groups=4)(y)))
    return _pooled(x, _conv(6, groups=6, activation="relu")(_conv(6, 1)(y)))


@zoo
def depthwise_as_groups():
    x = _image()
    y = _conv(5, 1)(x)
    return _pooled(x, L.ReLU()(_conv(10, groups=5)(y)))


@zoo
def transposed():
    x = _image(4, 4, 3)
    y = L.ReLU()(L.Conv2DTranspose(6, 3, strides=2)(_conv(5)(x)))
    return _pooled(x, _conv(4)(L.UpSampling2D()(L.ZeroPadding2D(1)(L.Cropping2D(1)(y)))))


@zoo
def one_dimension():
    x = keras.Input((12, 3))
    y = L.Conv1D(6, 3, padding="causal", activation="relu")(x)
    y = L.AveragePooling1D(2)(L.BatchNormalization()(y))
    y = L.SeparableConv1D(7, 3, activation="relu")(L.DepthwiseConv1D(3, padding="same")(y))
    return _head(x, L.GlobalAveragePooling1D()(L.Conv1DTranspose(5, 3)(y)))


@zoo
def three_dimensions():
    x = keras.Input((5, 5, 5, 2))
    y = L.Cropping3D(1)(L.ZeroPadding3D(1)(L.ReLU()(L.Conv3D(4, 3, padding="same")(x))))
    return _head(x, L.GlobalMaxPooling3D()(L.Conv3DTranspose(5, 2)(y)))


@zoo
def layer_normalisation():
    x = keras.Input((6, 4))
    trunk = L.Dense(8)(x)
    y = L.Dense(8)(L.Dense(12, "gelu")(L.LayerNormalization()(trunk)))
    return _head(x, L.GlobalAveragePooling1D()(L.LayerNormalization(center=False)(L.Add()([trunk, y]))))


@zoo
def group_normalisation():
    x = _image()
    y = L.ReLU()(L.GroupNormalization(4)(_conv(8)(x)))
    return _pooled(x, L.ReLU()(L.GroupNormalization(-1)(_conv(6)(y))))


@zoo
def rms_normalisation():
    x = keras.Input((6, 4))
    trunk = L.Dense(8)(x)
    y = L.Dense(8)(L.Dense(12, "silu")(L.RMSNormalization(epsilon=0.1)(trunk)))
    return _head(x, L.GlobalAveragePooling1D()(L.RMSNormalization()(L.Add()([trunk, y]))))


@zoo
def normalised_and_rescaled():
    x = keras.Input((5,))
    y = L.Normalization()(L.Dense(7, "relu")(x))
    return _head(x, L.Dense(6, "relu")(L.Rescaling(0.5, offset=2.0)(y)))


@zoo
def transformer():
    x = keras.Input((6, 5))
    trunk = L.Dense(8)(x)
    y = L.LayerNormalization()(trunk)
    trunk = L.Add()([trunk, L.MultiHeadAttention(4, 3, dropout=0.1)(y, y)])
    y = L.Dense(8)(L.Dropout(0.1)(L.Dense(16, "gelu")(L.LayerNormalization()(trunk))))
    return _head(x, L.GlobalAveragePooling1D()(L.Add()([trunk, y])))


@zoo
def cross_attention():
    x, memory = keras.Input((6, 5)), keras.Input((4, 3))
    y = L.MultiHeadAttention(2, 3, value_dim=5)(L.Dense(8)(x), value=L.Dense(6, "relu")(memory), key=L.Dense(7)(memory))
    return keras.Model([x, memory], L.Dense(3)(L.Dense(5, "relu")(y)))


@zoo
def einsum():
    x = keras.Input((6, 5))
    y = L.EinsumDense("abc,cd->abd", (6, 8), bias_axes="d", activation="sigmoid")(x)
    y = L.EinsumDense("...x,xy->...y", 7, activation="relu")(y)
    y = L.EinsumDense("abc,cde->abde", (6, 3, 4), bias_axes="de")(y)
    return _head(x, L.Flatten()(L.EinsumDense("abde,def->abf", (6, 5), bias_axes="f")(y)))


@zoo
def reshaped():
    x = keras.Input((6,))
    y = L.Reshape((2, 2, 5))(L.Dense(20, "relu")(x))
    y = L.Conv2D(6, 2, padding="same", activation="relu")(y)
    return _head(x, L.Dense(5, "relu")(L.Reshape((2, -1))(y)).__getitem__((slice(None), 0)))


@zoo
def bare_operations():
    x = _image()
    y = ops.silu(_conv(6)(x))
    y = ops.transpose(ops.expand_dims(ops.mean(y, axis=1), 1), (0, 2, 1, 3))
    y = ops.concatenate([y[:, ::2], _conv(4, 1)(y)[:, :4]], axis=-1)
    return _head(x, ops.max(ops.squeeze(_conv(5, 1)(ops.subtract(y, 0.5) / 2.0), 2), axis=1))


@zoo
def nested():
    inner = keras.Sequential(
        [keras.Input((8, 8, 6)), _conv(8, activation="relu"), L.BatchNormalization()], name="inner"
    )
    a = keras.Input((8, 8, 3))
    middle = keras.Model(a, L.Add()([inner(_conv(6)(a)), _conv(8, 1)(a)]), name="middle")
    x = _image()
    return _pooled(x, L.ReLU()(middle(L.Identity()(x))))


@zoo
def shared_layer():
    x, z = keras.Input((5,)), keras.Input((5,))
    first, second = L.Dense(8, "relu"), L.Dense(6, "relu")
    return keras.Model(
        [x, z], [L.Dense(3)(second(first(x))), L.Dense(2)(L.Concatenate()([second(first(z)), first(x)]))]
    )


@zoo
def shared_model():
    inner = keras.Sequential([keras.Input((6,)), L.Dense(8, "relu"), L.Dense(7)], name="tower")
    x, z = keras.Input((5,)), keras.Input((4,))
    y = L.Multiply()([inner(L.Dense(6, "relu")(x)), inner(L.Dense(6, "relu")(z))])
    return keras.Model([x, z], L.Dense(3)(y))


@zoo
def several_outputs():
    x = keras.Input((5,))
    y = L.Dense(8, "relu")(x)
    return keras.Model(
        x,
        {"one": L.Dense(3, name="one")(y), "two": L.Dense(2, name="two")(L.Dense(6, "relu")(y)), "raw": L.Dense(4)(x)},
    )


@zoo
def recurrent_after_dense():
    x = keras.Input((6, 4))
    return _head(x, L.GRU(5)(L.LSTM(6, return_sequences=True)(L.Dense(8, "relu")(x))))


@zoo
def embedding():
    x = keras.Input((6,), dtype="int32")
    return _head(x, L.GlobalAveragePooling1D()(L.Dense(7, "relu")(L.Embedding(11, 8)(x))))


@zoo
def masked_steps():
    x = keras.Input((6,), dtype="int32")
    y = L.LSTM(5, return_sequences=True)(L.Dense(6, "relu")(L.Embedding(11, 8, mask_zero=True)(x)))
    y = L.Add()([y, L.MultiHeadAttention(2, 3)(y, y)])
    return _head(x, L.GlobalAveragePooling1D()(L.Dense(7, "relu")(L.Dropout(0.1)(y))))


@zoo
def barrier_in_the_middle():
    x = keras.Input((6,))
    y = L.UnitNormalization()(L.Dense(8)(L.Dense(7, "relu")(x)))
    return _head(x, L.Dense(5, "relu")(L.Softmax()(y)))


@zoo
def regularised_and_dropped():
    x = keras.Input((6,))
    y = L.Dense(8, "relu", kernel_regularizer="l2", kernel_constraint="max_norm")(x)
    y = L.SpatialDropout1D(0.2)(L.RepeatVector(3)(L.GaussianNoise(0.1)(L.ActivityRegularization(0.1)(y))))
    return _head(x, L.Flatten()(L.Permute((1, 2))(y)))


@zoo
def shared_layer_with_different_constants():
    x, z = keras.Input((5,)), keras.Input((5,))
    shared = L.Dense(6, "tanh")
    y = shared(L.Dense(8, "sigmoid")(x)), shared(L.Dense(8, "relu")(z))
    return keras.Model([x, z], [L.Dense(3)(y[0]), L.Dense(3)(y[1])])


@zoo
def shared_model_of_two_sizes():
    inner = keras.Sequential([keras.Input((None, None, 3)), _conv(6, activation="relu"), _conv(5)], name="inner")
    x, z = _image(8, 8, 3), _image(12, 12, 3)
    return keras.Model([x, z], [L.Dense(3)(L.GlobalAveragePooling2D()(inner(y))) for y in (x, z)])


@zoo
def activations_that_look_at_other_entries():
    x = keras.Input((6, 4))
    over_steps = L.Activation(lambda t: ops.softmax(t, axis=-2))(L.Dense(8)(x))
    by_place = L.Activation(lambda t: ops.relu(t) * (ops.arange(t.shape[-1], dtype=t.dtype) + 1))(L.Dense(8)(x))
    y = L.Dense(7, "relu")(L.Concatenate()([over_steps, by_place]))
    return _head(x, L.GlobalAveragePooling1D()(y))


@zoo
def cast_to_integers():
    x = keras.Input((5,))
    y = ops.cast(ops.cast(3.0 * L.Dense(8, "softplus")(x), "int32"), "float64")
    return _head(x, L.Dense(6, "relu")(y))


@zoo
def constants_beside_tensors():
    x = keras.Input((5,), batch_size=5)
    y = ops.concatenate([L.Dense(8, "relu")(x), ops.ones((5, 2))], axis=-1)
    y = L.Dense(6)(ops.clip(L.Dense(7)(y), -0.5, 0.5))
    return _head(x, ops.relu(1 - y))


def swish_of_ones_own(x):
    return x * ops.sigmoid(x)


@zoo
def functions_of_ones_own():
    x = keras.Input((5,))
    y = L.Activation(swish_of_ones_own)(L.Dense(8, swish_of_ones_own, kernel_regularizer=lambda w: ops.sum(w**2))(x))
    return _head(x, y)


@zoo
def a_dropout_for_all_steps():
    x = keras.Input((6, 4))
    return _head(x, L.Flatten()(L.Dropout(0.2, noise_shape=(None, 1, 8))(L.Dense(8, "relu")(x))))


@zoo
def inner_model_called_by_names():
    a, b = keras.Input((5,), name="a"), keras.Input((4,), name="b")
    inner = keras.Model({"a": a, "b": b}, L.Add()([L.Dense(6)(a), L.Dense(6)(b)]), name="inner")
    x, z = keras.Input((3,)), keras.Input((3,))
    return keras.Model([x, z], L.Dense(3)(L.ReLU()(inner({"b": L.Dense(4)(z), "a": L.Dense(5, "relu")(x)}))))
