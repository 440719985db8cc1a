"""Make audio/: small random nets in the files of audio plug-ins, as the projects' own exporters
write them, and what the nets compute.

    pip install torch numpy
    python make_audio.py     # writes into audio/; the same numbers each time

guitarml_*.json   SimpleRNN.save_model of GuitarML's trainer (CoreAudioML): lstm and gru with
                  skip, of two layers without, of two inputs (a knob), with bias_fl false, and
                  an RNN with two outputs that skip
aidax_*.json      what AIDA-X's trainer makes of such a file (modelToKeras.py, model_utils.py):
                  Keras's layout, metadata, and a batch with what PyTorch made of it; the gru
                  has two inputs and in_gain and out_gain, which only its plug-ins know
nam_*.nam         LSTM.export of neural-amp-modeler, with the states that 48000 zeros leave
torch_*.json      a state_dict as JSON, as RTNeural's gru_torch.py and lstm_torch.py write it
rnnoise.rnnn      a net of RNNoise v0.1 as text of whole numbers, as rnnoise-nu loads it
io.npz            for each file x_NAME [steps, inputs] and y_NAME [steps, outputs], computed in
                  float64 by PyTorch from the weights before any exporter turned them around,
                  RNNoise by its equations in NumPy; fast_NAME of NAM, by the equations of
                  NeuralAmpModelerCore with its fast_tanh

RTNeural's own files are made by make_rtneural.py, with Keras.
"""

import json
import os

import numpy as np
import torch
from torch import nn

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "audio")
T = 64
random = np.random.default_rng(11)
io = {}


def path(name):
    return os.path.join(HERE, name)


def uniform(*shape):
    return random.uniform(-1, 1, shape).astype(np.float32)


def randomised(module, scale):
    """The module with weights that use the gates well."""
    with torch.no_grad():
        for p in module.parameters():
            p.copy_(torch.from_numpy(uniform(*p.shape)) * scale)
    return module


class SimpleRNN(nn.Module):
    """Recurrent layers, which have biases whatever bias says, a dense layer, and the inputs
    that skip it."""

    def __init__(self, unit, inputs, outputs, hidden, layers, skip, bias):
        super().__init__()
        self.rec = getattr(nn, unit)(inputs, hidden, layers)
        self.lin = nn.Linear(hidden, outputs, bias=bias)
        self.skip = skip

    def forward(self, x):
        y = self.lin(self.rec(x)[0])
        return y + x[..., : self.skip] if self.skip else y


def exact(net, x):
    with torch.no_grad():
        y = net.double()(torch.from_numpy(x).double()[:, None])[:, 0].numpy()
    net.float()
    return y


def guitarml(name, unit, inputs=1, outputs=1, hidden=4, layers=1, skip=1, bias=True):
    net = randomised(SimpleRNN(unit, inputs, outputs, hidden, layers, skip, bias), 0.8)
    with open(path(name + ".json"), "w") as f:
        json.dump({
            "model_data": {
                "model": "SimpleRNN", "input_size": inputs, "skip": skip, "output_size": outputs, "unit_type": unit,
                "num_layers": layers, "hidden_size": hidden, "bias_fl": bias},
            "state_dict": {k: v.tolist() for k, v in net.state_dict().items()},
        }, f)
    io["x_" + name] = uniform(T, inputs)
    io["y_" + name] = exact(net, io["x_" + name])


