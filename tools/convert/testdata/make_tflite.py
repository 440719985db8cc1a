"""Makes the TFLite models of ../internal/tflite/testdata, with what TFLite's own
interpreter computes from them (NAME.npz: x and y, float32). TensorFlow 2.15.1 makes those
by Keras 2, and all that are written operator by operator; another version, which was 2.21
with Keras 3.15, makes keras3_*:

    python make_tflite.py
"""
import os
import sys
import tempfile

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import flatbuffers
import numpy as np
import tensorflow as tf
from tensorflow.lite.python import schema_py_generated as s

OUT = os.path.join(os.path.dirname(__file__), "..", "internal", "tflite", "testdata")
B = s.BuiltinOperator
O = s.BuiltinOptions
TANH = 4


class Graph:
    def __init__(self, seed, hybrid=False):
        """hybrid has matrices in int8, with a scale each, between floats."""
        self.rng, self.hybrid = np.random.default_rng(seed), hybrid
        self.m, self.g = s.ModelT(), s.SubGraphT()
        self.m.version, self.m.subgraphs, self.m.buffers, self.m.operatorCodes = 3, [self.g], [s.BufferT()], []
        self.g.tensors, self.g.operators = [], []

    def tensor(self, shape, data=None, variable=False):
        t = s.TensorT()
        t.name, t.shape, t.isVariable, t.buffer = f"t{len(self.g.tensors)}", list(shape), variable, 0
        if data is not None:
            b = s.BufferT()
            b.data = np.frombuffer(data.tobytes(), np.uint8)
            t.type = {"float32": 0, "float16": 1, "int32": 2, "int8": 9}[data.dtype.name]
            t.buffer = len(self.m.buffers)
            self.m.buffers.append(b)
        self.g.tensors.append(t)
        return len(self.g.tensors) - 1

    def weights(self, *shape, scale=0.5, mean=0.0):
        data = (mean + scale * self.rng.standard_normal(shape)).astype(np.float32)
        if not self.hybrid or len(shape) != 2:
            return self.tensor(shape, data)
        data *= 0.4  # so that the rounding of what they multiply is small
        step = np.abs(data).max() / 127
        i = self.tensor(shape, np.round(data / step).astype(np.int8))
        q = self.g.tensors[i].quantization = s.QuantizationParametersT()
        q.scale, q.zeroPoint = [float(np.float32(step))], [0]
        return i

    def op(self, code, inputs, shape, kind=0, **settings):
        o, c, y = s.OperatorT(), s.OperatorCodeT(), self.tensor(shape)
        c.builtinCode, c.deprecatedBuiltinCode, c.version = code, code, 1
        o.opcodeIndex, o.inputs, o.outputs = len(self.m.operatorCodes), inputs, [y]
        self.m.operatorCodes.append(c)
        if kind:
            o.builtinOptionsType = kind
            o.builtinOptions = {
                O.UnidirectionalSequenceLSTMOptions: s.UnidirectionalSequenceLSTMOptionsT, O.SequenceRNNOptions: s.SequenceRNNOptionsT,
                O.BidirectionalSequenceLSTMOptions: s.BidirectionalSequenceLSTMOptionsT, O.BidirectionalSequenceRNNOptions: s.BidirectionalSequenceRNNOptionsT,
                O.LSTMOptions: s.LSTMOptionsT, O.RNNOptions: s.RNNOptionsT, O.FullyConnectedOptions: s.FullyConnectedOptionsT,
                O.AddOptions: s.AddOptionsT, O.SubOptions: s.SubOptionsT, O.MulOptions: s.MulOptionsT,
                O.ConcatenationOptions: s.ConcatenationOptionsT, O.SoftmaxOptions: s.SoftmaxOptionsT, O.LeakyReluOptions: s.LeakyReluOptionsT,
            }[kind]()
            for k, v in settings.items():
                assert hasattr(o.builtinOptions, k), k
                setattr(o.builtinOptions, k, v)
        self.g.operators.append(o)
        return y

    def finish(self, x, y):
        self.g.inputs, self.g.outputs = [x], [y]
        b = flatbuffers.Builder(0)
        b.Finish(self.m.Pack(b), b"TFL3")
        return bytes(b.Output())


