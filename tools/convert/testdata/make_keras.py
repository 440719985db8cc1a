"""Makes ../internal/keras/testdata/keras2.zip and keras3.zip: small models in every file
format of Keras, with inputs and outputs. Weights are random, and none is zero. In
keras2_order.zip and keras3_order.zip are those whose weights a file has in another order
than their layers, and what came with them.

    python make_keras.py keras2        # TensorFlow 2.15, which has Keras 2.15
    python make_keras.py keras3        # Keras 3 with any backend; was 3.15.1 with PyTorch
    python make_keras.py keras2_order  # as above
    python make_keras.py keras3_order  # was 3.15.1 with TensorFlow
"""

import io
import json
import os
import sys
import tempfile
import zipfile
import zlib

import h5py
import numpy as np

VERSION, _, ORDER = sys.argv[1].partition("_")
if VERSION == "keras2":
    import tensorflow as tf
    from tensorflow import keras
else:
    import keras
L = keras.layers
STEPS = 7


def net(make, shape=(None, 3)):
    x = L.Input(shape, name="x")
    return keras.Model(x, make(x))


def stack():
    return keras.Sequential([
        L.Input((None, 3)), L.LSTM(4, return_sequences=True), L.Dropout(0.5),
        L.GRU(5, return_sequences=True, stateful=False), L.Dense(2, activation="sigmoid"),
    ])


def before():
    return keras.Sequential([
        L.Input((None, 3)), L.GaussianNoise(0.1),
        L.GRU(4, reset_after=False, recurrent_activation="hard_sigmoid", return_sequences=True),
        L.GRU(3, reset_after=False, use_bias=False, activation="relu"), L.Dense(4, activation="softmax"),
    ])


def backwards():
    def make(x):
        a = L.SimpleRNN(3, go_backwards=True, return_sequences=True, use_bias=False)(x)
        b = L.LSTM(2, go_backwards=True, return_sequences=True, recurrent_activation="hard_sigmoid", activation="softsign")(x)
        return L.LSTM(4)(L.Concatenate()([a, b]))
    return net(make)


def both_ways():
    def make(x):
        a = L.Bidirectional(L.LSTM(2, return_sequences=True), merge_mode="sum")(x)
        b = L.Bidirectional(L.GRU(2, return_sequences=True), merge_mode="mul")(x)
        c = L.Bidirectional(L.SimpleRNN(2, return_sequences=True), merge_mode="ave")(x)
        d = L.Bidirectional(L.LSTM(2, return_sequences=True),
                            backward_layer=L.GRU(2, go_backwards=True, return_sequences=True, reset_after=False))(x)
        return L.Bidirectional(L.GRU(3))(L.Concatenate()([a, b, c, d]))
    return net(make)


def cells():
    def make(x):
        a = L.RNN(L.LSTMCell(2), return_sequences=True)(x)
        b = L.RNN([L.GRUCell(3), L.LSTMCell(2), L.GRUCell(2, reset_after=False), L.SimpleRNNCell(3)], return_sequences=True)(x)
        c = L.Bidirectional(L.RNN([L.GRUCell(2), L.LSTMCell(3)], return_sequences=True))(x)
        return L.Concatenate()([a, b, c])
    return net(make)


def around():
    def make(x):
        x = L.TimeDistributed(L.Dense(4, activation="elu"))(x)
        x = L.BatchNormalization()(x)
        a = L.PReLU(shared_axes=[1])(x)
        b = L.LeakyReLU()(L.LayerNormalization()(x))
        c = L.ReLU(max_value=1)(L.Dense(4, use_bias=False)(x))
        d = L.ELU(alpha=0.7)(L.BatchNormalization(scale=False)(x))
        e = L.Subtract()([L.Average()([a, b, c]), d])
        f = L.Multiply()([L.Softmax()(e), L.Activation("selu")(c)])
        g = L.Add()([a, b, f])
        h = [L.Activation(n)(g) for n in ("swish", "softplus", "softsign", "hard_sigmoid", "tanh", "log_softmax" if VERSION == "keras3" else "relu")]
        h.append(L.LayerNormalization(center=False)(L.SpatialDropout1D(0.2)(g)))
        h.append(L.ReLU(negative_slope=0.1)(g))
        h.append(L.ReLU(threshold=0.3)(g))
        return L.Concatenate(axis=2)(h)
    return net(make)


