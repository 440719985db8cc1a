"""Exports PyTorch loops over cells, whose steps end up in the graph one after the other,
with inputs and outputs (NAME.npz). PyTorch 2.15, ONNX 1.22:

    python make_unrolled.py
"""
import io
import os
import sys

import numpy as np
import onnx
import torch
from torch import nn

HERE = os.path.dirname(os.path.abspath(__file__))
STEPS, FEATURES, UNITS = 4, 3, 5


class Loop(nn.Module):
    """Cells on each other, called for one step after the other from states of zeros."""

    def __init__(self, cells, every, batch_first=True, inside=False, units=UNITS, **options):
        super().__init__()
        self.every, self.batch_first, self.inside, self.units = every, batch_first, inside, units
        self.cells = nn.ModuleList(getattr(nn, c)(FEATURES if k == 0 else units, units, **options) for k, c in enumerate(cells))
        self.norm = nn.LayerNorm(units) if inside else None
        self.out = nn.Linear(units, 2)

    def forward(self, x):
        zeros = torch.zeros(1, self.units)
        states = [(zeros, zeros) if isinstance(c, nn.LSTMCell) else zeros for c in self.cells]
        ys = []
        for t in range(STEPS):
            h = x[:, t] if self.batch_first else x[t]
            for k, cell in enumerate(self.cells):
                states[k] = cell(h, states[k])
                h = states[k][0] if isinstance(cell, nn.LSTMCell) else states[k]
            ys.append(torch.tanh(self.out(self.norm(h))) if self.inside else h)
        if self.inside:
            return torch.stack(ys, 1)
        if not self.every:
            return self.out(h)
        return self.out(torch.stack(ys, 1 if self.batch_first else 0))


NETS = {
    "lstm_last": lambda: Loop(["LSTMCell"], False),
    "lstm_every": lambda: Loop(["LSTMCell"], True),
    "gru_every_time_first": lambda: Loop(["GRUCell"], True, batch_first=False),
    "rnn_last": lambda: Loop(["RNNCell"], False),
    "gru_inside": lambda: Loop(["GRUCell"], True, inside=True),
    "lstm_inside_no_bias": lambda: Loop(["LSTMCell"], True, inside=True, units=9, bias=False),
    "stacked": lambda: Loop(["GRUCell", "LSTMCell"], True),
}
for exporter in ("script", "dynamo"):
    for net_name, make in NETS.items():
        name = f"unrolled_{exporter}_{net_name}"
        if len(sys.argv) > 1 and not any(word in name for word in sys.argv[1:]):
            continue
        torch.manual_seed(sum(map(ord, name)))
        net = make().eval()
        x = torch.randn((1, STEPS, FEATURES) if net.batch_first else (STEPS, 1, FEATURES))
        options = {"dynamo": True, "verbose": False} if exporter == "dynamo" else {"dynamo": False, "opset_version": 17}
        f = io.BytesIO()
        torch.onnx.export(net, (x,), f, input_names=["x"], output_names=["y"], **options)
        model = onnx.load_from_string(f.getvalue())
        del model.graph.value_info[:], model.metadata_props[:], model.graph.metadata_props[:]
        for n in model.graph.node:
            n.doc_string = ""
            del n.metadata_props[:]
        onnx.save(model, os.path.join(HERE, name + ".onnx"))
        with torch.no_grad():
            np.savez(os.path.join(HERE, name + ".npz"), x=x.numpy().reshape(-1, FEATURES), y=net(x).numpy().reshape(-1, 2))
