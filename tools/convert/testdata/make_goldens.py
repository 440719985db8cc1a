"""Make the goldens of the converter's tests with PyTorch.

    pip install torch numpy safetensors
    python make_goldens.py          # writes into its own folder; the same numbers each time
    python make_goldens.py heads    # of cells, cells2, formats, heads, whole and norm, only that

cells.npz: every recurrent cell over 200 steps. Weights and inputs are not stored;
a test draws them from SplitMix64 as `draw` does here:

    seed(cell, layers, H, bias) = ((cell·4 + layers)·1000 + H)·2 + bias
    for each layer: weight_ih, weight_hh row-major, then bias_ih, bias_hh if bias,
    each number times float32(1/√H), rounded once; then x [200, I], unscaled

    index  int64 [n, 7]  cell (rnn_tanh, rnn_relu, lstm, gru), layers, H, bias, I, seed, offset into truth
    steps  int64 [6]     the steps that truth holds
    truth  float64       per configuration [6, H]: h of the top layer, by PyTorch in float64
    torch  float64 [n]   largest |float32 − float64| of PyTorch itself over all 200 steps

cells2.npz: both directions and projections over 24 steps. Drawn in the same way:

    seed(cell, layers, H, P, both, bias) = 10^6 + ((((cell·4 + layers)·100 + H)·100 + P)·2 + both)·2 + bias
    for each layer, forward and then backward: weight_ih, weight_hh, bias_ih, bias_hh
    if bias, weight_hr if P > 0, each number times float32(1/√H); then x [24, I]

    index  int64 [n, 9]  cell, layers, H, P (0 for none), both, bias, I, seed, offset into truth
    steps  int64 [4]     the steps that truth holds
    truth  float64       per configuration [4, O]: the output, O = P or H, twice if both
    single float32       the same, by PyTorch in float32
    torch  float64 [n]   largest |float32 − float64| of PyTorch itself over all 24 steps

formats/: one small net in every form of file that a checkpoint comes in. net.npz
holds its tensors as they are after loading, io.npz its input and its output in
float64. heads.pt is a net with normalisations, heads.npz its input and outputs;
whole_heads.pt is the same, pickled whole, whole_rnn.pt an nn.RNN with relu.
weight_norm.pt is the small net with weight_norm on most weights, as
torch.nn.utils.weight_norm has it, parametrized.pt as torch.nn.utils.parametrizations has
it, whole_weight_norm.pt the former pickled whole, weight_norm.npz their input and output.
README.md lists the files.
"""

import io
import os
import sys
import warnings
import zipfile

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn

warnings.filterwarnings("ignore")
HERE = os.path.dirname(os.path.abspath(__file__))
CELLS = ["rnn_tanh", "rnn_relu", "lstm", "gru"]
SIZES = [1, 3, 8, 16, 20, 64, 126, 200]
STEPS = [0, 1, 9, 49, 99, 199]
T = 200


class SplitMix64:
    def __init__(self, seed):
        self.state = np.uint64(seed)

    def draw(self, *shape):
        """float32 in [-1, 1), exact multiples of 2^-23."""
        n = int(np.prod(shape))
        with np.errstate(over="ignore"):
            z = self.state + np.uint64(0x9E3779B97F4A7C15) * np.arange(1, n + 1, dtype=np.uint64)
            self.state = z[-1]
            z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            z ^= z >> np.uint64(31)
        return ((z >> np.uint64(40)).astype(np.float32) * np.float32(2**-23) - np.float32(1)).reshape(shape)


def module(cell, I, H, layers, bias):
    if cell == "lstm":
        return nn.LSTM(I, H, layers, bias=bias)
    if cell == "gru":
        return nn.GRU(I, H, layers, bias=bias)
    return nn.RNN(I, H, layers, bias=bias, nonlinearity=cell[4:])


def run(m, x):
    with torch.no_grad():
        return m(x[:, None])[0][:, 0].double().numpy()


