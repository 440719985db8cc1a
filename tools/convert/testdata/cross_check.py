"""Check convert and run against ONNX Runtime and PyTorch, on random nets.

    pip install numpy onnx onnxruntime torch
    go build -o ./convert.bin ./tools/convert
    go build -o ./run.bin ./tools/run
    python tools/convert/testdata/cross_check.py ./convert.bin ./run.bin [NETS [SEED]]

NETS, 40 if not given, is the number of nets of each kind; a command may have several
words, "go run ./tools/run". The nets have up to 3 layers of up to 70 units with every
attribute that the other runtime computes too:

    ONNX Runtime  RNN, GRU, LSTM nodes: directions, activations with alpha and beta,
                  clip, input_forget, linear_before_reset, peepholes, biases, initial
                  states, stacked; a batch with sequence_lens, in float32
    PyTorch       nn.RNN, nn.GRU, nn.LSTM as a state_dict, and exported to ONNX:
                  num_layers, bidirectional, bias, proj_size; a batch of packed
                  sequences, in float64

It prints for each kind the worst error, relative to numbers larger than 1, and exits
with 1 if one exceeds 2e-5, or if a net was refused.
"""

import os
import shlex
import subprocess
import sys
import tempfile
import warnings
from collections import defaultdict

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

TOLERANCE = 2e-5

# The activations by name, with draws of the parameters that they have. A net of
# those that 1 does not bound needs smaller weights and a clip, or it runs away.
# ThresholdedRelu is left out: at its jump, rounding alone parts two runtimes.
BOUNDED = {
    "Sigmoid": [],
    "Tanh": [],
    "Softsign": [],
    "HardSigmoid": [(0.15, 0.3), (0.3, 0.7)],
}
UNBOUNDED = {
    "ScaledTanh": [(0.5, 1.7), (0.5, 1)],
    "Affine": [(0.5, 1), (-0.2, 0.2)],
    "Relu": [],
    "LeakyRelu": [(0.01, 0.3)],
    "Elu": [(0.5, 1.5)],
    "Softplus": [],
}
GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}
USUAL = {"RNN": ["Tanh"], "GRU": ["Sigmoid", "Tanh"], "LSTM": ["Sigmoid", "Tanh", "Tanh"]}


class Node:
    """One random RNN, GRU or LSTM node on an input of width I."""

    def __init__(self, rng, op, direction, I, rare):
        self.op, self.H = op, int(rng.integers(1, 71) if rng.random() < 0.3 else rng.integers(1, 20))
        self.D, gates, H = (2 if direction == "bidirectional" else 1), GATES[op], self.H
        self.attributes = {"hidden_size": H, "direction": direction}
        scale, clip = H**-0.5, 3
        if rare:
            self.attributes |= self.activations(rng)
            if any(f in UNBOUNDED for f in self.attributes["activations"]):
                scale, clip = scale / 4, 1
        if rng.random() < 0.3 or clip == 1:
            self.attributes["clip"] = float(rng.uniform(0.5, clip))
        if op == "GRU":
            self.attributes["linear_before_reset"] = int(rng.integers(2))
        draw = lambda *shape: rng.uniform(-scale, scale, (self.D, *shape)).astype(np.float32)
        self.parameters = {"W": draw(gates * H, I), "R": draw(gates * H, H)}
        if rng.random() < 0.8:
            self.parameters["B"] = draw(2 * gates * H)
        if op == "LSTM" and rng.random() < 0.4:
            self.parameters["P"] = draw(3 * H)
        self.states = {}
        if rng.random() < 0.5:
            for name in ["initial_h"] + ["initial_c"] * (op == "LSTM"):
                self.states[name] = rng.uniform(-1, 1, (self.D, 1, H)).astype(np.float32)
        if op == "LSTM" and rng.random() < 0.3:
            # 1 − i is a gate only where i lies in [0, 1].
            fs = self.attributes.get("activations", USUAL[op] * self.D)
            if all(fs[3 * d] in ("Sigmoid", "HardSigmoid") for d in range(self.D)):
                self.attributes["input_forget"] = 1

    def activations(self, rng):
        names, alpha, beta = [], [], []
        every = BOUNDED | UNBOUNDED
        for _ in range(self.D * len(USUAL[self.op])):
            name = str(rng.choice(list(every)))
            names.append(name)
            for values, (low, high) in zip([alpha, beta], every[name]):
                values.append(float(np.float32(rng.uniform(low, high))))
        lists = {"activations": names, "activation_alpha": alpha, "activation_beta": beta}
        return {name: v for name, v in lists.items() if v}

    def nodes(self, k, x, y, batch, lengths):
        """The ONNX nodes that make y [T, batch, D·H] from x [T, batch, I], and their tensors."""
        tensors = {f"{name}{k}": v for name, v in self.parameters.items()}
        tensors |= {f"{name}{k}": np.repeat(v, batch, 1) for name, v in self.states.items()}
        slots = ["W", "R", "B", "lengths", "initial_h", "initial_c", "P"][: 7 if self.op == "LSTM" else 5]
        inputs = [x] + [f"{s}{k}" if f"{s}{k}" in tensors else "" for s in slots]
        if lengths:
            inputs[4] = "lengths"
        tensors[f"shape{k}"] = np.array([0, 0, self.D * self.H])
        return [
            helper.make_node(self.op, inputs, [f"Y{k}"], f"{self.op.lower()}{k}", **self.attributes),
            helper.make_node("Transpose", [f"Y{k}"], [f"t{k}"], perm=[0, 2, 1, 3]),
            helper.make_node("Reshape", [f"t{k}", f"shape{k}"], [y]),
        ], tensors


