"""Make formats/script_*.pt: TorchScript archives of two small nets, scripted and traced,
and what the nets compute.

    pip install torch numpy
    python make_torchscript.py        # writes into formats/; the same numbers each time
    python make_torchscript.py more   # of first and more, only that

script_lstm.pt, trace_lstm.pt   a stack of two LSTMs, a normalisation and a head
script_gru.pt, trace_gru.pt     tokens, a GRU, a residual Sequential; log_softmax
script_branch.pt                to be refused: what it computes depends on the numbers
script_norm.pt, trace_norm.pt   features in the middle of a transposed input, standardised
                                by buffers, an nn.RNN, a GRU both ways, BatchNorm1d, SiLU
script_step.pt, trace_step.pt   one step of an nn.LSTMCell and an nn.GRUCell, whose states
                                are arguments and outputs
torchscript2.npz                x_norm [30, 3], y_norm [30, 4], x_step [30, 3], y_step [30, 2]
torchscript.npz                 x_lstm [30, 3], y_lstm [30, 4], x_gru [30], y_gru [30, 5];
                                the outputs in float64
"""

import io
import os
import sys
import warnings
import zipfile

import numpy as np
import torch
from torch import nn

warnings.filterwarnings("ignore")
HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "formats")


class LSTMNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(3, 5, 2, batch_first=True, dropout=0.1)
        self.drop = nn.Dropout(0.1)
        self.norm = nn.LayerNorm(5, eps=1e-3)
        self.fc = nn.Linear(5, 4)
        self.register_buffer("scale", torch.tensor([[[2.0, 0.5, 3.0]]]))

    def forward(self, x):
        y, _ = self.lstm(x * self.scale)
        y = self.fc(self.norm(self.drop(y)))
        return 0.5 * torch.sigmoid(y) + 0.25


class GRUNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(7, 4)
        self.gru = nn.GRU(4, 6)
        self.head = nn.Sequential(nn.Linear(6, 6), nn.LeakyReLU(0.1), nn.Linear(6, 6), nn.ELU())
        self.out = nn.Linear(12, 5, bias=False)

    def forward(self, x):
        y, _ = self.gru(self.embed(x).unsqueeze(1))
        y = y.squeeze(1)
        z = torch.cat([torch.tanh(y) + self.head(y), y], dim=-1)
        return torch.log_softmax(self.out(z), dim=-1)


class Norm(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.tensor([0.25, -0.5, 0.125]))
        self.register_buffer("deviation", torch.tensor([0.5, 2.0, 1.5]))
        self.rnn = nn.RNN(3, 4, batch_first=True, nonlinearity="relu")
        self.gru = nn.GRU(4, 3, bidirectional=True)
        self.norm = nn.BatchNorm1d(6, eps=1e-3)
        self.fc = nn.Linear(6, 4)

    def forward(self, x):  # (streams, features, time)
        y, _ = self.rnn((x.transpose(1, 2) - self.mean) / self.deviation)
        y = self.gru(y.transpose(0, 1))[0].permute(1, 2, 0)
        y = self.norm(y).transpose(1, 2)
        z = self.fc(y.reshape(-1, 6)).view(x.size(0), x.size(2), -1)
        return torch.log_softmax(nn.functional.silu(z), 2).transpose(1, 2)


class Step(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTMCell(3, 5)
        self.gru = nn.GRUCell(5, 4)
        self.fc = nn.Linear(9, 2)

    def forward(self, x, h, c, g):
        h, c = self.lstm(x, (h, c))
        g = self.gru(torch.tanh(h), g)
        return self.fc(torch.cat([h, g], 1)), h, c, g


class Branch(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(3, 5)
        self.fc = nn.Linear(5, 4)

    def forward(self, x):
        y, _ = self.lstm(x)
        if bool(y.sum() > 0):
            y = -y
        return self.fc(y)


def save(name, net):
    """Without the debug information, which is most of an archive."""
    whole = io.BytesIO()
    torch.jit.save(net, whole)
    with zipfile.ZipFile(whole) as old, zipfile.ZipFile(os.path.join(HERE, name), "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            if not entry.filename.endswith(".debug_pkl"):
                new.writestr(zipfile.ZipInfo(entry.filename), old.read(entry), zipfile.ZIP_DEFLATED)


def draw(net, random):
    for name, p in [*net.named_parameters(), *net.named_buffers()]:
        if "num_" not in name and "." in name:  # not those of Norm itself
            p.copy_(torch.from_numpy(random.uniform(0.5 if "var" in name else -1, 1, p.shape)))
    return net.eval()


def first():
    torch.manual_seed(11)
    random = np.random.default_rng(11)
    out = {}
    for name, net, x in [
        ("lstm", LSTMNet(), torch.from_numpy(random.uniform(-1, 1, (1, 30, 3)).astype(np.float32))),
        ("gru", GRUNet(), torch.from_numpy(random.integers(0, 7, 30))),
    ]:
        with torch.no_grad():
            for p in net.parameters():
                p.copy_(torch.from_numpy(random.uniform(-1, 1, p.shape)))
            net.eval()
            save(f"script_{name}.pt", torch.jit.script(net))
            save(f"trace_{name}.pt", torch.jit.trace(net, x))
            x_ = x.double() if x.is_floating_point() else x
            out["x_" + name], out["y_" + name] = x.squeeze(0).numpy(), net.double()(x_).squeeze(0).numpy()
    save("script_branch.pt", torch.jit.script(Branch().eval()))
    np.savez_compressed(os.path.join(HERE, "torchscript.npz"), **out)


def more():
    random = np.random.default_rng(12)
    with torch.no_grad():
        net, step = draw(Norm(), random), draw(Step(), random)
        x = torch.from_numpy(random.uniform(-1, 1, (30, 3)).astype(np.float32))
        for name, net, inputs in [
            ("norm", net, (x.t()[None],)),
            ("step", step, (x[:1], torch.zeros(1, 5), torch.zeros(1, 5), torch.zeros(1, 4))),
        ]:
            save(f"script_{name}.pt", torch.jit.script(net))
            save(f"trace_{name}.pt", torch.jit.trace(net, inputs))
            inputs = [v.double() for v in inputs]
            if name == "norm":
                y = net.double()(*inputs)[0].t().numpy()
                continue
            ys, states = [], inputs[1:]
            for v in x.double():
                out, *states = net.double()(v[None], *states)
                ys.append(out[0].numpy())
    x = x.numpy()
    np.savez_compressed(os.path.join(HERE, "torchscript2.npz"), x_norm=x, y_norm=y, x_step=x, y_step=np.array(ys))


if __name__ == "__main__":
    for name in sys.argv[1:] or ["first", "more"]:
        {"first": first, "more": more}[name]()
