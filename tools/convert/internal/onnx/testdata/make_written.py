"""Exports PyTorch cells that are written out, one step with its states as inputs and
outputs, to ONNX, with inputs and float64 outputs of a sequence beside them.

Needs torch, onnx, onnxscript, onnxruntime and numpy. Run it in this folder; with
words as arguments it makes only the files whose names contain one of them. Each
export is also run by ONNX Runtime, step after step, to know that the export is right.
"""

import io
import os
import sys
import warnings

import numpy as np
import onnx
import onnxruntime
import torch
from torch import nn

warnings.filterwarnings("ignore")

FEATURES, UNITS, STEPS = 3, 5, 12


class Module(nn.Module):
    """The PyTorch cell of a name, and a head."""

    def __init__(self, cell, head=True, **options):
        super().__init__()
        self.cell = getattr(nn, cell)(FEATURES, UNITS, **options)
        self.head = nn.Linear(UNITS, 2) if head else None
        self.states = 2 if cell == "LSTMCell" else 1

    def forward(self, x, *s):
        out = self.cell(x, s if self.states == 2 else s[0])
        out = out if self.states == 2 else (out,)
        return (torch.sigmoid(self.head(out[0])), *out) if self.head is not None else out


class Stacked(nn.Module):
    """Two LSTM cells whose four states travel in one tensor, [2, 2, batch, units]."""

    states, shape = 1, (2, 2, 1, UNITS)

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.LSTMCell(FEATURES, UNITS), nn.LSTMCell(UNITS, UNITS)

    def forward(self, x, s):
        ha, ca = self.a(x, (s[0, 0], s[0, 1]))
        hb, cb = self.b(torch.tanh(ha) + 1, (s[1, 0], s[1, 1]))
        return torch.relu(hb), torch.stack([torch.stack([ha, ca]), torch.stack([hb, cb])])


class Written(nn.Module):
    """What people write: gates from one product with [x, h] or from several."""

    def __init__(self, form):
        super().__init__()
        self.form, self.states = form, 1 if form.startswith(("gru", "rnn")) else 2
        gates = {"gru": 3, "rnn": 1}.get(form[:3], 4)
        self.both = nn.Linear(FEATURES + UNITS, gates * UNITS)
        self.x, self.h = nn.Linear(FEATURES, gates * UNITS), nn.Linear(UNITS, gates * UNITS, bias=False)
        self.peep = nn.Parameter(torch.randn(3, UNITS))
        self.candidate = nn.Linear(FEATURES + UNITS, UNITS)
        self.out = nn.Linear(UNITS, 2)

    def forward(self, x, h, c=None):
        n = UNITS
        z = self.both(torch.cat([x, h], 1))
        if self.form == "lstm_tensorflow":  # i, j, f, o, a forget bias that is no weight
            i, j, f, o = z.split(n, 1)
            c = torch.sigmoid(f + 1.0) * c + torch.sigmoid(i) * torch.tanh(j)
            h = torch.sigmoid(o) * torch.tanh(c)
        elif self.form == "lstm_peephole":
            i, j, f, o = z.split(n, 1)
            c = c * torch.sigmoid(f + self.peep[0] * c) + torch.sigmoid(i + self.peep[1] * c) * torch.tanh(j)
            c = torch.clamp(c, -0.5, 0.5)
            h = torch.tanh(c) * torch.sigmoid(self.peep[2] * c + o)
        elif self.form == "lstm_coupled":  # i = 1 − f
            j, f, o = (self.x(x) + self.h(h)).split(n, 1)[:3]
            f = torch.sigmoid(f)
            c = f * c + (1 - f) * torch.tanh(j)
            h = torch.sigmoid(o) * torch.tanh(c)
        elif self.form == "gru_before":  # as TensorFlow 1: u is what is kept
            r, u = torch.sigmoid(z[:, : 2 * n]).split(n, 1)
            h = u * h + (1 - u) * torch.tanh(self.candidate(torch.cat([x, r * h], 1)))
        elif self.form == "gru_inverted":  # as Torch 7: u is what is new
            zx, zh = self.x(x).chunk(3, 1), self.h(h).chunk(3, 1)
            u, r = torch.sigmoid(zx[0] + zh[0]), torch.sigmoid(zx[1] + zh[1])
            h = h + u * (torch.tanh(zx[2] + r * zh[2]) - h)
        elif self.form == "gru_hard":
            zx, zh = self.x(x).chunk(3, 1), self.h(h).chunk(3, 1)
            u, r = (torch.clamp(0.2 * (zx[k] + zh[k]) + 0.5, 0, 1) for k in (0, 1))
            h = u * h + (1 - u) * nn.functional.softsign(zx[2] + r * zh[2])
        else:
            h = nn.functional.leaky_relu(self.x(x) + self.h(h), 0.125)
        return (self.out(h), h) if c is None else (self.out(h), h, c)


