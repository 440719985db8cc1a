"""Train the character model of examples/charnn on the King James Bible.

The model is the one of Andrej Karpathy's essay "The Unreasonable Effectiveness
of Recurrent Neural Networks" (2015): characters in, characters out, two LSTM
layers between, trained by truncated back-propagation through time.

The text comes from Debian's packages bible-kjv and bible-kjv-text (public
domain), one verse a line, without the verse numbers:

    apt-get install bible-kjv bible-kjv-text
    python train.py                     # about 45 minutes on one core

It writes charnn.pt (a state_dict in float16, the vocabulary, how it was
trained), charnn.yaml (what a state_dict cannot say: the order of the layers)
and heldout.txt (two books that training never sees, on which the example
measures bits per character). Which checkpoint is the best is decided on two
other books, which training does not see either.
"""

import argparse
import json
import math
import os
import re
import subprocess
import time

import torch
from torch import nn

HELD_OUT = ["Ruth", "Jonah"]  # books, as `bible -f` abbreviates them
VALIDATION = ["Joel", "Titus"]
HERE = os.path.dirname(os.path.abspath(__file__))


def books():
    """The verses of every book; `bible -f` prints lines such as "Ge1:1 In the …"."""
    printed = subprocess.run(["bible", "-f", "Gen1:1-Rev22:21"], capture_output=True, text=True, check=True).stdout
    found = {}
    for book, verse in re.findall(r"^(\d?[A-Za-z]+)\d+:\d+ (.*?) *$", printed, re.M):
        found.setdefault(book, []).append(verse)
    return found


class CharRNN(nn.Module):
    def __init__(self, vocabulary, embedding, hidden, layers):
        super().__init__()
        self.embed = nn.Embedding(vocabulary, embedding)
        self.lstm = nn.LSTM(embedding, hidden, layers, batch_first=True)
        self.head = nn.Linear(hidden, vocabulary)

    def forward(self, tokens, state=None):
        h, state = self.lstm(self.embed(tokens), state)
        return self.head(h), state


@torch.no_grad()
def bits_per_character(model, tokens):
    """Mean -log2 p of each next character, from the zero state, in one stream."""
    logits, _ = model(tokens[None, :-1])
    return nn.functional.cross_entropy(logits[0], tokens[1:]).item() / math.log(2)


def rounded(model):
    """A copy of the model whose weights went through float16, as the checkpoint's do."""
    copy = CharRNN(model.embed.num_embeddings, model.embed.embedding_dim, model.lstm.hidden_size, model.lstm.num_layers)
    copy.load_state_dict({k: v.half().float() for k, v in model.state_dict().items()})
    return copy


def save(model, vocabulary, step, bits, path):
    checkpoint = {
        "state_dict": {k: v.half() for k, v in model.state_dict().items()},
        "vocabulary": vocabulary,
        "step": step,
        "validation_bits_per_character": bits,
        "text": "King James Bible (public domain), Debian package bible-kjv-text",
    }
    torch.save(checkpoint, path + ".tmp")
    os.replace(path + ".tmp", path)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--out", default=HERE, help="folder for the three files (default: beside this script)")
    p.add_argument("--embedding", type=int, default=64)
    p.add_argument("--hidden", type=int, default=192)
    p.add_argument("--layers", type=int, default=2)
    p.add_argument("--steps", type=int, default=4000, help="optimiser steps (default %(default)s)")
    p.add_argument("--batch", type=int, default=64, help="streams side by side (default %(default)s)")
    p.add_argument("--length", type=int, default=128, help="characters per step (default %(default)s)")
    p.add_argument("--rate", type=float, default=4e-3, help="peak learning rate (default %(default)s)")
    p.add_argument("--minutes", type=float, default=math.inf,
                   help="fit the schedule into this time if the steps do not (default: no limit)")
    p.add_argument("--threads", type=int, default=1)
    args = p.parse_args()
    torch.manual_seed(1)
    torch.set_num_threads(args.threads)

    bible = books()
    take = lambda names: "\n".join(v for name in names for v in bible.pop(name)) + "\n"  # KeyError if misnamed
    held, validation = take(HELD_OUT), take(VALIDATION)
    train = take(list(bible))
    vocabulary = "".join(sorted(set(train)))
    token = {c: i for i, c in enumerate(vocabulary)}
    encode = lambda s: torch.tensor([token[c] for c in s])  # KeyError on a character that training lacks
    print(f"{len(train)} characters to train on, {len(validation)} to validate, {len(held)} held out, "
          f"vocabulary {len(vocabulary)}: {vocabulary!r}", flush=True)

    with open(os.path.join(args.out, "heldout.txt"), "w") as f:
        f.write(held)
    with open(os.path.join(args.out, "charnn.yaml"), "w") as f:
        f.write(SPEC.format(vocabulary=json.dumps(vocabulary)))

    model = CharRNN(len(vocabulary), args.embedding, args.hidden, args.layers)
    print(sum(w.numel() for w in model.parameters()), "parameters")
    optimiser = torch.optim.AdamW(model.parameters(), lr=args.rate, betas=(0.9, 0.99), weight_decay=0.01)

    data, validation, held = encode(train), encode(validation), encode(held)
    data = data[: len(data) // args.batch * args.batch].view(args.batch, -1)
    at, state, began, best = 0, None, time.time(), math.inf
    step, done = 0, 0.0
    while done < 1:
        step += 1
        # How far training is: a short linear warm-up to the peak rate, then half a cosine down to 0.
        done = max(step / args.steps, (time.time() - began) / (60 * args.minutes))
        for group in optimiser.param_groups:
            group["lr"] = args.rate * min(done / 0.05 + 0.01, 0.5 + 0.5 * math.cos(math.pi * min(done, 1)))
        if at + args.length + 1 > data.shape[1]:
            at, state = int(torch.randint(args.length, ())), None
        x, y = data[:, at : at + args.length], data[:, at + 1 : at + args.length + 1]
        at += args.length
        logits, state = model(x, state)
        state = tuple(s.detach() for s in state)
        loss = nn.functional.cross_entropy(logits.flatten(0, 1), y.flatten())
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        if step % 100 == 0 or done >= 1:
            bits = bits_per_character(rounded(model), validation)
            print(f"step {step}: training {loss.item() / math.log(2):.4f}, validation {bits:.4f} bits per character, "
                  f"{time.time() - began:.0f} s", flush=True)
            if bits < best:
                best, chosen = bits, rounded(model)
                save(model, vocabulary, step, bits, os.path.join(args.out, "charnn.pt"))
    print(f"best, as saved in float16: validation {best:.4f}, held out {bits_per_character(chosen, held):.4f} bits per character")


SPEC = """\
# What the tensors of charnn.pt cannot say: the order of the layers, and the
# character of each token. Written by train.py.
layers:
  - embedding: embed
  - lstm: lstm
  - dense: head
    activation: linear # logits; whoever samples chooses the temperature
meta:
  vocabulary: {vocabulary}
  text: King James Bible (public domain), Debian package bible-kjv-text
"""

if __name__ == "__main__":
    main()
