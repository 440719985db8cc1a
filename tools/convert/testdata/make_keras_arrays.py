"""Make formats/keras_arrays.npz: the weights of a Keras net as numpy.savez writes
get_weights(), without names, and what the net computes.

    pip install tensorflow==2.15.1
    python make_keras_arrays.py     # writes into formats/; the same numbers each time

keras_arrays.npz      arr_0, arr_1 …: of the layers below, in Keras's layout
keras_arrays.yaml     the spec that says which is which (written by hand, not here)
keras_arrays_io.npz   x [40, 3], and y [40, 4] of the net with float64 weights and input
"""

import os

import numpy as np
import tensorflow as tf
from tensorflow.keras import layers

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "formats")


def net():
    return tf.keras.Sequential([
        layers.Input((None, 3)),
        layers.Dense(5, activation="tanh"),
        layers.LSTM(6, return_sequences=True),
        layers.LayerNormalization(),
        layers.GRU(5, return_sequences=True),
        layers.GRU(4, return_sequences=True, reset_after=False),
        layers.BatchNormalization(),
        layers.SimpleRNN(4, return_sequences=True, activation="relu"),
        layers.Dense(4, activation="sigmoid"),
    ])


random = np.random.default_rng(5)
weights = [random.uniform(-1.5, 1.5, w.shape).astype(np.float32) for w in net().get_weights()]
weights[16] += 2  # the moving variance
x = random.uniform(-1, 1, (40, 3)).astype(np.float32)
tf.keras.backend.set_floatx("float64")
exact = net()
exact.set_weights([w.astype(np.float64) for w in weights])
for w in exact.weights:
    print(w.name, w.shape)
y = exact.predict(x[None].astype(np.float64), verbose=0)[0]
np.savez_compressed(os.path.join(HERE, "keras_arrays.npz"), *weights)
np.savez_compressed(os.path.join(HERE, "keras_arrays_io.npz"), x=x, y=y)