NETS = {
    "lstm_cell": lambda: Module("LSTMCell"),
    "lstm_cell_alone": lambda: Module("LSTMCell", head=False, bias=False),
    "gru_cell": lambda: Module("GRUCell"),
    "rnn_cell": lambda: Module("RNNCell", nonlinearity="relu"),
    "stacked": Stacked,
}
for form in ("lstm_tensorflow", "lstm_peephole", "lstm_coupled", "gru_before", "gru_inverted", "gru_hard", "rnn_leaky"):
    NETS[form] = lambda form=form: Written(form)


def run(step, x, shape, states):
    s = [np.zeros(shape, x.dtype) for _ in range(states)]
    ys = []
    for row in x:
        out = step(row[None], *s)
        ys.append(out[0].reshape(-1))
        s = out[-states:]
    return np.stack(ys)


for exporter in ("script", "dynamo"):
    for name, make in NETS.items():
        name = f"step_{exporter}_{name}"
        if len(sys.argv) > 1 and not any(word in name for word in sys.argv[1:]):
            continue
        torch.manual_seed(sum(map(ord, name)))
        net = make().eval()
        shape = getattr(net, "shape", (1, UNITS))
        args = (torch.zeros(1, FEATURES), *(torch.zeros(shape) for _ in range(net.states)))
        inputs = ["x", "h0", "c0"][: len(args)]
        count = len(net(*args))
        outputs = (["y"] if count > net.states else []) + ["h1", "c1"][: net.states]
        options = {"opset_version": 13, "dynamo": False, "dynamic_axes": {k: {0: "batch"} for k in inputs + outputs} if shape == (1, UNITS) else None}
        if exporter == "dynamo":
            options = {"dynamo": True, "verbose": False}
        f = io.BytesIO()
        torch.onnx.export(net, args, f, input_names=inputs, output_names=outputs, **options)
        model = onnx.load_from_string(f.getvalue())
        del model.graph.value_info[:], model.metadata_props[:], model.graph.metadata_props[:]
        for n in model.graph.node:
            n.doc_string = ""
            del n.metadata_props[:]
        for v in (*model.graph.input, *model.graph.output, *model.graph.initializer):
            del v.metadata_props[:]
        onnx.save(model, name + ".onnx")
        x = np.random.default_rng(1).normal(size=(STEPS, FEATURES)).astype(np.float32)
        session = onnxruntime.InferenceSession(model.SerializeToString())
        ort = run(lambda *a: session.run(None, dict(zip(inputs, a))), x, shape, net.states)
        wide = net.double()
        y = run(lambda *a: [o.detach().numpy() for o in wide(*map(torch.from_numpy, a))], x.astype(np.float64), shape, net.states)
        assert np.abs(ort - y).max() < 1e-5, np.abs(ort - y).max()
        np.savez(name + ".npz", x=x, y=y)
        print(name, sorted({n.op_type for n in model.graph.node}), os.path.getsize(name + ".onnx"), flush=True)