def aidax(name, unit, inputs, hidden, skip, gains):
    net = randomised(SimpleRNN(unit, inputs, 1, hidden, 1, skip, True), 0.8)
    w = {k: v.numpy() for k, v in net.state_dict().items()}
    H = hidden

    def keras(v):  # PyTorch's r, z, n are Keras's z, r, h
        return np.concatenate([v[H:2 * H], v[:H], v[2 * H:]]) if unit == "GRU" else v

    ih, hh = w["rec.bias_ih_l0"].astype(np.float64), w["rec.bias_hh_l0"].astype(np.float64)
    bias = np.stack([keras(ih), keras(hh)]) if unit == "GRU" else ih + hh
    kernel, recurrent = keras(w["rec.weight_ih_l0"]).T, keras(w["rec.weight_hh_l0"]).T
    batch = uniform(T, inputs)
    batch[:, 1:] = 0  # the plug-in tests a model with its knobs at 0
    model = {"in_shape": [None, None, inputs]}
    if skip > 0:
        model["in_skip"] = skip
    model |= gains
    model["layers"] = [
        {"type": unit.lower(), "activation": "", "shape": [None, None, H],
         "weights": [kernel.tolist(), recurrent.tolist(), bias.astype(np.float32).tolist()]},
        {"type": "dense", "activation": "", "shape": [None, None, 1],
         "weights": [w["lin.weight"].reshape(H, 1).tolist(), w["lin.bias"].tolist()]},
    ]
    with torch.no_grad():
        model["input_batch"] = batch[:, 0].tolist()
        model["output_batch"] = net(torch.from_numpy(batch)[:, None])[:, 0, 0].tolist()
    model["metadata"] = {
        "name": name, "samplerate": "48000", "source": "random numbers", "style": "clean", "based": "nothing",
        "author": "rnnedge", "dataset": "none", "license": "MIT", "esr": 0.0165210273116827}
    with open(path(name + ".json"), "w") as f:
        json.dump(model, f, indent=4)
    x = uniform(T, inputs)
    loud = x.astype(np.float64)
    loud[:, 0] *= 10 ** (gains.get("in_gain", 0) / 20)
    io["x_" + name] = x
    io["y_" + name] = exact(net, loud) * 10 ** (gains.get("out_gain", 0) / 20)


class Stack(nn.Module):
    def __init__(self, unit):
        super().__init__()
        self.first, self.second = getattr(nn, unit)(1, 4), getattr(nn, unit)(4, 3, num_layers=2)
        self.dense = nn.Linear(3, 1)

    def forward(self, x):
        return self.dense(self.second(self.first(x)[0])[0])


def state_dict(name, unit):
    net = randomised(Stack(unit), 0.8)
    with open(path(name + ".json"), "w") as f:
        json.dump({k: v.tolist() for k, v in net.state_dict().items()}, f)
    io["x_" + name] = uniform(T, 1)
    io["y_" + name] = exact(net, io["x_" + name])


def sigmoid(v):
    return 1 / (1 + np.exp(-v))


def fast_tanh(v):
    """The rational function of NeuralAmpModelerCore's activations.h."""
    a, s = np.abs(v), v * v
    above = v * (2.45550750702956 + 2.45550750702956 * a + (0.893229853513558 + 0.821226666969744 * a) * s)
    return above / (2.44506634652299 + (2.44506634652299 + s) * np.abs(v + 0.814642734961073 * v * a))


def nam_core(layers, head, x, tanh):
    """NeuralAmpModelerCore's LSTM, in float64."""
    half = lambda v: 0.5 * (tanh(v * 0.5) + 1)
    layers = [[v.astype(np.float64) for v in layer] for layer in layers]
    y = []
    for row in x.astype(np.float64):
        for layer in layers:
            w, b, h, c = layer
            i, f, g, o = np.split(w @ np.concatenate([row, h]) + b, 4)
            c = half(f) * c + half(i) * tanh(g)
            row = half(o) * tanh(c)
            layer[2:] = row, c
        y.append(head[0] @ row + head[1])
    return np.array(y)


def nam(name, hidden, layers, more):
    core, head = randomised(nn.LSTM(1, hidden, layers, batch_first=True), 0.8), randomised(nn.Linear(hidden, 1), 0.8)
    with torch.no_grad():
        _, (h, c) = core(torch.zeros(1, 48_000, 1))
    cells = []
    for l in range(layers):
        p = lambda key: getattr(core, f"{key}_l{l}").detach().numpy()
        cells.append([
            np.concatenate([p("weight_ih"), p("weight_hh")], 1), p("bias_ih") + p("bias_hh"), h[l, 0].numpy(), c[l, 0].numpy()])
    head = head.weight.detach().numpy(), head.bias.detach().numpy()
    weights = np.concatenate([v.ravel() for cell in cells for v in cell] + [v.ravel() for v in head])
    model = {
        "version": "0.7.0",
        "metadata": {
            "date": {"year": 2026, "month": 1, "day": 2, "hour": 3, "minute": 4, "second": 5},
            "loudness": -18.25, "gain": 0.5, "name": name, "modeled_by": "rnnedge", "gear_type": "amp", "gear_make": None,
            "gear_model": None, "tone_type": "clean", "input_level_dbu": None, "output_level_dbu": None},
        "architecture": "LSTM",
        "config": {"input_size": 1, "hidden_size": hidden, "num_layers": layers},
        "weights": weights.tolist(),
    } | more
    with open(path(name + ".nam"), "w") as f:
        json.dump(model, f)

    class Net(nn.Module):  # as import_weights makes it: the one bias, and the states of the file
        def __init__(self):
            super().__init__()
            self.core, self.head = nn.LSTM(1, hidden, layers).double(), nn.Linear(hidden, 1).double()
            with torch.no_grad():
                for l, (w, b, _, _) in enumerate(cells):
                    inputs = w.shape[1] - hidden
                    for key, v in [("weight_ih", w[:, :inputs]), ("weight_hh", w[:, inputs:]), ("bias_ih", b), ("bias_hh", 0 * b)]:
                        getattr(self.core, f"{key}_l{l}").copy_(torch.from_numpy(v))
                self.head.weight.copy_(torch.from_numpy(head[0]))
                self.head.bias.copy_(torch.from_numpy(head[1]))

        def forward(self, x):
            return self.head(self.core(x, (h.double(), c.double()))[0])

    x = uniform(T, 1)
    io["x_" + name] = x
    io["y_" + name] = exact(Net(), x)
    io["fast_" + name] = nam_core(cells, head, x, fast_tanh)
    assert np.abs(nam_core(cells, head, x, np.tanh) - io["y_" + name]).max() < 1e-12