def tokens():
    return keras.Sequential([L.Input((None,)), L.Embedding(11, 4), L.GRU(5, return_sequences=True), L.LSTM(3), L.Dense(2)])


def nested():
    inner = keras.Sequential([L.Input((None, 3)), L.Dense(4, name="head", activation="tanh"), L.LSTM(3, return_sequences=True, name="inner_lstm"), L.BatchNormalization(name="bn")], name="inner")
    i = L.Input((None, 3), name="in_of_block")
    block = keras.Model(i, L.Add()([inner(i), L.Dense(3, name="block_dense")(i)]), name="block")
    shared = L.Dense(3, name="shared")

    def make(x):
        y = block(shared(x))
        return L.Concatenate()([L.TimeDistributed(keras.Sequential([L.Input((3,)), L.Dense(5, name="far"), L.Dense(2, name="farther")], name="each"))(y), shared(y)])
    return net(make)


def several():
    a, b = L.Input((None, 2), name="a"), L.Input((None, 3), name="b")
    x = L.LSTM(4, return_sequences=True, name="lstm_a")(a)
    y = L.Concatenate()([L.GRU(3, return_sequences=True, name="gru_b")(b), x, a])
    return keras.Model([a, b], [L.Dense(2, name="p")(x), L.Dense(3, name="q")(y)])


def reshaped():
    return keras.Sequential([L.Input((12,)), L.Reshape((STEPS - 4, 4)), L.LSTM(5, unroll=VERSION == "keras3"), L.Flatten(), L.Dense(3, activation="tanh")])


def states():
    x, h, c = L.Input((None, 3), name="x"), L.Input((4,), name="h"), L.Input((4,), name="c")
    y, hn, cn = L.LSTM(4, return_sequences=True, return_state=True, name="lstm")(x, initial_state=[h, c])
    return keras.Model([x, h, c], [L.Dense(2)(y), hn, cn])


def standardised():
    n = L.Normalization()
    n.adapt(np.random.default_rng(1).normal(size=(50, 3)) * 2 + 1)
    return keras.Sequential([L.Input((None, 3)), n, L.Rescaling(0.5, 0.25), L.TimeDistributed(L.Flatten()), L.GRU(3)])


def convolutions():
    def make(x):
        a = [L.Conv1D(2, k, dilation_rate=d, padding="causal", activation=n, use_bias=k != 2)(x)
             for k in range(1, 6) for d, n in ((1, None), (2, "relu"), (3, "tanh"), (4, "softsign"))]
        y = L.LSTM(4, return_sequences=True, name="between")(L.Concatenate()(a))
        y = L.Conv1D(5, 3, dilation_rate=2, padding="causal", activation="swish")(y)
        y = L.Conv1D(3, 2, padding="causal", activation="sigmoid")(L.TimeDistributed(L.Dense(4, name="inside"))(y))
        return L.Concatenate()([y, L.Conv1D(2, 1, padding="same")(y), L.Conv1D(2, 1, padding="valid", dilation_rate=3)(y)])
    return net(make, (30, 3))


def frozen():
    """Keras lists the weights that training leaves alone last."""
    def make(x):
        a = L.Bidirectional(L.LSTM(3, return_sequences=True), name="ahead")
        a.forward_layer.trainable = False
        b = L.Bidirectional(L.GRU(3, return_sequences=True), merge_mode="sum", name="back")
        b.backward_layer.trainable = False
        c = L.RNN([L.GRUCell(3, trainable=False), L.LSTMCell(3), L.GRUCell(3, trainable=False)], return_sequences=True, name="some_cells")
        d = L.Bidirectional(L.RNN([L.LSTMCell(3, trainable=False), L.LSTMCell(3)], return_sequences=True), name="both")
        e = L.BatchNormalization(trainable=False)
        return L.Concatenate()([d(b(a(x))), e(c(x))])
    return net(make)