def save(name, model, tokens=0):
    i = tf.lite.Interpreter(model_content=model, num_threads=1,
                            experimental_op_resolver_type=tf.lite.experimental.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES)
    i.allocate_tensors()
    d, e = i.get_input_details()[0], i.get_output_details()[0]
    x = np.random.default_rng(7).standard_normal(d["shape"]).astype(np.float32)
    if tokens:
        x = np.random.default_rng(7).integers(0, tokens, d["shape"]).astype(np.float32)
    scale, zero = d["quantization"] if d["dtype"] == np.int8 else (1, 0)
    i.set_tensor(d["index"], np.clip(np.round(x / scale + zero), -128, 127).astype(d["dtype"]) if zero or scale != 1 else x.astype(d["dtype"]))
    i.invoke()
    y = i.get_tensor(e["index"])
    if y.dtype == np.int8:
        y = ((y.astype(np.float32) - e["quantization"][1]) * e["quantization"][0]).astype(np.float32)
    with open(os.path.join(OUT, name + ".tflite"), "wb") as f:
        f.write(model)
    np.savez(os.path.join(OUT, name + ".npz"), x=x, y=y)


def lstm(name, seed, I=3, U=5, H=None, T=7, peephole=False, norm=False, coupled=False, projection=False, major=False, step=False, **settings):
    g = Graph(seed)
    H = H or U
    gates = [not coupled, True, True, True]
    x = g.tensor([1, I] if step else [T, 1, I] if major else [1, T, I])
    inputs = [x]
    inputs += [g.weights(U, I) if k else -1 for k in gates]
    inputs += [g.weights(U, H) if k else -1 for k in gates]
    inputs += [g.weights(U) if peephole and k else -1 for k in (not coupled, True, True)]
    inputs += [g.weights(U) if k else -1 for k in gates]
    inputs += [g.weights(H, U), g.weights(H)] if projection else [-1, -1]
    inputs += [g.tensor([1, H], variable=True), g.tensor([1, U], variable=True)]
    inputs += [g.weights(U, scale=0.2, mean=1) if norm and k else -1 for k in gates]
    settings.setdefault("fusedActivationFunction", TANH)
    if step:
        y = g.op(B.LSTM, inputs, [1, H], O.LSTMOptions, **settings)
    else:
        y = g.op(B.UNIDIRECTIONAL_SEQUENCE_LSTM, inputs, [T, 1, H] if major else [1, T, H], O.UnidirectionalSequenceLSTMOptions, timeMajor=major, **settings)
    save(name, g.finish(x, y))


def both_lstm(name, seed, I=3, U=5, V=5, T=7, major=False, peephole=False, hybrid=False):
    """Both ways in one operator; its kernel wants as many units forward as back."""
    g = Graph(seed, hybrid)
    inputs = [g.tensor([T, 1, I] if major else [1, T, I])]
    for n in (U, V):
        inputs += [g.weights(n, I) for _ in range(4)] + [g.weights(n, n) for _ in range(4)]
        inputs += [g.weights(n) if peephole else -1 for _ in range(3)] + [g.weights(n) for _ in range(4)] + [-1, -1]
    inputs += [g.tensor([1, n], variable=True) for n in (U, U, V, V)] + [-1] * 9
    shape = [T, 1, U + V] if major else [1, T, U + V]
    y = g.op(B.BIDIRECTIONAL_SEQUENCE_LSTM, inputs, shape, O.BidirectionalSequenceLSTMOptions, fusedActivationFunction=TANH, mergeOutputs=True, timeMajor=major)
    save(name, g.finish(inputs[0], y))


def both_rnn(name, seed, I=3, U=5, V=4, T=7, major=False, hybrid=False):
    g = Graph(seed, hybrid)
    inputs = [g.tensor([T, 1, I] if major else [1, T, I])]
    for n in (U, V):
        inputs += [g.weights(n, I), g.weights(n, n, scale=0.3), g.weights(n), g.tensor([1, n], variable=True)]
    inputs += [-1] * 3
    shape = [T, 1, U + V] if major else [1, T, U + V]
    y = g.op(B.BIDIRECTIONAL_SEQUENCE_RNN, inputs, shape, O.BidirectionalSequenceRNNOptions, fusedActivationFunction=TANH, mergeOutputs=True, timeMajor=major)
    save(name, g.finish(inputs[0], y))


