"""Exports PyTorch loops over cells, whose steps end up in the graph one after the other,
with inputs and outputs (NAME.npz). PyTorch 2.15, ONNX 1.22:

    python make_unrolled.py
"""
import io
import os

import numpy as np
import onnx
import torch
from torch import nn

HERE = os.path.dirname(os.path.abspath(__file__))
STEPS, FEATURES, UNITS = 4, 3, 5


class Loop(nn.Module):
    """Cells on each other, called for one step after the other from states of zeros."""

    def __init__(self, cells, every, batch_first=True):
        super().__init__()
        self.every, self.batch_first = every, batch_first
        self.cells = nn.ModuleList(getattr(nn, c)(FEATURES if k == 0 else UNITS, UNITS) for k, c in enumerate(cells))
        self.out = nn.Linear(UNITS, 2)

    def forward(self, x):
        zeros = torch.zeros(1, UNITS)
        states = [(zeros, zeros) if isinstance(c, nn.LSTMCell) else zeros for c in self.cells]
        ys = []
        for t in range(STEPS):
            h = x[:, t] if self.batch_first else x[t]
            for k, cell in enumerate(self.cells):
                states[k] = cell(h, states[k])
                h = states[k][0] if isinstance(cell, nn.LSTMCell) else states[k]
            ys.append(h)
        if not self.every:
            return self.out(h)
        return self.out(torch.stack(ys, 1 if self.batch_first else 0))


NETS = {
    "lstm_last": lambda: Loop(["LSTMCell"], False),
    "lstm_every": lambda: Loop(["LSTMCell"], True),
    "gru_every_time_first": lambda: Loop(["GRUCell"], True, batch_first=False),
    "rnn_last": lambda: Loop(["RNNCell"], False),
    "stacked": lambda: Loop(["GRUCell", "LSTMCell"], True),
}
for exporter in ("script", "dynamo"):
    for net_name, make in NETS.items():
        name = f"unrolled_{exporter}_{net_name}"
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