def cells_each_way():
    """The stacks of the two directions are not the same."""
    def make(x):
        f = L.RNN([L.GRUCell(2), L.LSTMCell(3)], return_sequences=True)
        b = L.RNN([L.LSTMCell(3), L.SimpleRNNCell(2), L.GRUCell(3)], return_sequences=True, go_backwards=True)
        y = L.Bidirectional(f, backward_layer=b, merge_mode="ave")(x)
        g = L.RNN([L.GRUCell(2), L.GRUCell(2, reset_after=False)], return_sequences=True, go_backwards=True)
        return L.Bidirectional(L.LSTM(3, return_sequences=True), backward_layer=g)(y)
    return net(make)


def inside():
    """A model inside one, in which one direction is frozen and steps have a model of their own."""
    each = keras.Sequential([L.Input((3,)), L.Dense(4, name="first"), L.PReLU(name="slopes")], name="each")
    both = L.Bidirectional(L.LSTM(2, return_sequences=True), name="both")
    both.forward_layer.trainable = False
    block = keras.Sequential([L.Input((None, 3)), L.TimeDistributed(each, name="steps"), L.TimeDistributed(L.Dense(3), name="dense_steps"), both], name="block")
    return net(lambda x: L.Dense(2, name="last")(block(x)))


def formulas():
    def make(x):
        y = L.Dense(4, activation="mish")(x)
        names = ["mish", "selu"] + (["celu", "log_sigmoid", "tanh_shrink", "hard_tanh", "relu6", "leaky_relu"] if VERSION == "keras3" else [])
        h = [L.Activation(n)(y) for n in names]
        h += [L.ReLU(max_value=0.6, threshold=0.2)(y), L.ReLU(max_value=0.5, negative_slope=0.3)(y)]
        h += [L.PReLU(shared_axes=[1, 2])(y), L.Identity()(y), L.Masking()(y)]
        h += [L.Normalization(mean=[0.1, -0.2, 0.3, 0.4], variance=[0.5, 1.5, 2.5, 3.5])(y), L.Normalization(mean=0.5, variance=2.0, invert=True)(y)]
        one = L.Normalization(axis=None)
        one.adapt(np.random.default_rng(1).normal(size=(50, 4)) * 2 + 1)
        return L.Concatenate()(h + [one(y)])
    return net(make)


def groups():
    return keras.Sequential([L.Input((None, 6)), L.Conv1D(4, 3, groups=2, dilation_rate=2, padding="causal"), L.Conv1D(8, 2, groups=4, padding="causal", activation="tanh", use_bias=False), L.GRU(3)])


def whole_numbers():
    return keras.Sequential([L.Input((None,), dtype="int32"), L.Embedding(11, 3, name="embedding"), L.LSTM(3, return_sequences=True)])


def operators():
    """Written without layers: shortcuts around a layer."""
    def make(x):
        y = x + L.LSTM(3, return_sequences=True)(x)
        return L.Dense(2)((y - x) * L.GRU(3, return_sequences=True)(y))
    return net(make)


def by_names():
    """Inputs and outputs that have names are in the order of these."""
    a, b = L.Input((None, 2), name="first"), L.Input((None, 3), name="second")
    x = L.Concatenate()([L.LSTM(3, return_sequences=True)(b), a])
    return keras.Model({"z": a, "c": b}, {"q": L.Dense(3, name="wide")(x), "d": L.Dense(1, name="narrow")(x)})