def rnn(name, seed, step, activation, I=3, H=5, T=7, major=False, hybrid=False):
    g = Graph(seed, hybrid)
    x = g.tensor([1, I] if step else [T, 1, I] if major else [1, T, I])
    inputs = [x, g.weights(H, I), g.weights(H, H, scale=0.3), g.weights(H), g.tensor([1, H], variable=True)]
    if step:
        y = g.op(B.RNN, inputs, [1, H], O.RNNOptions, fusedActivationFunction=activation)
    else:
        y = g.op(B.UNIDIRECTIONAL_SEQUENCE_RNN, inputs, [T, 1, H] if major else [1, T, H], O.SequenceRNNOptions, fusedActivationFunction=activation, timeMajor=major)
    save(name, g.finish(x, y))


def half():
    """Weights in float16, which an operator of its own widens."""
    g = Graph(51)
    weights = lambda *shape: g.op(B.DEQUANTIZE, [g.tensor(shape, g.rng.standard_normal(shape).astype(np.float16))], shape)
    x = g.tensor([1, 6, 4])
    y = g.op(B.FULLY_CONNECTED, [x, weights(3, 4), weights(3)], [1, 6, 3], O.FullyConnectedOptions, keepNumDims=True)
    save("half", g.finish(x, y))


def around():
    g = Graph(50)
    T, n = 4, 5
    x = g.tensor(seq := [1, T, n])
    y = g.op(B.MUL, [x, g.weights(n)], seq, O.MulOptions, fusedActivationFunction=2)
    y = g.op(B.SUB, [g.weights(1, n), y], seq, O.SubOptions)
    y = g.op(B.SUB, [y, g.weights(1)], seq, O.SubOptions)
    z = g.op(B.LEAKY_RELU, [x], seq, O.LeakyReluOptions, alpha=0.3)
    y = g.op(B.ADD, [y, z], seq, O.AddOptions, fusedActivationFunction=1)
    y = g.op(B.SUB, [y, g.op(B.ELU, [x], seq)], seq, O.SubOptions)
    y = g.op(B.MUL, [y, g.op(B.LOGISTIC, [x], seq)], seq, O.MulOptions)
    y = g.op(B.CONCATENATION, [y, g.op(B.RELU6, [x], seq), g.op(B.RELU, [x], seq), g.op(B.TANH, [x], seq)], [1, T, 4 * n], O.ConcatenationOptions, axis=2)
    y = g.op(B.FULLY_CONNECTED, [y, g.weights(n, 4 * n), g.weights(n)], seq, O.FullyConnectedOptions, keepNumDims=True, fusedActivationFunction=3)
    y = g.op(B.RESHAPE, [y, g.tensor([2], np.array([T, n], np.int32))], [T, n])
    z = g.op(B.SOFTMAX, [y], [T, n], O.SoftmaxOptions, beta=1.0)
    y = g.op(B.CONCATENATION, [y, z, g.op(B.LOG_SOFTMAX, [y], [T, n])], [T, 3 * n], O.ConcatenationOptions, axis=1)
    save("around", g.finish(x, y))


def keras(name, layers, T=6, I=3, optimise=False, tokens=None, half=False, integers=False, ends=False):
    """tokens is the type of an input of them, each below I; half are weights in float16;
    integers is all in int8, and ends the input and output, too."""
    tf.keras.utils.set_random_seed(5)
    shape = (T,) if tokens else (T, I)
    model = tf.keras.Sequential([tf.keras.layers.Input(shape, batch_size=1, dtype=tokens or "float32")] + layers)
    c = tf.lite.TFLiteConverter.from_keras_model(model)
    c.optimizations = [tf.lite.Optimize.DEFAULT] if optimise or half or integers else []
    if half:
        c.target_spec.supported_types = [tf.float16]
    if integers:
        rng = np.random.default_rng(8)
        c.representative_dataset = lambda: ([rng.standard_normal((1, *shape)).astype(np.float32)] for _ in range(50))
    if ends:
        c.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        c.inference_input_type = c.inference_output_type = tf.int8
    save(name, c.convert(), I if tokens else 0)


