"""Exports small PyTorch nets to ONNX, with inputs and float64 outputs beside them.

Needs torch, onnx, onnxscript, onnxruntime and numpy. Run it in this folder; with
words as arguments it makes only the files whose names contain one of them. Each
export is also run by ONNX Runtime, to know that the export is right.
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

# What may follow the cell, before or after the head.
AROUND = {
    "layernorm": lambda n: nn.LayerNorm(n),
    "leakyrelu": lambda n: nn.LeakyReLU(0.2),
    "elu": lambda n: nn.ELU(0.7),
    "hardsigmoid": lambda n: nn.Hardsigmoid(),
    "hardtanh": lambda n: nn.Hardtanh(-0.25, 0.25),
    "softplus": lambda n: nn.Softplus(),
    "softsign": lambda n: nn.Softsign(),
    "selu": lambda n: nn.SELU(),
    "silu": lambda n: nn.SiLU(),
    "gelu": lambda n: nn.GELU("tanh"),
    "hardswish": lambda n: nn.Hardswish(),
    "prelu": lambda n: nn.PReLU(),
    "relu6": lambda n: nn.ReLU6(),
    "logsoftmax": lambda n: nn.LogSoftmax(-1),
}


class Net(nn.Module):
    """A cell, something after it, a head, and something after that."""

    def __init__(self, kind, layers=1, batch_first=False, states=False, bidirectional=False, vocabulary=0,
                 last=False, final=False, squeeze=False, before="", after="sigmoid", merge="concat", skip=False, **options):
        super().__init__()
        self.kind, self.states, self.last, self.final, self.squeeze = kind, states, last or final, final, squeeze
        self.batch_first, self.bidirectional, self.merge, self.skip = batch_first, bidirectional, merge, skip
        self.table = nn.Embedding(vocabulary, FEATURES) if vocabulary else None
        self.cell = getattr(nn, kind)(FEATURES, UNITS, num_layers=layers, batch_first=batch_first,
                                      bidirectional=bidirectional, **options)
        width = UNITS * (2 if bidirectional and merge == "concat" else 1)
        self.norm = nn.BatchNorm1d(width) if before == "batchnorm" else None
        self.before = AROUND[before](width) if before in AROUND else None
        if isinstance(self.before, nn.LayerNorm) or self.norm is not None:
            n = self.before if self.norm is None else self.norm
            nn.init.normal_(n.weight)
            nn.init.normal_(n.bias)
        if self.norm is not None:
            self.norm.running_mean.normal_()
            self.norm.running_var.uniform_(0.5, 2)
        self.head = nn.Linear(width, 2)
        self.after = nn.Sigmoid() if after == "sigmoid" else AROUND[after](2)

    def forward(self, x, *state):
        if self.table is not None:
            x = self.table(x)
        if self.states:
            y, s = self.cell(x, state if self.kind == "LSTM" else state[0])
        else:
            y, s = self.cell(x)
        if self.merge == "sum":
            y = y[..., :UNITS] + y[..., UNITS:]
        if self.merge == "product":
            forward, backward = y.split(UNITS, -1)
            y = forward * backward
        if self.norm is not None:  # features in dimension 1
            y = self.norm(y.transpose(1, 2)).transpose(1, 2) if self.batch_first else self.norm(y.permute(1, 2, 0)).permute(2, 0, 1)
        if self.before is not None:
            y = self.before(y)
        if self.final:  # of the last layer
            h = s[0] if self.kind == "LSTM" else s
            y = torch.cat([h[-2], h[-1]], -1) if self.bidirectional else h[-1]
        elif self.last:
            y = y[:, -1] if self.batch_first else y[-1]
        y = self.head(y)
        if self.skip:
            y = y + x[..., 1:]
        y = self.after(y)
        if self.squeeze:
            y = y.squeeze(0)
        if not self.states:
            return y
        return (y, *(s if self.kind == "LSTM" else (s,)))


class Convolutions(nn.Module):
    """Causal convolutions before and after a cell: padded in front, and padded at both ends
    with what that gives too much cut off."""

    def __init__(self):
        super().__init__()
        self.table, self.states, self.last, self.batch_first = None, False, False, True
        self.a = nn.Conv1d(FEATURES, 4, 3, dilation=2)
        self.b = nn.Conv1d(4, 4, 2, dilation=3, padding=3, bias=False)
        self.c = nn.Conv1d(4, 6, 1)
        self.cell = nn.GRU(6, UNITS, batch_first=True)
        self.d = nn.Conv1d(UNITS, 3, 5)
        self.e = nn.Conv1d(3, 2, 4, dilation=2, padding=6)

    def forward(self, x):
        y = torch.relu(self.a(nn.functional.pad(x.transpose(1, 2), (4, 0))))
        y = torch.tanh(self.b(y)[:, :, :-3]) + y
        y = self.cell(self.c(y).transpose(1, 2))[0].transpose(1, 2)
        y = torch.tanh(self.d(nn.functional.pad(y, (4, 0))))
        return self.e(y)[..., : -self.e.padding[0]].transpose(1, 2)


def export(net, x, state, time, dynamo, fixed, opset, batch):
    inputs = ["x"] + ["h0", "c0"][: len(state)]
    outputs = ["y"] + ["hn", "cn"][: len(state)]
    if dynamo:
        dynamic = None if fixed else ({time: torch.export.Dim("time")} | ({1 - time: torch.export.Dim("batch")} if batch else {}),)
        return torch.onnx.export(net, (x, *state), dynamo=True, external_data=False, opset_version=opset,
                                 input_names=inputs, output_names=outputs, dynamic_shapes=dynamic, verbose=False).model_proto
    buffer = io.BytesIO()
    axes = {} if fixed else {"x": {time: "time"} | ({1 - time: "batch"} if batch else {})} | ({} if net.last else {"y": {time: "time"}})
    torch.onnx.export(net, (x, *state), buffer, dynamo=False, opset_version=opset, input_names=inputs,
                      output_names=outputs, dynamic_axes=axes)
    return onnx.load_from_string(buffer.getvalue())


def strip(model):
    """Takes away what embeds the place of the program."""
    graphs = [model.graph]
    for graph in graphs:
        for node in graph.node:
            node.doc_string = ""
            del node.metadata_props[:]
            graphs += [a.g for a in node.attribute if a.HasField("g")]
        graph.doc_string = ""
        del graph.value_info[:], graph.metadata_props[:]
    model.doc_string = ""
    del model.metadata_props[:]
    return model


def make(name, kind, dynamo=False, opset=0, fixed=False, step=7, streams=1, **options):
    if len(sys.argv) > 1 and not any(word in name for word in sys.argv[1:]):
        return
    torch.manual_seed(sum(map(ord, name)))
    net = (Convolutions() if kind == "Convolutions" else Net(kind, **options)).eval()
    states, layers = net.states, options.get("layers", 1)
    fixed = fixed or states
    time = 1 if net.batch_first else 0
    shape = [1, 1]
    shape[time] = 1 if states else step
    shape[1 - time] = streams
    token = bool(options.get("vocabulary"))
    sample = lambda shape: torch.randint(0, 6, shape) if token else torch.randn(*shape, FEATURES)
    state = [torch.zeros(layers, 1, UNITS) for _ in range(2 if kind == "LSTM" else 1)] if states else []
    model = strip(export(net, sample(shape), state, time, dynamo, fixed, opset or (18 if dynamo else 17), streams > 1))
    onnx.save(model, name + ".onnx")
    full = [1, 1]
    full[time] = STEPS
    x = sample(full)
    net = net.double()
    run = lambda x: net(x if token else x.double(), *(s.double() for s in state))
    with torch.no_grad():
        if net.last and options.get("bidirectional"):  # of the whole sequence
            y = run(x)
        elif net.last:  # of the sequence so far
            y = torch.cat([run(x.narrow(time, 0, t + 1)) for t in range(STEPS)])
        else:
            y = run(x)
    y = (y[0] if states else y).reshape(-1, 2).numpy()
    if not fixed and any(d.dim_param for d in model.graph.input[0].type.tensor_type.shape.dim):
        session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        theirs = session.run(["y"], {"x": x.numpy()})[0].reshape(-1, 2)
        np.testing.assert_allclose(theirs, y[-len(theirs):], atol=3e-6, rtol=1e-5)
    np.savez(name + ".npz", x=x.numpy().reshape(STEPS, -1).astype(np.float32), y=y)
    print(name, sorted({n.op_type for n in model.graph.node}), os.path.getsize(name + ".onnx"))


def attempt(name, kind, **options):
    try:
        make(name, kind, **options)
    except Exception as e:
        print(name, "FAILED", str(e)[:300])


for dynamo in (False, True):
    way = "dynamo" if dynamo else "script"
    for kind in ("RNN", "LSTM", "GRU"):
        small = kind.lower()
        for layers, batch_first, states in ((1, False, False), (2, True, False), (1, True, True), (2, False, True)):
            name = f"{way}_{small}_{layers}" + ("_batch" if batch_first else "") + ("_states" if states else "")
            attempt(name, kind, layers=layers, batch_first=batch_first, states=states, dynamo=dynamo)
        if dynamo and kind == "RNN":
            continue
        attempt(f"{way}_{small}_bidirectional", kind, bidirectional=True, dynamo=dynamo)
        attempt(f"{way}_{small}_bidirectional_2_batch", kind, bidirectional=True, layers=2, batch_first=True, dynamo=dynamo)
        attempt(f"{way}_{small}_last_batch", kind, last=True, batch_first=True, dynamo=dynamo)
    attempt(f"{way}_lstm_2_streams", "LSTM", layers=2, batch_first=True, streams=2, dynamo=dynamo)
    attempt(f"{way}_gru_last_streams", "GRU", last=True, batch_first=True, streams=2, dynamo=dynamo)
    attempt(f"{way}_lstm_bidirectional_streams", "LSTM", bidirectional=True, batch_first=True, streams=2, dynamo=dynamo)
    attempt(f"{way}_lstm_2_final", "LSTM", layers=2, final=True, batch_first=True, dynamo=dynamo)
    attempt(f"{way}_gru_bidirectional_final", "GRU", bidirectional=True, final=True, batch_first=True, streams=2, dynamo=dynamo)
    attempt(f"{way}_gru_squeeze", "GRU", batch_first=True, squeeze=True, streams=1 if dynamo else 2, dynamo=dynamo)
    if not dynamo:
        attempt(f"{way}_rnn_relu", "RNN", batch_first=True, nonlinearity="relu")
    attempt(f"{way}_convolutions", "Convolutions", dynamo=dynamo)
    attempt(f"{way}_convolutions_streams", "Convolutions", streams=2, dynamo=dynamo)
    attempt(f"{way}_convolutions_fixed", "Convolutions", fixed=True, step=STEPS, dynamo=dynamo)
    attempt(f"{way}_lstm_token", "LSTM", batch_first=True, vocabulary=6, dynamo=dynamo)
    attempt(f"{way}_lstm_3_fixed", "LSTM", layers=3, fixed=True, step=1, dynamo=dynamo)
    attempt(f"{way}_gru_fixed_batch", "GRU", layers=1, batch_first=True, fixed=True, step=STEPS, dynamo=dynamo)
    attempt(f"{way}_gru_layernorm", "GRU", before="layernorm", after="logsoftmax", dynamo=dynamo)
    attempt(f"{way}_gru_batchnorm", "GRU", before="batchnorm", after="hardsigmoid", dynamo=dynamo)
    attempt(f"{way}_lstm_batchnorm_batch", "LSTM", before="batchnorm", after="hardtanh", batch_first=True, dynamo=dynamo)
    attempt(f"{way}_lstm_leakyrelu", "LSTM", before="leakyrelu", after="elu", dynamo=dynamo)
    attempt(f"{way}_lstm_bidirectional_last_batch", "LSTM", bidirectional=True, last=True, batch_first=True, dynamo=dynamo)
    attempt(f"{way}_gru_bidirectional_sum", "GRU", bidirectional=True, merge="sum", dynamo=dynamo)
    attempt(f"{way}_gru_bidirectional_product", "GRU", bidirectional=True, merge="product", dynamo=dynamo)
    attempt(f"{way}_gru_skip", "GRU", skip=True, after="softplus", dynamo=dynamo)
    for after in ("softsign", "selu", "silu", "hardswish", "prelu", "relu6"):
        attempt(f"{way}_gru_{after}", "GRU", after=after, dynamo=dynamo)

# Written out step by step, for the length of the sample.
attempt("dynamo_rnn_relu_bidirectional_2_batch", "RNN", nonlinearity="relu", bidirectional=True, layers=2, batch_first=True, fixed=True, dynamo=True)
attempt("dynamo_rnn_last_no_bias", "RNN", bias=False, last=True, fixed=True, dynamo=True)
attempt("dynamo_rnn_2_final_streams", "RNN", layers=2, final=True, batch_first=True, fixed=True, streams=2, dynamo=True)

for opset in (11, 14, 20):
    attempt(f"script_lstm_2_batch_opset{opset}", "LSTM", layers=2, batch_first=True, opset=opset)
    attempt(f"script_gru_layernorm_opset{opset}", "GRU", before="layernorm", after="logsoftmax", opset=opset)
    attempt(f"script_rnn_bidirectional_opset{opset}", "RNN", bidirectional=True, opset=opset)
    attempt(f"script_gru_last_batch_opset{opset}", "GRU", last=True, batch_first=True, after="hardtanh", opset=opset)
for opset in (21, 24):
    attempt(f"dynamo_lstm_2_batch_opset{opset}", "LSTM", layers=2, batch_first=True, opset=opset, dynamo=True)
    attempt(f"dynamo_gru_layernorm_opset{opset}", "GRU", before="layernorm", after="logsoftmax", opset=opset, dynamo=True)
for opset in (17, 20):  # written out, and as a node
    attempt(f"script_gru_gelu_opset{opset}", "GRU", before="gelu", after="gelu", opset=opset)
attempt("dynamo_gru_gelu_opset20", "GRU", before="gelu", after="gelu", opset=20, dynamo=True)