def randomise(m, rng):
    seen = {id(w) for layer in m.layers if isinstance(layer, L.Normalization) for w in layer.weights}
    for w in m.weights:
        if id(w) in seen:
            continue
        name = getattr(w, "path", w.name)
        if "variance" in name:
            v = rng.uniform(0.5, 2, w.shape)
        elif "alpha" in name:
            v = rng.uniform(0.1, 0.5, w.shape)
        else:
            v = rng.uniform(0.1, 0.7, w.shape) * rng.choice([-1, 1], w.shape)
        w.assign(v.astype("float32"))


def arguments(m, rng):
    list_ = []
    for i in m.inputs:
        shape = [1] + [STEPS if d is None else d for d in i.shape[1:]]
        list_.append(rng.integers(0, 11, shape).astype("int32" if "int" in str(i.dtype) else "float32") if m.layers[1 if len(m.layers) > 1 and "input" in m.layers[0].name else 0].name.startswith("embedding")
                     else rng.normal(size=shape).astype("float32"))
    return list_


def run(m, xs):
    if make is by_names:
        ys = m(dict(zip(("c", "z"), xs)), training=False)
        return [np.array(ys[k]) for k in ("d", "q")]
    ys = m(xs if len(xs) > 1 else xs[0], training=False)
    return [np.array(keras.ops.convert_to_numpy(y) if VERSION == "keras3" else y) for y in (ys if isinstance(ys, (list, tuple)) else [ys])]


def flat(list_, rows=None):
    """One row for each step; states, which come last, are left out."""
    parts = [a[0].reshape(-1, a.shape[-1]) for a in list_]
    return np.concatenate([p for p in parts if len(p) == len(parts[0])], 1) if len(parts[0]) > 1 or len(parts) == 1 else parts[0]


def keras1(folder, rng):
    """A file as Keras 1.2 wrote it: an array for each gate, its own words in the configuration."""
    config, weights, parts = [], {}, []
    i, widths = 3, {"lstm_1": 4, "gru_1": 3, "simplernn_1": 3, "dense_1": 2}
    for name, u in widths.items():
        class_name = {"l": "LSTM", "g": "GRU", "s": "SimpleRNN", "d": "Dense"}[name[0]]
        c = {"name": name, "trainable": True, "output_dim": u, "activation": "tanh", "W_regularizer": None, "b_regularizer": None}
        arrays = {}

        def draw(*shape):
            return (rng.uniform(0.1, 0.7, shape) * rng.choice([-1, 1], shape)).astype("float32")
        if class_name == "Dense":
            arrays = {"W": draw(i, u), "b": draw(u)}
            c |= {"activation": "linear", "bias": True, "input_dim": i, "init": "glorot_uniform"}
        else:
            c |= {"return_sequences": True, "go_backwards": False, "stateful": False, "unroll": False, "consume_less": "cpu",
                  "init": "glorot_uniform", "inner_init": "orthogonal", "dropout_W": 0.2, "dropout_U": 0.0, "U_regularizer": None,
                  "input_dim": i, "input_length": None}
            if class_name != "SimpleRNN":
                c["inner_activation"] = "hard_sigmoid"
            for g in {"LSTM": "icfo", "GRU": "zrh", "SimpleRNN": [""]}[class_name]:
                for k, shape in (("W", (i, u)), ("U", (u, u)), ("b", (u,))):
                    arrays[f"{k}_{g}" if g else k] = draw(*shape)
        if not config:
            c["batch_input_shape"] = [None, None, i]
        config.append({"class_name": class_name, "config": c})
        weights[name] = {f"{name}_{k}:0": v for k, v in arrays.items()}
        gates = {"LSTM": "ifco", "GRU": "zrh"}.get(class_name)
        parts.append((class_name, u, [np.concatenate([arrays[f"{k}_{g}"] for g in gates], -1) for k in "WUb"] if gates else list(arrays.values())))
        i = u
    with h5py.File(f"{folder}/keras1.h5", "w") as f:
        f.attrs["keras_version"] = b"1.2.2"
        f.attrs["model_config"] = json.dumps({"class_name": "Sequential", "config": config}).encode()
        root = f.create_group("model_weights")
        root.attrs["layer_names"] = [n.encode() for n in weights]
        for name, arrays in weights.items():
            g = root.create_group(name)
            g.attrs["weight_names"] = [n.encode() for n in arrays]
            for n, v in arrays.items():
                g[n] = v
    m = keras.Sequential([L.Input((None, 3))])
    for class_name, u, arrays in parts:
        o = {"LSTM": {"recurrent_activation": "hard_sigmoid"}, "GRU": {"recurrent_activation": "hard_sigmoid", "reset_after": False}}.get(class_name, {})
        layer = L.Dense(u) if class_name == "Dense" else getattr(L, class_name)(u, return_sequences=True, **o)
        m.add(layer)
        layer.set_weights(arrays)
    return m