def norms():
    """Layer normalisation in each form that Keras writes out, where its epsilon is small."""
    return [tf.keras.layers.LayerNormalization(scale=s, center=c, epsilon=1e-6, gamma_initializer="normal", beta_initializer="normal")
            for s in (False, True) for c in (False, True)]


def states(name, seed, I=4, H=5, T=9):
    """One step of two cells: h of both and c are inputs and outputs, as a stream needs them."""
    rng = np.random.default_rng(seed)
    w = lambda *shape: tf.constant(rng.standard_normal(shape).astype(np.float32) * 0.5)
    W, R, b, W2, R2, b2, D = w(I, 4 * H), w(H, 4 * H), w(4 * H), w(H, 3 * H), w(H, 3 * H), w(3 * H), w(H, 2)

    @tf.function(input_signature=[tf.TensorSpec([1, 1, I]), tf.TensorSpec([1, 2, H]), tf.TensorSpec([1, H])])
    def step(x, hs, c):
        i, f, g, o = tf.split(x[:, 0] @ W + hs[:, 0] @ R + b, 4, axis=1)
        c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
        h = tf.sigmoid(o) * tf.tanh(c)
        x, y = tf.split(h @ W2 + b2, [2 * H, H], 1), tf.split(hs[:, 1] @ R2, [2 * H, H], 1)
        u, r = tf.split(tf.sigmoid(x[0] + y[0]), 2, 1)
        h2 = u * hs[:, 1] + (1 - u) * tf.tanh(x[1] + r * y[1])
        return {"a": tf.expand_dims(h2 @ D, 1), "b": tf.stack([h, h2], 1), "c": c}

    module = tf.Module()
    module.step = step
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(module, folder, signatures=step)
        model = tf.lite.TFLiteConverter.from_saved_model(folder).convert()
    with open(os.path.join(OUT, name + ".tflite"), "wb") as f:
        f.write(model)
    run = tf.lite.Interpreter(model_content=model).get_signature_runner()
    hs, c, ys = np.zeros([1, 2, H], np.float32), np.zeros([1, H], np.float32), []
    xs = rng.standard_normal([T, 1, 1, I]).astype(np.float32)
    for x in xs:
        y = run(x=x, hs=hs, c=c)
        hs, c = y["b"], y["c"]
        ys.append(y["a"])
    np.savez(os.path.join(OUT, name + ".npz"), x=xs, y=np.stack(ys))


os.makedirs(OUT, exist_ok=True)
L = tf.keras.layers
random = dict(bias_initializer="normal")
if not tf.__version__.startswith("2.15."):
    # No operator is fused any more.
    keras("keras3_lstm", [L.LSTM(5, return_sequences=True, **random), L.Dense(4, activation="selu", **random), *norms(), L.LSTM(3, **random), L.Dense(2, activation="softplus")])
    keras("keras3_both_ways", [L.Bidirectional(L.GRU(4, return_sequences=True, recurrent_activation="hard_sigmoid", **random)), L.SimpleRNN(3, activation="softsign", return_sequences=True, **random), L.Dense(2, activation="softsign")])
    keras("keras3_lstm_hybrid", [L.LSTM(32, return_sequences=True, **random), L.Dense(3, activation="selu")], I=40, optimise=True)
    keras("keras3_half", [L.LSTM(4, return_sequences=True, **random), L.Dense(2, activation="selu", **random)], half=True)
    keras("keras3_tokens", [L.Embedding(7, 3), L.LSTM(4, return_sequences=True, **random), L.ELU(0.6)], I=7, tokens="int32")
    sys.exit()