def rnnoise(name):
    """RNNoise v0.1: its nets' weights are whole numbers that count 1/256."""
    I, D, V, N, E, bands = 6, 5, 4, 6, 7, 3
    functions = [np.tanh, sigmoid, lambda v: np.maximum(v, 0)]
    text = ["rnnoise-nu model file version 1"]

    def draw(*shape):
        v = random.integers(-128, 128, shape)
        text.append(" ".join(map(str, v.ravel())))
        return v / 256

    def dense(inputs, units, f):
        text.append(f"{inputs} {units} {f}")
        w, b = draw(inputs, units), draw(units)
        return lambda x: functions[f](x @ w + b)

    def gru(inputs, units, f):
        text.append(f"{inputs} {units} {f}")
        w, r, b, h = draw(inputs, 3 * units), draw(units, 3 * units), draw(3 * units), np.zeros(units)

        def step(x):
            gate = lambda k, s: x @ w[:, k * units:(k + 1) * units] + s @ r[:, k * units:(k + 1) * units] + b[k * units:(k + 1) * units]
            z, reset = sigmoid(gate(0, h)), sigmoid(gate(1, h))
            h[:] = z * h + (1 - z) * functions[f](gate(2, reset * h))
            return h.copy()

        return step

    first, vad_gru = dense(I, D, 0), gru(D, V, 2)
    noise_gru, denoise_gru = gru(D + V + I, N, 2), gru(V + N + I, E, 0)
    gains, vad = dense(E, bands, 1), dense(V, 1, 1)
    with open(path(name + ".rnnn"), "w") as f:
        f.write("\n".join(text) + "\n")
    x = uniform(T, I)
    y = []
    for row in x.astype(np.float64):
        d = first(row)
        v = vad_gru(d)
        n = noise_gru(np.concatenate([d, v, row]))
        e = denoise_gru(np.concatenate([v, n, row]))
        y.append(np.concatenate([gains(e), vad(v)]))
    io["x_" + name], io["y_" + name] = x, np.array(y)


if __name__ == "__main__":
    print("torch", torch.__version__, "numpy", np.__version__)
    os.makedirs(HERE, exist_ok=True)
    guitarml("guitarml_lstm", "LSTM")
    guitarml("guitarml_gru", "GRU")
    guitarml("guitarml_lstm_2", "LSTM", layers=2, skip=0)
    guitarml("guitarml_gru_2", "GRU", layers=2, skip=0)
    guitarml("guitarml_knob", "GRU", inputs=2)
    guitarml("guitarml_no_bias", "LSTM", bias=False)
    guitarml("guitarml_rnn", "RNN", inputs=3, outputs=2, skip=2)
    aidax("aidax_lstm", "LSTM", 1, 4, 1, {})
    aidax("aidax_gru", "GRU", 2, 4, 1, {"in_gain": -3.5, "out_gain": 6.0})
    aidax("aidax_no_skip", "LSTM", 1, 3, 0, {"out_gain": -2})
    nam("nam_lstm", 4, 1, {"sample_rate": 48000.0})
    nam("nam_lstm_2", 3, 2, {})
    rnnoise("rnnoise")
    state_dict("torch_gru", "GRU")
    state_dict("torch_lstm", "LSTM")
    np.savez_compressed(path("io.npz"), **io)