def onnx_model(stack, I, batch, lengths):
    nodes, tensors = [], {}
    for k, node in enumerate(stack):
        n, t = node.nodes(k, f"x{k}", f"x{k + 1}", batch, lengths)
        nodes, tensors = nodes + n, tensors | t
    inputs = [helper.make_tensor_value_info("x0", TensorProto.FLOAT, ["time", batch, I])]
    if lengths:
        inputs.append(helper.make_tensor_value_info("lengths", TensorProto.INT32, [batch]))
    width = stack[-1].D * stack[-1].H
    outputs = [helper.make_tensor_value_info(f"x{len(stack)}", TensorProto.FLOAT, ["time", batch, width])]
    graph = helper.make_graph(nodes, "net", inputs, outputs, [numpy_helper.from_array(v, n) for n, v in tensors.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return model


def onnx_net(rng, op, direction, rare, path):
    """Write a net of one stream; return x, y of a batch, and the steps of each."""
    I, T, batch = int(rng.integers(1, 40)), int(rng.integers(1, 61)), int(rng.integers(1, 5))
    stack, width = [], I
    for _ in range(rng.integers(1, 4)):
        stack.append(Node(rng, op, direction, width, rare))
        width = stack[-1].D * stack[-1].H
    onnx.save(onnx_model(stack, I, 1, False), path)
    x, lengths = sequences(rng, T, batch, I)
    session = onnxruntime.InferenceSession(onnx_model(stack, I, batch, True).SerializeToString())
    return x, session.run(None, {"x0": x, "lengths": lengths})[0], lengths


def sequences(rng, T, batch, I):
    """x [T, batch, I], and how many of the T steps of each are no padding."""
    lengths = rng.integers(1, T + 1, batch).astype(np.int32)
    lengths[0] = T
    return rng.uniform(-2, 2, (T, batch, I)).astype(np.float32), lengths


def torch_net(rng, cell, bidirectional, projection, path):
    I, T, batch = int(rng.integers(1, 40)), int(rng.integers(1, 61)), int(rng.integers(1, 4))
    H = int(rng.integers(2, 71))
    options = {"num_layers": int(rng.integers(1, 4)), "bias": bool(rng.random() < 0.8), "bidirectional": bidirectional}
    if projection:
        options["proj_size"] = int(rng.integers(1, H))
    if cell is nn.RNN:
        options["nonlinearity"] = str(rng.choice(["tanh", "relu"]))
    torch.manual_seed(int(rng.integers(2**31)))
    m = cell(I, H, **options)
    if path.endswith(".onnx"):
        export(m, I, path)
    else:
        torch.save(m.state_dict(), path)
        if cell is nn.RNN:  # whose tensors do not say it
            with open(path.replace(".pt", ".yaml"), "w") as spec:
                spec.write(f'layers:\n  - rnn: ""\n    activation: {options["nonlinearity"]}\n')
    x, lengths = sequences(rng, T, batch, I)
    packed = pack_padded_sequence(torch.from_numpy(x).double(), torch.from_numpy(lengths), enforce_sorted=False)
    with torch.no_grad():
        y = pad_packed_sequence(m.double()(packed)[0])[0].numpy()
    return x, y, lengths


class Sequence(nn.Module):
    """A recurrent module that gives its outputs alone, without the last states."""

    def __init__(self, m):
        super().__init__()
        self.m = m

    def forward(self, x):
        return self.m(x)[0]


def export(m, I, path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter: old, and fast
        torch.onnx.export(
            Sequence(m).eval(), (torch.zeros(2, 1, I),), path, dynamo=False,
            input_names=["x"], output_names=["y"], dynamic_axes={"x": {0: "time"}, "y": {0: "time"}})


def kinds():
    """name → a function that draws a net."""
    for rare in (False, True):
        for op in GATES:
            for direction in ("forward", "reverse", "bidirectional"):
                name = f"ONNX Runtime  {op} {direction}" + ", rare activations" * rare
                yield name, ".onnx", lambda rng, path, a=(op, direction, rare): onnx_net(rng, *a, path)
    for ending, how in ((".pt", ""), (".onnx", ", exported to ONNX")):
        for cell in (nn.RNN, nn.GRU, nn.LSTM):
            for bidirectional in (False, True):
                # ONNX has no projection.
                for projection in (False, True) if cell is nn.LSTM and ending == ".pt" else (False,):
                    name = f"PyTorch       {cell.__name__}" + " bidirectional" * bidirectional + ", projection" * projection
                    yield name + how, ending, lambda rng, path, a=(cell, bidirectional, projection): torch_net(rng, *a, path)


def call(command, *arguments):
    done = subprocess.run([*command, *arguments], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError((done.stderr.strip() or "no message").splitlines()[0])


def error(convert, run, folder, source, x, want, lengths):
    """The worst error of the converted net over the streams, each as long as it is."""
    at = lambda name: os.path.join(folder, name)
    call(convert, "-o", at("m.rnn"), source)
    worst = []
    for k, steps in enumerate(lengths):
        np.save(at("x.npy"), x[:steps, k])
        call(run, "-o", at("y.npy"), at("m.rnn"), at("x.npy"))
        have, truth = np.load(at("y.npy")).astype(np.float64), want[:steps, k].astype(np.float64)
        assert have.shape == truth.shape, f"{have.shape} instead of {truth.shape}"
        worst.append(np.max(np.abs(have - truth) / np.maximum(1, np.abs(truth))))
    return np.max(worst)


def main():
    if len(sys.argv) not in (3, 4, 5):
        sys.exit(__doc__)
    convert, run = shlex.split(sys.argv[1]), shlex.split(sys.argv[2])
    nets = int(sys.argv[3]) if len(sys.argv) > 3 else 40
    seed = int(sys.argv[4]) if len(sys.argv) > 4 else 0
    failed = False
    print(f"{'':60} nets refused    worst")
    for number, (name, ending, draw) in enumerate(kinds()):
        worst, messages = [], defaultdict(int)
        for n in range(nets):
            with tempfile.TemporaryDirectory() as folder:
                source = os.path.join(folder, "net" + ending)
                x, y, lengths = draw(np.random.default_rng([seed, number, n]), source)
                try:
                    worst.append(error(convert, run, folder, source, x, y, lengths))
                except RuntimeError as e:
                    messages[str(e).replace(folder, "…")] += 1
        failed |= len(worst) < nets or not np.max(worst) <= TOLERANCE
        shown = f"{np.max(worst):.1e}" if worst else "-"
        print(f"{name:60} {nets:4} {nets - len(worst):7} {shown:>8}", flush=True)
        for message, times in sorted(messages.items()):
            print(f"    {times} × {message}")
    sys.exit(failed)


main()