def cudnn(folder, rng):
    """CuDNNLSTM and CuDNNGRU run on a GPU alone; Keras reads their weights into LSTM and GRU."""
    v1 = tf.compat.v1.keras.layers
    m = keras.Sequential([L.Input((None, 3)), v1.CuDNNLSTM(4, return_sequences=True, name="a"),
                          L.Bidirectional(v1.CuDNNGRU(3, return_sequences=True), name="b"), L.Dense(2, name="c")])
    randomise(m, rng)
    m.save(f"{folder}/cudnn.h5")
    n = keras.Sequential([L.Input((None, 3)), L.LSTM(4, return_sequences=True, name="a"),
                          L.Bidirectional(L.GRU(3, return_sequences=True), name="b"), L.Dense(2, name="c")])
    n.load_weights(f"{folder}/cudnn.h5")
    return n


with tempfile.TemporaryDirectory() as folder:
    arrays = {}

    def golden(name, m, rng):
        xs = arguments(m, rng)
        if name == "states":
            xs[1:] = [np.zeros_like(x) for x in xs[1:]]
        ys = run(m, xs)
        if name == "states":
            xs, ys = xs[:1], ys[:1]
        arrays[name + ".x"] = flat(xs).astype("float32")
        arrays[name + ".y"] = flat(ys).astype("float32")

    formats = (stack, both_ways, nested, cells, convolutions, frozen, cells_each_way, inside)
    for make in ((frozen, cells_each_way, inside, formulas, groups, whole_numbers, operators, by_names) if ORDER else
                 (stack, before, backwards, both_ways, cells, around, tokens, nested, several, reshaped, states, standardised, convolutions)):
        name = make.__name__
        rng = np.random.default_rng(zlib.crc32(name.encode()))
        m = make()
        randomise(m, rng)
        for ending in (".keras", ".h5"):
            m.save(f"{folder}/{name}{ending}")
        golden(name, m, rng)
        if make in formats:
            m.save_weights(f"{folder}/{name}.weights.h5")
            with open(f"{folder}/{name}.json", "w") as f:
                f.write(m.to_json())
        if ORDER and make in formats and VERSION == "keras2":
            m.save_weights(f"{folder}/{name}.hdf5")
    if VERSION == "keras2" and not ORDER:
        for make in (keras1, cudnn):
            rng = np.random.default_rng(5)
            golden(make.__name__, make(folder, rng), rng)
        stack_model = stack()
        randomise(stack_model, np.random.default_rng(9))
        stack_model.save_weights(f"{folder}/old.h5")
        with open(f"{folder}/old.json", "w") as f:
            f.write(stack_model.to_json())
        golden("old", stack_model, np.random.default_rng(9))
    out = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../internal/keras/testdata", sys.argv[1] + ".zip")
    os.makedirs(os.path.dirname(out), exist_ok=True)
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as z:
        def add(name, data):
            z.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED, 9)
        for name in sorted(os.listdir(folder)):
            with open(f"{folder}/{name}", "rb") as f:
                add(name, f.read())
        buffer = io.BytesIO()
        np.savez(buffer, **arrays)
        add("io.npz", buffer.getvalue())
    print(out, os.path.getsize(out), "bytes")
