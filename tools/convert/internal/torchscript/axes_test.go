package torchscript

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// modules are the attributes of the net that a test's forward belongs to: GRUs that read
// streams first (a, c) or time first (b), an LSTM cell, a dense layer.
func modules() *Module {
	tensor := func(path string, shape ...int) *Tensor { return &Tensor{Path: path, Shape: shape} }
	gru := func(class, path string) *Module {
		return &Module{Class: "__torch__.torch.nn.modules.rnn." + class, Path: path, Attrs: map[string]any{
			"weight_ih_l0": tensor(path+".weight_ih_l0", 12, 4), "weight_hh_l0": tensor(path+".weight_hh_l0", 12, 4),
		}}
	}
	return &Module{Class: "__torch__.Net", Attrs: map[string]any{
		"a": gru("GRU", "a"), "b": gru("___torch_mangle_1.GRU", "b"), "c": gru("GRU", "c"),
		"w": tensor("w", 3, 4), "v": tensor("v", 4), "one": tensor("one", 1), "square": tensor("square", 4, 4),
		"ih": tensor("ih", 16, 4), "hh": tensor("hh", 16, 4), "e": tensor("e", 7, 4),
	}}
}

// follow follows a forward with these parameters and lines.
func follow(params, lines string) ([]string, []string, error) {
	const gru = "class GRU(Module):\n  batch_first : Final[bool] = FIRST\n  def forward__0(self: T) -> None:\n    pass\n"
	text := "class Net(Module):\n  def forward(self: T, " + params + ") -> Tensor:\n"
	for _, l := range strings.Split(lines, "\n") {
		text += "    " + strings.TrimSpace(l) + "\n"
	}
	p, err := Parse(map[string][]byte{
		"__torch__.py":                                        []byte(text),
		"__torch__/torch/nn/modules/rnn.py":                   []byte(strings.Replace(gru, "FIRST", "True", 1)),
		"__torch__/torch/nn/modules/rnn/___torch_mangle_1.py": []byte(strings.Replace(gru, "FIRST", "False", 1)),
	}, nil)
	if err != nil {
		return nil, nil, err
	}
	s, notes, err := p.Spec("net.pt", modules())
	if err != nil {
		return nil, nil, err
	}
	var kinds []string
	for _, l := range s.Layers {
		kinds = append(kinds, l.Kind)
	}
	return kinds, notes, nil
}

const all = "y, h, = (self.a).forward__0(x, None, )\n"

