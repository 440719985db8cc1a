package torchscript

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// A state that is an argument of forward is that of a session where what forward returns is
// the same: all else would carry on from another state.
func TestGivenStates(t *testing.T) {
	const (
		step = "y, g, = (self.a).forward__0(torch.unsqueeze(x, 1), h, )\n"
		two  = step + "z, i, = (self.c).forward__0(y, k, )\n"
		lstm = "_0, _1 = torch.lstm_cell(x, [h, k], self.ih, self.hh)\n"
		same = "supported are the same states in the same order"
		rnn  = "a = torch.linear(h, self.hh)\ny = torch.relu(torch.add_(a, torch.linear(x, self.ih)))\nreturn (y, y)"
		cell = "a = torch.linear(h, self.hh)\ni, f, g, o = torch.unsafe_chunk(torch.add_(a, torch.linear(x, self.ih)), 4, 1)\n" +
			"c = torch.add_(torch.mul(torch.sigmoid(f), k), torch.mul(torch.sigmoid(i), torch.tanh(g)))\ny = torch.mul(torch.sigmoid_(o), torch.tanh(c))\nreturn (y, y, c)"
		gru = "a, b, c = torch.unsafe_chunk(torch.linear(x, self.ih), 3, 1)\nd, e, f = torch.unsafe_chunk(torch.linear(h, self.hh), 3, 1)\n" +
			"r = torch.sigmoid_(torch.add_(d, a))\nz = torch.sigmoid_(torch.add_(e, b))\nn = torch.tanh_(torch.add(c, torch.mul_(f, r)))\n" +
			"y = torch.add_(torch.mul_(torch.sub(h, n), z), n)\nreturn (y, y)"
		tuple = "h, k, = hk\n" + lstm
	)
	for _, c := range []struct{ params, lines, want string }{
		{"h: Tensor", step + "return (torch.select(y, 1, 0), g)", "gru"},
		{"h: Tensor", step + "return (y, torch.linear(y, self.w), torch.contiguous(g))", "gru"},
		{"h: Tensor", step + "return (y, torch.mul(g, 0.5))", "forward is given a's state and returns no state; " + same},
		{"h: Tensor", step + "return (torch.select(y, 1, 0), torch.tanh(y))", "forward is given a's state and returns no state; " + same},
		{"h: Tensor", step + "_0 = torch.mul_(g, 0.5)\nreturn (y, g)", "forward is given a's state and returns no state; " + same},
		{"h: Tensor", step + "return y", "gru"},
		{"h: Tensor", "y, g, = (self.a).forward__0(torch.unsqueeze(x, 1), torch.mul(h, 0.5), )\nreturn (y, g)", "an initial state of nn.GRU a that is"},
		{"h: Tensor, k: Tensor", two + "return (z, g, i)", "gru gru"},
		{"h: Tensor, k: Tensor", two + "return (z, i, g)", "forward is given a's state, c's state and returns c's state, a's state; " + same},
		{"h: Tensor, k: Tensor", two + "return (z, g)", "forward is given a's state, c's state and returns c's state, a's state; " + same},
		{"h: Tensor", strings.ReplaceAll(two, "k", "h") + "return (z, g, i)", "is given twice, or shared with another layer"},
		{"s: Tensor", "h = torch.select(s, 0, 0)\nk = torch.select(s, 0, 1)\n" + two + "return z", "gru gru"},
		{"h: Tensor, k: Tensor", lstm + "return (_0, _1)", "lstm"},
		{"h: Tensor, k: Tensor", lstm + "return (torch.linear(_0, self.w), _0, _1)", "lstm dense"},
		{"k: Tensor, h: Tensor", lstm + "return (torch.linear(_0, self.w), _0, _1)", "forward is given lstm's cell state, lstm's state and returns lstm's state, lstm's cell state; " + same},
		{"hk: Tuple[Tensor, Tensor]", tuple + "return (torch.linear(_0, self.w), (_0, _1))", "lstm dense"},
		{"hk: Tuple[Tensor, Tensor]", tuple + "return (torch.linear(_0, self.w), (_1, _0))", "forward is given lstm's state, lstm's cell state and returns lstm's cell state, lstm's state; " + same},
		{"h: Optional[Tensor]=None", step + "return (y, g)", "gru"},
		{"h: Tensor", "y, g, = (self.b).forward__0(x, h, )\nz, i, = (self.a).forward__0(torch.transpose(y, 0, 1), None, )\nreturn z", "gru gru"},
		{"h: Tensor", "y, g, = (self.a).forward__0(x, h, )\nreturn (torch.softmax(torch.squeeze(y, 1), 1), g)", "gru softmax"},
		// cells as they are traced
		{"h: Tensor", rnn, "rnn"},
		{"h: Tensor", strings.Replace(rnn, "relu", "sigmoid", 1), "found a part of a cell that is written out"},
		{"h: Tensor", strings.Replace(rnn, "add_(a", "mul(a", 1), "found a part of a cell that is written out"},
		{"h: Tensor", strings.Replace(rnn, "x, self.ih", "torch.relu(x), self.ih", 1), "apply rnn"},
		{"s: Tensor", strings.Replace("h = torch.zeros([1])\n"+rnn, "(y, y)", "y", 1), "a rnn cell that is written out starts from zeros at each call"},
		{"h: Tensor", gru, "gru"},
		{"h: Tensor", strings.Replace(gru, "n), z)", "n), r)", 1), "found a part of a cell that is written out"},
		{"h: Tensor", strings.Replace(gru, "d, e, f = torch.unsafe_chunk", "e, d, f = torch.unsafe_chunk", 1), "found a part of a cell that is written out"},
		{"h: Tensor, k: Tensor", strings.Replace(gru, "sub(h", "sub(k", 1), "found a part of a cell that is written out"},
		{"h: Tensor, k: Tensor", cell, "lstm"},
		{"h: Tensor, k: Tensor", strings.Replace(cell, "i, f, g, o", "f, i, g, o", 1), "found a part of a cell that is written out"},
		{"h: Tensor, k: Tensor", strings.Replace(cell, "i, f, g, o", "i, f, o, g", 1), "found a part of a cell that is written out"},
		{"h: Tensor, k: Tensor", strings.Replace(cell, "(y, y, c)", "(y, c, y)", 1), "forward is given lstm's state, lstm's cell state and returns lstm's cell state, lstm's state; " + same},
		{"h: Tensor, k: Tensor", strings.Replace(cell, "mul(torch.sigmoid(f), k)", "mul(torch.sigmoid(f), h)", 1), "is given twice, or shared with another layer"},
		{"h: Tensor, k: Tensor", strings.Replace(cell, "torch.tanh(c)", "torch.tanh(torch.mul(c, 2))", 1), "a part of a cell with"},
		{"h: Tensor, k: Tensor", strings.Replace(cell, "y = torch", "_1 = torch.tanh_(c)\ny = torch", 1), "a part of a cell that was changed in place is used again"},
	} {
		kinds, _, err := follow("x: Tensor, "+c.params, c.lines)
		if strings.Contains(c.want, " cell ") || strings.Contains(c.want, "is given") || strings.Contains(c.want, "shared") || strings.Contains(c.want, "that") {
			assert.ErrorContains(t, err, c.want, c.lines)
		} else if assert.NoError(t, err, c.lines) {
			assert.Equal(t, c.want, strings.Join(kinds, " "), c.lines)
		}
	}
}