def make_cells():
    index, truths, errors, offset = [], [], [], 0
    for c, cell in enumerate(CELLS):
        for layers in (1, 2, 3):
            for H in SIZES:
                for bias in (False, True):
                    I = 1 + (7 * H + 3 * layers) % 41
                    seed = ((c * 4 + layers) * 1000 + H) * 2 + bias
                    source, scale = SplitMix64(seed), np.float32(1 / np.sqrt(H))
                    m = module(cell, I, H, layers, bias)
                    weights = {}
                    for l in range(layers):
                        for name in ["weight_ih", "weight_hh"] + ["bias_ih", "bias_hh"] * bias:
                            shape = m.state_dict()[f"{name}_l{l}"].shape
                            weights[f"{name}_l{l}"] = torch.from_numpy(source.draw(*shape) * scale)
                    m.load_state_dict(weights)
                    x = torch.from_numpy(source.draw(T, I))
                    single = run(m, x)
                    truth = run(m.double(), x.double())
                    index.append([c, layers, H, bias, I, seed, offset])
                    errors.append(np.abs(single - truth).max())
                    truths.append(truth[STEPS].ravel())
                    offset += truths[-1].size
    np.savez_compressed(
        os.path.join(HERE, "cells.npz"),
        index=np.array(index, np.int64), steps=np.array(STEPS, np.int64),
        truth=np.concatenate(truths), torch=np.array(errors))
    for c, cell in enumerate(CELLS):
        e = [v for i, v in zip(index, errors) if i[0] == c]
        print(f"{cell}: PyTorch's float32 error {min(e):.1e} to {max(e):.1e}")


def module2(cell, I, H, P, layers, both, bias):
    if cell == "lstm":
        return nn.LSTM(I, H, layers, bias=bias, bidirectional=both, proj_size=P)
    if cell == "gru":
        return nn.GRU(I, H, layers, bias=bias, bidirectional=both)
    return nn.RNN(I, H, layers, bias=bias, bidirectional=both, nonlinearity=cell[4:])


def make_cells2():
    steps, T = [0, 1, 12, 23], 24
    configurations = [(c, layers, H, 0, True, bias) for c in range(4) for layers in (1, 2) for H in (3, 20) for bias in (False, True)]
    configurations += [(2, layers, H, P, both, both or H > 5) for layers in (1, 2) for H, P in ((5, 2), (20, 12)) for both in (False, True)]
    index, truths, singles, errors, offset = [], [], [], [], 0
    for c, layers, H, P, both, bias in configurations:
        I = 1 + (7 * H + 3 * layers) % 11
        seed = 10**6 + ((((c * 4 + layers) * 100 + H) * 100 + P) * 2 + both) * 2 + bias
        source, scale = SplitMix64(seed), np.float32(1 / np.sqrt(H))
        m = module2(CELLS[c], I, H, P, layers, both, bias)
        weights = {}
        for l in range(layers):
            for way in ["", "_reverse"][: 1 + both]:
                for name in ["weight_ih", "weight_hh"] + ["bias_ih", "bias_hh"] * bias + ["weight_hr"] * (P > 0):
                    name = f"{name}_l{l}{way}"
                    weights[name] = torch.from_numpy(source.draw(*m.state_dict()[name].shape) * scale)
        m.load_state_dict(weights)
        x = torch.from_numpy(source.draw(T, I))
        single = run(m, x)
        truth = run(m.double(), x.double())
        index.append([c, layers, H, P, both, bias, I, seed, offset])
        errors.append(np.abs(single - truth).max())
        truths.append(truth[steps].ravel())
        singles.append(single[steps].ravel().astype(np.float32))
        offset += truths[-1].size
    np.savez_compressed(
        os.path.join(HERE, "cells2.npz"),
        index=np.array(index, np.int64), steps=np.array(steps, np.int64),
        truth=np.concatenate(truths), single=np.concatenate(singles), torch=np.array(errors))
    print(f"cells2: {len(configurations)} configurations, PyTorch's float32 error up to {max(errors):.1e}")


class Heads(nn.Module):
    """LSTM with a projection, both ways, and every layer of a head that has tensors."""

    def __init__(self):
        super().__init__()
        self.rnn = nn.LSTM(3, 6, bidirectional=True, proj_size=4)
        self.bn = nn.BatchNorm1d(8)
        self.fc = nn.Linear(8, 5)
        self.act = nn.LeakyReLU(0.1)
        self.ln = nn.LayerNorm(5, eps=1e-3)
        self.out = nn.Linear(5, 4)

    def forward(self, x):
        y = self.bn(self.rnn(x[:, None])[0][:, 0])
        return torch.log_softmax(self.out(self.ln(self.act(self.fc(y)))), -1)


