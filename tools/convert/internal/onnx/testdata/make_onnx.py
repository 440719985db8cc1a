"""Exports small PyTorch nets to ONNX, with inputs and float64 outputs beside them.

Needs torch, onnx, onnxscript and numpy. Run it in this folder.
"""

import io
import os
import warnings

import numpy as np
import onnx
import torch
from torch import nn

warnings.filterwarnings("ignore")


class Net(nn.Module):
    def __init__(self, kind, layers, batch_first, states, vocabulary=0, **options):
        super().__init__()
        self.kind, self.states = kind, states
        self.table = nn.Embedding(vocabulary, 3) if vocabulary else None
        self.cell = getattr(nn, kind)(3, 5, num_layers=layers, batch_first=batch_first, **options)
        self.head = nn.Linear(5, 2)

    def forward(self, x, *state):
        if self.table is not None:
            x = self.table(x)
        if not self.states:
            y, _ = self.cell(x)
            return torch.sigmoid(self.head(y))
        y, s = self.cell(x, state if self.kind == "LSTM" else state[0])
        return (torch.sigmoid(self.head(y)), *(s if self.kind == "LSTM" else (s,)))


def make(name, kind, layers, batch_first, states, dynamo, fixed=False, **options):
    torch.manual_seed(sum(map(ord, name)))
    net = Net(kind, layers, batch_first, states, **options).eval()
    T = 12
    time = 1 if batch_first else 0
    step = 1 if states or fixed else 7
    shape = [1, 1]
    shape[time] = step
    token = bool(options.get("vocabulary"))
    x = torch.randint(0, 6, shape) if token else torch.randn(*shape, 3)
    state = [torch.zeros(layers, 1, 5) for _ in range(2 if kind == "LSTM" else 1)] if states else []
    outputs = ["y"] + ["hn", "cn"][: len(state)]
    inputs = ["x"] + ["h0", "c0"][: len(state)]
    if dynamo:
        dynamic = None if states or fixed else ({time: torch.export.Dim("time")},)
        program = torch.onnx.export(net, (x, *state), dynamo=True, external_data=False, opset_version=18,
                                    input_names=inputs, output_names=outputs, dynamic_shapes=dynamic, verbose=False)
        model = program.model_proto
    else:
        buffer = io.BytesIO()
        axes = {} if fixed else {"x": {time: "time"}, "y": {time: "time"}}
        torch.onnx.export(net, (x, *state), buffer, dynamo=False, opset_version=17,
                          input_names=inputs, output_names=outputs, dynamic_axes=axes)
        model = onnx.load_from_string(buffer.getvalue())
    for node in model.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
    del model.graph.value_info[:]
    model.doc_string = ""
    onnx.save(model, name + ".onnx")
    full = [1, 1]
    full[time] = T
    x = torch.randint(0, 6, full) if token else torch.randn(*full, 3)
    net = net.double()
    with torch.no_grad():
        y = net(x if token else x.double(), *(s.double() for s in state))
    y = y[0] if states else y
    np.savez(name + ".npz", x=x.numpy().reshape(T, -1).astype(np.float32), y=y.numpy().reshape(T, -1))
    print(name, [n.op_type for n in model.graph.node], os.path.getsize(name + ".onnx"))


for dynamo in (False, True):
    way = "dynamo" if dynamo else "script"
    for kind in ("RNN", "LSTM", "GRU"):
        for layers, batch_first, states in ((1, False, False), (2, True, False), (1, True, True), (2, False, True)):
            name = f"{way}_{kind.lower()}_{layers}" + ("_batch" if batch_first else "") + ("_states" if states else "")
            try:
                make(name, kind, layers, batch_first, states, dynamo)
            except Exception as e:
                print(name, "FAILED", str(e)[:300])
    for name, arguments in (("rnn_relu", ("RNN", 1, True, False, dynamo, False)), ("lstm_token", ("LSTM", 1, True, False, dynamo, False))):
        options = {"nonlinearity": "relu"} if name == "rnn_relu" else {"vocabulary": 6}
        try:
            make(f"{way}_{name}", *arguments, **options)
        except Exception as e:
            print(name, "FAILED", str(e)[:300])