// What a program does along time is a layer's, or refused: each line is one that would
// otherwise become another net.
func TestAxes(t *testing.T) {
	for _, c := range []struct{ lines, want string }{
		{all + "return y", "gru"},
		// the last step, and what uses it as if it were all
		{all + "return torch.select(h, 0, -1)", "gru"},
		{all + "return torch.add(torch.select(h, 0, -1), torch.select(x, 1, -1))", "gru add"},
		{all + "return torch.mul(y, torch.unsqueeze(torch.select(h, 0, -1), 1))", "a product of two tensors of different dimensions"},
		{all + "return torch.add(y, torch.slice(y, 1, -1))", "a sum of two tensors of different dimensions"},
		{all + "return torch.cat([y, torch.expand(torch.slice(y, 1, -1), [-1, 9, -1])], -1)", "torch.expand of what comes from the input"},
		{all + "z, g, = (self.c).forward__0(torch.slice(y, 1, -1), None, )\nreturn z", "nn.GRU c runs over one step, from zeros"},
		{all + "return torch.select(y, 1, 0)", "torch.select is supported of the last step"},
		{all + "return torch.select(y, 2, -1)", "torch.select is supported of the last step"},
		{all + "return torch.slice(y, 1, 3)", "torch.slice is supported of all or of the last step"},
		// which dimension time is
		{all + "z, g, = (self.c).forward__0(y, None, )\nreturn z", "gru gru"},
		{all + "z, g, = (self.b).forward__0(torch.transpose(y, 0, 1), None, )\nreturn z", "gru gru"},
		{all + "z, g, = (self.b).forward__0(torch.permute(y, [1, 0, 2]), None, )\nreturn z", "gru gru"},
		{all + "z, g, = (self.b).forward__0(y, None, )\nreturn z", "nn.GRU b runs along another dimension than the recurrent layers before it"},
		{all + "return torch.squeeze(y, 1)", "torch.squeeze of time"},
		{"x = torch.squeeze(x, 1)\nx = torch.unsqueeze(x, 1)\n" + all + "return y", "nn.GRU a runs over one step, from zeros"},
		{"x0 = torch.select(x, 1, 0)\n" + all + "return torch.add(torch.select(y, 1, -1), x0)", "nn.GRU a runs along a dimension that counts as one of size 1 in torch.select of the first"},
		// where the features are
		{"x = torch.transpose(x, 1, 2)\n" + all + "return torch.transpose(y, 1, 2)", "gru"},
		{all + "return torch.batch_norm(torch.transpose(y, 1, 2), self.v, self.v, self.v, self.v, False, 0.1, 0.001, True)", "gru batchnorm"},
		{all + "return torch.batch_norm(torch.transpose(y, 1, 2), self.v, self.v, self.v, self.v, True, 0.1, 0.001, True)", "torch.batch_norm by the mean and variance of the batch"},
		{all + "return torch.batch_norm(torch.transpose(y, 1, 2), self.v, self.v, self.v, self.v, False, 0.1, 0, True)", "torch.batch_norm with 0 for eps"},
		{all + "return torch.batch_norm(y, self.v, self.v, self.v, self.v, False, 0.1, 0.001, True)", "torch.batch_norm over another dimension"},
		{"x = torch.batch_norm(x, self.v, self.v, self.v, self.v, False, 0.1, 0.001, True)\n" + all + "return y", "over another dimension than that of features"},
		{all + "return torch.linear(torch.transpose(y, 1, 2), self.square)", "a dense layer over another dimension"},
		{all + "return torch.layer_norm(torch.transpose(y, 1, 2), [4])", "torch.layer_norm over another dimension"},
		{all + "return torch.layer_norm(y, [4], None, None, 0)", "torch.layer_norm with 0 for eps"},
		{all + "return torch.mul(torch.transpose(y, 1, 2), self.v)", "torch.mul with a parameter over another dimension"},
		{all + "return torch.softmax(y, 1)", "torch.softmax over another dimension"},
		{all + "return torch.softmax(torch.select(y, 1, -1), 1)", "gru softmax"},
		{all + "return torch.cat([y, x], 1)", "torch.cat over another dimension"},
		{all + "return torch.cat([torch.select(y, 1, -1), torch.select(x, 1, -1)], 1)", "gru concat"},
		{all + "return torch.add(torch.linear(y, self.w), y)", "a sum of two tensors with 3 and 4 features"},
		// views
		{all + "z = torch.linear(torch.view(y, [-1, 4]), self.w)\nreturn torch.view(z, [torch.size(x, 0), torch.size(x, 1), -1])", "gru dense"},
		{all + "z, g, = (self.b).forward__0(torch.view(y, [torch.size(x, 1), torch.size(x, 0), 4]), None, )\nreturn z", "torch.view to another number of features"},
		{all + "z, g, = (self.b).forward__0(torch.view(y, [1, -1, 4]), None, )\nreturn z", "nn.GRU b runs over one step"},
		{all + "return torch.view(y, [15, -1])", "torch.view to another number of features"},
		{all + "return torch.softmax(torch.squeeze(y), 1)", "torch.softmax after a squeeze of all dimensions"},
		{all + "return torch.softmax(torch.squeeze(y), -1)", "gru softmax"},
		{all + "return torch.flatten(torch.select(y, 1, -1), 1)", "gru"},
		{all + "return torch.flatten(y, 1)", "torch.flatten to another number of features"},
		// fewer dimensions only where PyTorch refuses more
		{"y, h = torch.gru(torch.unsqueeze(x, 1), torch.zeros([1]), [self.ih, self.hh], False, 1, 0., False, False, False)\nreturn torch.softmax(torch.squeeze(y, 1), 1)", "gru softmax"},
		{"e = torch.embedding(self.e, x)\ny, h, = (self.a).forward__0(e, None, )\nreturn y", "embedding gru"},
		{"e = torch.embedding(self.e, torch.to(x, 4))\ny, h, = (self.b).forward__0(torch.unsqueeze(e, 1), None, )\nreturn torch.squeeze(y, 1)", "embedding gru"},
		{"y, h, = (self.a).forward__0(torch.to(x, 4), None, )\nreturn y", "what was made whole numbers is supported as the tokens of an embedding"},
		{"y, h, = (self.a).forward__0(torch.to(torch.to(x, 4), 6), None, )\nreturn y", "what was made whole numbers is supported as the tokens of an embedding"},
		{"return torch.softmax(torch.mm(x, torch.t(self.square)), 1)", "dense softmax"},
		{"return torch.softmax(torch.addmm(self.v, x, torch.t(self.square)), 1)", "dense softmax"},
		{"return torch.softmax(torch.matmul(x, torch.t(self.square)), 1)", "torch.softmax over another dimension"},
		// what is on when the module runs as it was saved
		{all + "return torch.dropout(y, 0.5, True)", "torch.dropout that is not switched off"},
		{all + "return torch.dropout(y, 0., True)", "gru"},
		{"y, h = torch.gru(x, torch.zeros([1]), [self.ih, self.hh, self.ih, self.hh], False, 2, 0.5, True, False, False)\nreturn y", "torch.gru with a dropout that is not switched off"},
		// functions
		{all + "return torch.softplus(y, 1, 0.5)", "torch.softplus with beta 1 and threshold 0.5"},
		{all + "return torch.softplus(y, 2, 20)", "gru apply apply apply"},
		{all + "return torch.silu(y)", "gru apply mul"},
		{all + "return torch.div(y, torch.add(torch.abs(y), 1))", "gru apply"},
		{all + "return torch.div(y, torch.add(1, torch.abs(y)))", "gru apply"},
		{all + "return torch.div(y, torch.add(torch.abs(x), 1))", "torch.abs is supported as softsign has it"},
		{all + "return torch.div(y, torch.add(torch.abs(y), 2))", "torch.abs is supported as softsign has it"},
		{all + "return torch.abs(y)", "torch.abs is supported as softsign has it"},
		{all + "return torch.gelu(y)", "torch.gelu is supported with approximate"},
		{all + "return torch.gelu(y, approximate=\"tanh\")", "gru mul apply mul apply mul"},
		{all + "return torch.div(y, 2, rounding_mode=\"floor\")", "torch.div with a rounding mode"},
		{all + "return torch.sub(y, x, alpha=2)", "gru apply apply add"},
		{all + "return torch.div(torch.sub(y, self.v), self.one)", "gru apply scale apply scale"},
		{all + "return torch.div(self.v, y)", "torch.div by what comes from the input"},
		// states
		{"h = torch.zeros([1])\n_0 = torch.fill_(h, 0.5)\ny, g, = (self.a).forward__0(x, h, )\nreturn y", "torch.fill_ of zeros, which may be an initial state"},
		{"h = torch.zeros([1])\n_0 = torch.copy_(torch.select(h, 0, 0), 0.5)\ny, g, = (self.a).forward__0(x, h, )\nreturn y", "torch.copy_ of zeros, which may be an initial state"},
		{"h = torch.zeros([1])\n_0 = torch.zero_(h)\ny, g, = (self.a).forward__0(x, h, )\nreturn y", "gru"},
		{"h = [torch.zeros([1])]\n_0 = torch._set_item(h, 0, self.v)\ny, g, = (self.a).forward__0(x, h[0], )\nreturn y", "torch._set_item of a list"},
		{all + "_0 = torch.mul_(h, 2)\nreturn torch.select(h, 0, -1)", "it uses the state of a, which was changed in place"},
		{all + "_0 = torch.mul_(h, 2)\nreturn y", "gru"},
		{"_0 = torch.mul_(self.v, 2)\n" + all + "return torch.mul(y, self.v)", "torch.mul_ of a parameter"},
		{"h, c = torch.lstm_cell(x, [torch.zeros([1]), torch.zeros([1])], self.ih, self.hh)\nreturn h", "torch.lstm_cell starts from zeros at each call"},
	} {
		kinds, _, err := follow("x: Tensor", c.lines)
		if strings.Contains(c.want, " of ") || strings.Contains(c.want, ".") || strings.Contains(c.want, "over ") {
			assert.ErrorContains(t, err, c.want, c.lines)
			continue
		}
		if assert.NoError(t, err, c.lines) {
			assert.Equal(t, c.want, strings.Join(kinds, " "), c.lines)
		}
	}
}