lstm("lstm", 1)
lstm("lstm_major", 2, major=True)
lstm("lstm_step", 3, step=True)
lstm("lstm_peephole_clip", 4, peephole=True, cellClip=0.4)
lstm("lstm_projection_clip", 5, projection=True, H=4, projClip=0.3)
lstm("lstm_norm_peephole", 6, norm=True, peephole=True)
lstm("lstm_coupled", 7, coupled=True)
lstm("lstm_coupled_all", 8, coupled=True, peephole=True, norm=True, projection=True, H=4)
lstm("lstm_relu", 9, fusedActivationFunction=1)
rnn("rnn", 20, False, TANH)
rnn("rnn_major_relu", 21, False, 1, major=True)
rnn("rnn_step", 22, True, TANH)
both_lstm("both_lstm", 30)
both_lstm("both_lstm_major_peephole", 31, major=True, peephole=True)
both_rnn("both_rnn", 32)
both_rnn("both_rnn_major", 33, major=True)
rnn("rnn_hybrid", 34, False, TANH, I=16, H=12, hybrid=True)
both_rnn("both_rnn_hybrid", 35, I=16, U=12, V=8, hybrid=True)
both_lstm("both_lstm_hybrid", 36, I=16, U=12, V=12, hybrid=True)
half()
around()
keras("keras_last", [L.LSTM(5, return_sequences=True), L.LSTM(4), L.Dense(2, activation="softmax")])
keras("keras_flatten", [L.LSTM(4, return_sequences=True), L.Flatten(), L.Dense(2)])
keras("keras_hybrid", [L.LSTM(40), L.Dense(3)], I=30, optimise=True)
# GRU and SimpleRNN have no operator of their own: they are loops (WHILE), or all steps written out.
keras("keras_gru", [L.GRU(5, return_sequences=True, **random), L.GRU(4, reset_after=False, **random), L.Dense(2)])
keras("keras_rnn", [L.SimpleRNN(5, return_sequences=True, **random), L.SimpleRNN(3, activation="relu", return_sequences=True, **random)])
keras("keras_both_ways", [L.Bidirectional(L.GRU(4, return_sequences=True, **random)), L.Dense(2)])
keras("keras_gru_hybrid", [L.GRU(32, return_sequences=True, **random), L.Dense(3)], I=40, optimise=True)
keras("keras_unrolled", [L.LSTM(5, unroll=True, **random), L.Dense(2)], T=4)
keras("keras_unrolled_gru", [L.GRU(5, unroll=True, return_sequences=True, **random), L.SimpleRNN(4, unroll=True, return_sequences=True), L.Dense(2)], T=3)
states("states", 60)
keras("keras_both_ways_lstm", [L.Bidirectional(L.LSTM(4, return_sequences=True)), L.Dense(2)])
# What lies around a fused operator: a loop, and layers of many operators.
keras("keras_around", [
    L.Conv1D(4, 2, dilation_rate=2, padding="causal", **random), L.LSTM(5, return_sequences=True), L.LayerNormalization(), L.GRU(4, return_sequences=True, **random),
    L.PReLU("normal", shared_axes=[1]), L.BatchNormalization(moving_mean_initializer="normal"), L.LSTM(3), L.LayerNormalization(gamma_initializer="normal", beta_initializer="normal"), L.Dense(2)])
keras("keras_tokens", [L.Embedding(7, 3), L.LSTM(4, return_sequences=True)], I=7, tokens="int32")
keras("keras_float_tokens", [L.Embedding(7, 3), L.LSTM(4, return_sequences=True)], I=7, tokens="float32")
# Functions and normalisations that are written out, and weights in float16 around a loop.
keras("keras_functions", [L.Dense(4, activation="selu", **random), L.LSTM(5, return_sequences=True), *norms(), L.Dense(3, activation="selu"), L.Dense(2, activation="softplus", **random)])
keras("keras_half", [L.GRU(5, return_sequences=True, recurrent_activation="hard_sigmoid", **random), L.Dense(2, activation="selu", **random)], half=True)
# All in integers, with the ranges of what lies between: the operators keep their tensors' scales.
keras("keras_int8", [L.LSTM(6, return_sequences=True, **random), L.LSTM(4, return_sequences=True), L.Dense(3)], integers=True)
keras("keras_ends_int8", [L.LSTM(6, return_sequences=True), L.Dense(5, activation="relu", **random), L.Dense(3, activation="softmax")], integers=True, ends=True)