def heads():
    torch.manual_seed(8)
    net = Heads()
    state = {k: torch.rand(v.shape) - 0.5 if v.is_floating_point() else v for k, v in net.state_dict().items()}
    state["bn.running_var"] += 1
    net.load_state_dict(state)
    return net.eval(), state


def make_whole():
    path = lambda name: os.path.join(HERE, "formats", name)
    torch.save(heads()[0], path("whole_heads.pt"))
    torch.manual_seed(9)
    rnn = nn.RNN(2, 3, 2, nonlinearity="relu")
    x = torch.from_numpy(SplitMix64(9).draw(20, 2))
    torch.save(rnn, path("whole_rnn.pt"))
    with torch.no_grad():
        np.savez_compressed(path("whole_rnn.npz"), x=x.numpy(), y=rnn.double()(x.double())[0].numpy())


def make_norm():
    """One net for each way to weight_norm, with the same numbers; g is not |v|."""
    path = lambda name: os.path.join(HERE, "formats", name)
    names = ["weight_ih_l0", "weight_hh_l0", "weight_hh_l1"]
    x = torch.from_numpy(SplitMix64(10).draw(50, 2))
    outputs = []
    for norm, gain, files in [
        (nn.utils.weight_norm, "{}_g", {"weight_norm.pt": "state", "whole_weight_norm.pt": "module"}),
        (nn.utils.parametrizations.weight_norm, "parametrizations.{}.original0", {"parametrized.pt": "state"}),
    ]:
        torch.manual_seed(10)
        net = Net()
        for name in names:
            norm(net.lstm, name)
        norm(net.head)
        state = net.state_dict()
        for i, key in enumerate(["lstm." + gain.format(name) for name in names] + ["head." + gain.format("weight")]):
            state[key] *= 1.25 + i / 4
        net.load_state_dict(state)
        for name, what in files.items():
            torch.save(state if what == "state" else net, path(name))
        with torch.no_grad():
            outputs.append(net.double()(x.double()).numpy())
    assert np.abs(outputs[0] - outputs[1]).max() < 1e-15
    np.savez_compressed(path("weight_norm.npz"), x=x.numpy(), y=outputs[0])


def make_heads():
    path = lambda name: os.path.join(HERE, "formats", name)
    net, state = heads()
    x = torch.from_numpy(SplitMix64(8).draw(50, 3))
    with torch.no_grad():
        single = net(x).numpy()
        y = net.double()(x.double()).numpy()
    torch.save(state, path("heads.pt"))
    np.savez_compressed(path("heads.npz"), x=x.numpy(), y=y, single=single)
    with open(path("heads.yaml"), "w") as f:
        f.write("""layers:
  - lstm: rnn
  - batchnorm: bn
  - dense: fc
    activation: {leaky_relu: 0.1}
  - layernorm: ln
    epsilon: 1e-3
  - dense: out
  - log_softmax:
""")


class Net(nn.Module):
    """embedding-free: LSTM 2→5, two layers, and a head."""

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(2, 5, 2)
        self.head = nn.Linear(5, 3)

    def forward(self, x):
        return self.head(self.lstm(x[:, None])[0][:, 0])


