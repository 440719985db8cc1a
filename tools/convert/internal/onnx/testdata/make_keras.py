"""Exports small Keras nets to ONNX with tf2onnx, with inputs and float64 outputs beside them.

Needs tensorflow 2.15 and tf2onnx 1.16. Run it in this folder.
"""

import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import numpy as np
import onnx
import tensorflow as tf
import tf2onnx
from tensorflow.keras import layers

FEATURES, UNITS, STEPS = 3, 5, 12


def recurrent(kind, **options):
    return lambda: getattr(layers, kind)(UNITS, **({"return_sequences": True} | options))


def both(kind, merge="concat", **options):
    return lambda: layers.Bidirectional(recurrent(kind, **options)(), merge_mode=merge)


NETS = {
    "lstm": [recurrent("LSTM")],
    "lstm_2": [recurrent("LSTM"), recurrent("LSTM")],
    "lstm_last": [recurrent("LSTM", return_sequences=False)],
    "lstm_hard": [recurrent("LSTM", recurrent_activation="hard_sigmoid", activation="softsign")],
    "lstm_no_bias": [recurrent("LSTM", use_bias=False)],
    "gru": [recurrent("GRU")],
    "gru_before": [recurrent("GRU", reset_after=False)],
    "gru_relu": [recurrent("GRU", activation="relu")],
    "rnn": [recurrent("SimpleRNN")],
    "rnn_relu": [recurrent("SimpleRNN", activation="relu")],
    "lstm_backwards": [recurrent("LSTM", go_backwards=True)],
    "lstm_layernorm": [recurrent("LSTM"), layers.LayerNormalization],
    "lstm_batchnorm": [recurrent("LSTM"), layers.BatchNormalization],
    "gru_leakyrelu": [recurrent("GRU"), lambda: layers.LeakyReLU(0.2)],
    "gru_masked": [lambda: layers.Masking(), recurrent("GRU")],
    "bidirectional_lstm": [both("LSTM")],
    "bidirectional_gru": [both("GRU")],
    "bidirectional_gru_before": [both("GRU", reset_after=False)],
    "bidirectional_rnn": [both("SimpleRNN")],
    "bidirectional_lstm_sum": [both("LSTM", "sum")],
    "bidirectional_lstm_ave": [both("LSTM", "ave")],
    "bidirectional_lstm_mul": [both("LSTM", "mul")],
    "bidirectional_lstm_last": [both("LSTM", return_sequences=False)],
    "loop_lstm_streams": [recurrent("LSTM", recurrent_activation="hard_sigmoid"), recurrent("LSTM", recurrent_activation="hard_sigmoid", use_bias=False)],
    "loop_gru_before_2": [recurrent("GRU", reset_after=False), recurrent("GRU", reset_after=False, activation="softsign")],
    "loop_gru_last_streams": [recurrent("GRU", reset_after=False, return_sequences=False)],
    "loop_gru_backwards": [recurrent("GRU", reset_after=False, recurrent_activation="hard_sigmoid", go_backwards=True)],
    "loop_rnn_elu": [recurrent("SimpleRNN", activation="elu")],
    "loop_cells": [lambda: layers.RNN([layers.LSTMCell(UNITS, recurrent_activation="hard_sigmoid"), layers.GRUCell(4, reset_after=False), layers.SimpleRNNCell(3)], return_sequences=True)],
    "loop_implementation_1": [recurrent("LSTM", recurrent_activation="hard_sigmoid", implementation=1), recurrent("GRU", reset_after=False, implementation=1)],
    "convolutions": [lambda: layers.Conv1D(4, 3, padding="causal", activation="relu"), recurrent("LSTM"),
                     lambda: layers.Conv1D(3, 2, dilation_rate=3, padding="causal", activation="tanh", use_bias=False)],
    "convolutions_streams": [lambda: layers.Conv1D(4, 3, dilation_rate=2, padding="causal"), recurrent("GRU"), lambda: layers.Conv1D(3, 1)],
    "lstm_streams": [recurrent("LSTM"), recurrent("LSTM")],
    "gru_last_streams": [recurrent("GRU", return_sequences=False)],
    "bidirectional_gru_streams": [both("GRU")],
    "lstm_layernorm_streams": [recurrent("LSTM"), layers.LayerNormalization],
    "bidirectional_rnn_streams": [both("SimpleRNN")],
    "bidirectional_gru_last_streams": [both("GRU", return_sequences=False)],
    "lstm_layernorm_moments_streams": [recurrent("LSTM"), lambda: layers.LayerNormalization(epsilon=1e-5), lambda: layers.TimeDistributed(layers.Dense(4, activation="elu"))],
    "lstm_layernorm_moments": [recurrent("LSTM"), lambda: layers.LayerNormalization(epsilon=1e-5)],
    "gru_layernorm_fixed": [recurrent("GRU"), layers.LayerNormalization],
    "gru_distributed_fixed_streams": [recurrent("GRU"), lambda: layers.TimeDistributed(layers.Dense(4, activation="elu")), lambda: layers.LayerNormalization(epsilon=1e-5)],
    "lstm_unroll_fixed": [recurrent("LSTM", unroll=True)],
    "gru_unroll_fixed_streams": [recurrent("GRU", unroll=True), recurrent("LSTM")],
    "lstm_batchnorm_streams": [recurrent("LSTM"), layers.BatchNormalization, lambda: layers.TimeDistributed(layers.Dense(4, activation="elu"))],
}


def model(parts, dtype, batch, steps=None):
    tf.keras.backend.clear_session()
    tf.keras.backend.set_floatx(dtype)
    x = y = tf.keras.Input((steps, FEATURES), batch_size=batch, dtype=dtype)
    for part in parts:
        y = part()(y)
    return tf.keras.Model(x, layers.Dense(2, activation="sigmoid")(y))


for name, parts in NETS.items():
    name = "keras_" + name
    if len(sys.argv) > 1 and not any(word in name for word in sys.argv[1:]):
        continue
    seed = sum(map(ord, name))
    rng = np.random.default_rng(seed)
    try:
        batch = None if name.endswith("_streams") else 1
        steps = 6 if "_fixed" in name else None
        net = model(parts, "float32", batch, steps)
        weights = [np.abs(w) + 0.5 if "variance" in v.name else rng.normal(size=w.shape).astype(np.float32) / 2
                   for v, w in zip(net.weights, net.get_weights())]
        net.set_weights(weights)
        signature = [tf.TensorSpec((batch, steps, FEATURES), tf.float32, name="x")]
        export, _ = tf2onnx.convert.from_keras(net, signature, opset=15)
        del export.graph.value_info[:], export.metadata_props[:]
        export.doc_string = export.graph.doc_string = ""
        for n in export.graph.node:
            n.doc_string = ""
        onnx.save(export, name + ".onnx")
        x = rng.normal(size=(1, STEPS, FEATURES)).astype(np.float32)
        wide = model(parts, "float64", batch, STEPS if "_unroll" in name else None)
        wide.set_weights([w.astype(np.float64) for w in weights])
        if "_last" in name and "bidirectional" not in name:  # of the sequence so far
            y = np.concatenate([wide(x[:, : t + 1].astype(np.float64)).numpy() for t in range(STEPS)])
        else:
            y = wide(x.astype(np.float64)).numpy()
        if "masked" not in name:  # which is refused
            np.savez(name + ".npz", x=x[0], y=y.reshape(-1, 2))
        print(name, sorted({n.op_type for n in export.graph.node}), os.path.getsize(name + ".onnx"), flush=True)
    except Exception as e:
        print(name, "FAILED", type(e), str(e)[:300], flush=True)
