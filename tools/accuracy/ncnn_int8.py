"""ncnn's int8 on the models that `go run ./tools/accuracy -dump DIR` wrote.

    python tools/accuracy/ncnn_int8.py DIR

Each model becomes an ncnn network of LSTM, GRU, InnerProduct and so on, whose weights are
float32, or int8 as ncnn2table and ncnn2int8 make them, in the ways below. Each runs over the
data twice: all steps in one call / a step a call with the states handed on, as a stream does.
SNR in dB against float64.

  LSTM, GRU   a scale for each row of weights; x and h get theirs at each step
  all         InnerProduct, too, a scale for each row and one for its input at all steps, which
              has to be known before: the largest element of the very data; Embed, one scale

What is left is float32, where ncnn2int8 would write float16.
"""

import json
import pathlib
import sys
import tempfile

import ncnn
import numpy as np

WAYS = {
    "LSTM, GRU": ("lstm", "gru"),
    "all": ("lstm", "gru", "dense", "embedding"),
}


class Refused(Exception):
    """A model that ncnn cannot run."""


def floats(w):
    """An array as a model file has it."""
    return bytes(4) + w.tobytes()


def rows(w, int8):
    """A matrix as a model file has it, and its scales: in int8 a row's largest element is 127."""
    if not int8:
        return floats(w), b""
    largest = np.abs(w).max(1)
    scales = np.float32(127) / np.where(largest == 0, np.float32(127), largest)
    v = w * scales[:, None]
    q = np.trunc(v + np.copysign(np.float32(0.5), v)).astype(np.int8).tobytes()
    return bytes.fromhex("384b0d00") + q + bytes(-len(q) % 4), scales.tobytes()


def network(g, int8=(), largest=None):
    """A network's text, weights and states. Operators in int8 have their weights so; for a dense
    one largest says what is in the buffer it reads."""
    layers, blobs, weights, states = [], [], [], {}

    def layer(kind, inputs, outputs, *parameters):
        name = f"l{len(layers)}"
        layers.append(" ".join(map(str, [kind, name, len(inputs), len(outputs), *inputs, *outputs, *parameters])))
        blobs.extend(outputs)

    layer("Input", [], ["b0"])
    for i, l in enumerate(g["layers"]):
        a = {k: np.array(v["v"], np.float32).reshape(v["rows"], v["cols"]) for k, v in l.get("arrays", {}).items()}
        x, y, n, q = [f"b{b}" for b in l["x"]], f"b{l['y']}", l["widths"][-1], l["op"] in int8
        if l["op"] in ("lstm", "gru"):
            W, R = a["W"], a["R"]
            B, BR = (a.get(b, np.zeros((len(W), 1), np.float32)) for b in ("B", "BR"))
            if l["op"] == "lstm":  # our gates are i, f, g, o

                def ifog(m):
                    i_, f_, g_, o_ = np.split(m, 4)
                    return np.concatenate([i_, f_, o_, g_])

                W, R, B = ifog(W), ifog(R), ifog(B)
            elif (l["reset"], l["f"]) == ("after", "tanh"):
                B = np.concatenate([B[:2 * n] + BR[:2 * n], B[2 * n:], BR[2 * n:]])  # r and u have one bias, n has both
            else:
                raise Refused(f"ncnn's GRU resets after the product and has tanh, this one resets {l['reset']} it and has {l['f']}")
            s = {f"{s}{i}": a.get(s, np.zeros(n, np.float32)).reshape(1, n) for s in ("HC" if l["op"] == "lstm" else "H")}
            for name in s:
                layer("Input", [], [name])
            states |= s
            layer(l["op"].upper(), [x[0], *s], [y, *(name + "_out" for name in s)], f"0={n}", f"1={W.size}", *["8=2"] * q)
            (W, Ws), (R, Rs) = rows(W, q), rows(R, q)
            weights += [W, floats(B), R, Ws, Rs]
        elif l["op"] == "dense":
            z = y if l["f"] == "linear" else f"z{i}"
            layer("InnerProduct", x, [z], f"0={n}", "1=1", f"2={a['W'].size}", *["8=2"] * q)
            if z != y:
                layer({"sigmoid": "Sigmoid", "tanh": "TanH", "relu": "ReLU"}[l["f"]], [z], [y])
            W, Ws = rows(a["W"], q)
            weights += [W, a.get("B", np.zeros(n, np.float32)).tobytes(), Ws]
            if q:
                weights.append(np.float32(127 / largest[x[0]]).tobytes())
        elif l["op"] == "embedding":
            layer("Embed", x, [y], f"0={n}", f"1={len(a['W'])}", f"3={a['W'].size}", *["18=2"] * q)
            weights += rows(a["W"].reshape(1, -1), q)
        elif l["op"] == "add":
            layer("BinaryOp", x, [y], "0=0")
        elif l["op"] == "concat":
            layer("Concat", x, [y], "0=1")
        else:
            raise Refused(f"no {l['op']} here")
    return "\n".join(["7767517", f"{len(layers)} {len(blobs)}", *layers, ""]), b"".join(weights), states


def load(text, weights):
    net = ncnn.Net()
    net.opt.num_threads = 1
    net.opt.lightmode = False  # blobs are read more than once
    net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = False
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "model")
        path.with_suffix(".param").write_text(text)
        path.with_suffix(".bin").write_bytes(weights)
        if net.load_param(str(path.with_suffix(".param"))) or net.load_model(str(path.with_suffix(".bin"))):
            raise SystemExit("ncnn does not load\n" + text)
    return net


def run(net, states, x, chunk, blobs):
    ys, states = {b: [] for b in blobs}, {n: ncnn.Mat(v) for n, v in states.items()}
    for t in range(0, len(x), chunk):
        e = net.create_extractor()
        e.input("b0", ncnn.Mat(x[t:t + chunk]))
        for n, v in states.items():
            e.input(n, v)

        def output(blob):
            error, y = e.extract(blob)
            if error:
                raise SystemExit(f"ncnn does not run to {blob}: {error}")
            return y

        for b in blobs:
            ys[b].append(np.array(output(b)))
        states = {n: output(n + "_out") for n in states}
    return {b: np.concatenate(y) for b, y in ys.items()}


def main():
    print(f"ncnn {ncnn.__version__}\n{'model':16}{'float32':>15}" + "".join(f"{w:>15}" for w in WAYS))
    for file in sorted(pathlib.Path(sys.argv[1]).glob("*.json")):
        g = json.loads(file.read_text())
        want, output = np.array(g["y"]), f"b{g['output']}"
        x = np.array(g["x"], np.float32)
        x = x.reshape(-1, g["inputs"]) if g["inputs"] else x.astype(np.int32)

        def snr(text, weights, states):
            net, row = load(text, weights), []
            for chunk in (len(x), 1):
                have = run(net, states, x, chunk, [output])[output].reshape(want.shape)
                row.append(10 * np.log10((want ** 2).sum() / ((have - want) ** 2).sum()))
            return f"{row[0]:8.1f} /{row[1]:5.1f}"

        try:
            text, weights, states = network(g)
        except Refused as reason:
            print(f"{g['name']:16}{reason}")
            continue
        seen = run(load(text, weights), states, x, len(x), {f"b{b}" for l in g["layers"] if l["op"] == "dense" for b in l["x"]})
        largest = {b: np.abs(v).max() for b, v in seen.items()}
        print(f"{g['name']:16}" + "".join(snr(*network(g, int8, largest)) for int8 in ((), *WAYS.values())), flush=True)


if __name__ == "__main__":
    main()