def rewrite(source, target, change):
    """Copy a zip, each entry as change(name, data) has it; None leaves it out."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for entry in old.infolist():
            data = change(entry.filename, old.read(entry))
            if data is not None:
                new.writestr(entry, data)


def tagged_cuda(name, data):
    """The storage tags rewritten from cpu to cuda:0, as a checkpoint saved on a GPU has them."""
    text = lambda s: b"X" + len(s).to_bytes(4, "little") + s
    return data.replace(text(b"cpu"), text(b"cuda:0")) if name.endswith("data.pkl") else data


def make_formats():
    folder = os.path.join(HERE, "formats")
    os.makedirs(folder, exist_ok=True)
    path = lambda name: os.path.join(folder, name)
    torch.manual_seed(7)
    net = Net()
    # Weights that float16 and bfloat16 hold exactly, so that every file has the same net.
    state = {k: v.bfloat16().half().float() for k, v in net.state_dict().items()}
    assert all(torch.equal(v.bfloat16().float(), v) for v in state.values())
    net.load_state_dict(state)
    np.savez_compressed(path("net.npz"), **{k: v.numpy() for k, v in state.items()})
    x = torch.from_numpy(SplitMix64(7).draw(100, 2))
    with torch.no_grad():
        y = Net.forward(net.double(), x.double()).numpy()
    np.savez_compressed(path("io.npz"), x=x.numpy(), y=y)
    net.float()

    torch.save(state, path("zip.pt"))
    torch.save(state, path("legacy.pth"), _use_new_zipfile_serialization=False)
    torch.save({k: v.half() for k, v in state.items()}, path("float16.pt"))
    torch.save({k: v.bfloat16() for k, v in state.items()}, path("bfloat16.pt"))
    torch.save({k: v.half() for k, v in state.items()}, path("legacy_float16.pth"), _use_new_zipfile_serialization=False)
    torch.save({"module." + k: v for k, v in state.items()}, path("data_parallel.pt"))

    def strided(v):
        """The same numbers as a transposed, offset view into a larger storage."""
        big = torch.zeros(v.shape[::-1]).repeat(1, 2) if v.dim() == 2 else torch.zeros(2 * v.numel() + 1)
        view = big[:, : v.shape[0]].t() if v.dim() == 2 else big[1::2]
        view.copy_(v)
        return view

    views = {k: strided(v) for k, v in state.items()}
    assert not any(v.is_contiguous() for k, v in views.items())
    torch.save(views, path("strided.pt"))
    torch.save(views, path("legacy_strided.pth"), _use_new_zipfile_serialization=False)

    optimiser = torch.optim.Adam(net.parameters())
    net(x).sum().backward()
    optimiser.step()
    torch.save({"epoch": 3, "loss": 0.25, "state_dict": state, "optimizer": optimiser.state_dict()}, path("nested.pt"))
    net.load_state_dict(state)  # which the step has changed
    best = {"epoch": 4, "arch": "net", "state_dict": nn.DataParallel(net).state_dict(), "best_acc1": torch.tensor(0.5)}
    schedule = torch.optim.lr_scheduler.StepLR(optimiser, step_size=30)
    torch.save(best | {"optimizer": optimiser.state_dict(), "scheduler": schedule.state_dict()}, path("checkpoint.pth.tar"))
    torch.save(net.state_dict(), path("pytorch_model.bin"))
    os.makedirs(path("npy"), exist_ok=True)
    for i, (k, v) in enumerate(state.items()):  # in each order and width that holds the numbers
        kind = [np.float32, np.float64, np.float16][i % 3]
        np.save(path(f"npy/{k}.npy"), np.array(v.numpy(), kind, order="CF"[i // 3 % 2]))
    tied = dict(state)
    tied["lstm.bias_hh_l0"] = tied["lstm.bias_ih_l0"]
    torch.save(tied, path("tied.pt"))
    rewrite(path("zip.pt"), path("cuda.pt"), tagged_cuda)
    save_file(state, path("net.safetensors"), metadata={"author": "rnnedge"})
    save_file({k: v.half() for k, v in state.items()}, path("float16.safetensors"))
    save_file({k: v.bfloat16() for k, v in state.items()}, path("bfloat16.safetensors"))

    torch.save(nn.LSTM(2, 3, bidirectional=True).state_dict(), path("bidirectional.pt"))
    torch.save(nn.LSTM(2, 4, proj_size=2).state_dict(), path("projection.pt"))
    torch.save(net, path("whole_module.pt"))
    script = io.BytesIO()
    torch.jit.save(torch.jit.script(nn.LSTM(2, 3)), script)
    rewrite(script, path("torchscript.pt"), lambda name, data: None if name.endswith(".debug_pkl") else data)
    torch.save(nn.GRU(2, 3).state_dict(), path("gru_alone.pt"))
    torch.save(nn.RNN(2, 3).state_dict(), path("rnn_alone.pt"))
    torch.save(nn.LSTMCell(2, 3).state_dict(), path("lstm_cell.pt"))
    spec = "layers:\n  - lstm: lstm\n  - dense: head\n"
    with open(path("net.yaml"), "w") as f:
        f.write(spec)


if __name__ == "__main__":
    print("torch", torch.__version__)
    makers = {"cells": make_cells, "cells2": make_cells2, "formats": make_formats, "heads": make_heads, "whole": make_whole, "norm": make_norm}
    for name in sys.argv[1:] or makers:
        makers[name]()
