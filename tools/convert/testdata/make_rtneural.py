"""Make audio/rtneural_*.json: random Keras nets as RTNeural's model_utils.py exports them, and
what Keras makes of them.

    pip install keras tensorflow
    python make_rtneural.py     # writes into audio/; the same numbers each time

rtneural_dense.json   every activation, as an argument and as a layer, TimeDistributed, no bias
rtneural_lstm.json    TimeDistributed dense, LSTM, dense
rtneural_gru.json     two GRUs, dense
rtneural_conv.json    causal convolutions with dilation and groups, with batch normalisation and
                      PReLU in both forms that RTNeural loads, a GRU behind them
rtneural_io.npz       for each x_NAME [steps, inputs], and y_NAME of the net with the weights and
                      the input in float64
"""

import json
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import keras
import numpy as np
from keras import layers

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "audio")
T = 64
KINDS = {
    layers.TimeDistributed: "time-distributed-dense", layers.GRU: "gru", layers.LSTM: "lstm", layers.Dense: "dense",
    layers.Conv1D: "conv1d", layers.PReLU: "prelu", layers.BatchNormalization: "batchnorm", layers.Activation: "activation",
}
FUNCTIONS = {getattr(keras.activations, name): name for name in ["tanh", "relu", "sigmoid", "softmax", "elu"]}

NETS = {
    "dense": (2, lambda: [
        layers.Dense(6), layers.Activation("tanh"),
        layers.Dense(5, activation="relu"), layers.TimeDistributed(layers.Dense(6, activation="elu")),
        layers.Dense(4, use_bias=False), layers.Activation("softmax"),
        layers.TimeDistributed(layers.Dense(5, activation="sigmoid")), layers.Dense(3, activation="softmax"),
    ]),
    "lstm": (1, lambda: [
        layers.TimeDistributed(layers.Dense(4, activation="tanh")), layers.LSTM(5, return_sequences=True), layers.Dense(1),
    ]),
    "gru": (2, lambda: [
        layers.GRU(4, return_sequences=True), layers.GRU(3, return_sequences=True), layers.Dense(2, activation="tanh"),
    ]),
    "conv": (1, lambda: [
        layers.Dense(4, activation="tanh"),
        layers.Conv1D(4, 3, padding="causal", activation="tanh"),
        layers.BatchNormalization(epsilon=0.01), layers.PReLU(shared_axes=[1]),
        layers.Conv1D(6, 3, dilation_rate=2, groups=2, padding="causal"),
        layers.BatchNormalization(center=False, scale=False, epsilon=0.5), layers.PReLU(shared_axes=[0, 1]),
        layers.Conv1D(3, 1, activation="elu"), layers.GRU(3, return_sequences=True), layers.Dense(1),
    ]),
}


def shape(layer):
    try:
        return layer.output_shape
    except AttributeError:  # Keras 3 has it no more
        return tuple(layer.output.shape)


def activation(layer):
    if isinstance(layer, layers.TimeDistributed):
        layer = layer.layer
    return FUNCTIONS.get(getattr(layer, "activation", None), "")


def entry(layer):
    kind = next(name for cls, name in KINDS.items() if isinstance(layer, cls))
    e = {"type": kind, "activation": activation(layer), "shape": shape(layer)}
    if kind == "conv1d":
        e |= {"kernel_size": layer.kernel_size, "dilation": layer.dilation_rate, "groups": layer.groups}
    if kind == "batchnorm":
        e["epsilon"] = layer.epsilon
    return e | {"weights": [w.tolist() for w in layer.get_weights()]}


def precision(name):
    keras.backend.set_floatx(name)
    if hasattr(keras, "config"):  # Keras 3 keeps what the first layer took
        keras.config.set_dtype_policy(name)


def main():
    print("keras", keras.__version__)
    random, io = np.random.default_rng(12), {}
    for name, (inputs, stack) in NETS.items():
        precision("float32")
        net = keras.Sequential([layers.Input((None, inputs)), *stack()])
        net.set_weights([random.uniform(-1, 1, w.shape).astype(np.float32) for w in net.get_weights()])
        for layer in net.layers:
            if isinstance(layer, layers.BatchNormalization):
                *rest, variance = layer.get_weights()
                layer.set_weights([*rest, variance + np.float32(1.5)])
        kept = [layer for layer in net.layers if not isinstance(layer, layers.InputLayer)]
        with open(os.path.join(HERE, f"rtneural_{name}.json"), "w") as f:
            json.dump({"in_shape": net.input_shape, "layers": [entry(layer) for layer in kept]}, f, indent=4)
        x = random.uniform(-1, 1, (T, inputs)).astype(np.float32)
        weights = [w.astype(np.float64) for w in net.get_weights()]
        precision("float64")
        exact = keras.Sequential([layers.Input((None, inputs)), *stack()])
        exact.set_weights(weights)
        io["x_rtneural_" + name], y = x, np.array(exact(x[None].astype(np.float64)))[0]
        assert y.dtype == np.float64
        io["y_rtneural_" + name] = y
    np.savez_compressed(os.path.join(HERE, "rtneural_io.npz"), **io)


if __name__ == "__main__":
    main()
