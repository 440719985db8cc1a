package torchscript

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/tools/convert/internal/hostiletest"
	"github.com/rnnedge/rnnedge/tools/convert/internal/spec"
)

// good is a program as torch.jit.save writes it, with most of what it may hold.
const good = `class Net(Module):
  __parameters__ = ["shift", ]
  __buffers__ = []
  shift : Tensor
  training : bool
  threshold : Final[float] = 0.5
  __annotations__["0"] = __torch__.torch.nn.modules.linear.Linear
  rnn : __torch__.torch.nn.modules.rnn.GRU
  def forward(self: __torch__.Net,
    x: Tensor,
    h: Optional[Tensor]=None) -> Tuple[Tensor, Tensor]:
    rnn = self.rnn
    training = self.training
    if torch.__is__(h, None):
      h0 = torch.zeros([1, torch.size(x, 1), 2], dtype=6)
    else:
      h0 = unchecked_cast(Tensor, h)
    y, h1, = (rnn).run(torch.add(x, self.shift, alpha=1), h0, )
    if torch.lt(torch.dim(y), 2):
      ops.prim.RaiseException("too few", "builtins.ValueError")
    else:
      pass
    with torch.no_grad():
      z = __torch__.norm(torch.dropout(y, 0.1, training), -1, )
    _0 = getattr(self, "0")
    z0 = (_0).forward(torch.cat([z, torch.relu(y)], -1), )
    z1 : Tensor = torch.sub(1., torch.sigmoid(torch.select(z0, 0, -1)))
    return (z1, h1)
def norm(x: Tensor,
    dim: int=1) -> Tensor:
  return torch.softmax(x, dim)
`

// rnn is what good calls, so that its class is not one of PyTorch's.
const rnn = `class Own(Module):
  def run(self: __torch__.rnn.Own, x: Tensor, h: Tensor) -> Tuple[Tensor, Tensor]:
    _0 = [self.w, self.r, self.b, self.c]
    y, h1 = torch.gru(x, h, _0, True, 1, 0., False, False, False)
    return (y, h1)
class Linear(Module):
  def forward(self: __torch__.rnn.Linear, x: Tensor) -> Tensor:
    output = torch.matmul(x, torch.t(self.weight))
    return torch.add_(output, self.bias)
`

func net() *Module {
	tensor := func(path string, shape ...int) *Tensor { return &Tensor{Path: path, Shape: shape} }
	return &Module{Class: "__torch__.Net", Attrs: map[string]any{
		"shift": tensor("shift", 3),
		"0": &Module{Class: "__torch__.rnn.Linear", Path: "0", Attrs: map[string]any{
			"weight": tensor("0.weight", 5, 4), "bias": tensor("0.bias", 5),
		}},
		"rnn": &Module{Class: "__torch__.rnn.Own", Path: "rnn", Attrs: map[string]any{
			"w": tensor("rnn.w", 6, 3), "r": tensor("rnn.r", 6, 2), "b": tensor("rnn.b", 6), "c": tensor("rnn.c", 6),
		}},
	}}
}

func specOf(text string) (*spec.Spec, error) {
	p, err := Parse(map[string][]byte{"__torch__.py": []byte(text), "__torch__/rnn.py": []byte(rnn)}, []any{&Tensor{Value: 2}})
	if err != nil {
		return nil, err
	}
	s, _, err := p.Spec("net.pt", net())
	return s, err
}

func TestSpec(t *testing.T) {
	s, err := specOf(good)
	require.NoError(t, err)
	assert.Equal(t, &spec.Spec{File: "net.pt", Input: 3, Output: "apply.3", Layers: []spec.Layer{
		{Kind: "scale", Name: "scale", From: []string{"input"}, Tensors: map[string]string{"bias": "shift"}},
		{Kind: "gru", Name: "gru", From: []string{"scale"}, Tensors: map[string]string{
			"weight_ih_l0": "rnn.w", "weight_hh_l0": "rnn.r", "bias_ih_l0": "rnn.b", "bias_hh_l0": "rnn.c"}},
		{Kind: "softmax", Name: "softmax", From: []string{"gru"}, Tensors: nil},
		{Kind: "apply", Name: "apply", From: []string{"gru"}, Activation: &format.Function{Kind: format.Relu}},
		{Kind: "concat", Name: "concat", From: []string{"softmax", "apply"}},
		{Kind: "dense", Name: "0.2", From: []string{"concat"}, Tensors: map[string]string{"weight": "0.weight", "bias": "0.bias"}},
		{Kind: "apply", Name: "apply.2", From: []string{"0.2"}, Activation: &format.Function{Kind: format.Sigmoid}},
		{Kind: "apply", Name: "apply.3", From: []string{"apply.2"}, Activation: &format.Function{Kind: format.Affine, Alpha: -1, Beta: 1}},
	}}, s)
}

func TestErrors(t *testing.T) {
	for _, c := range []struct{ from, to, want string }{
		{"torch.softmax(x, dim)", "torch.conv1d(x, dim)", "code/__torch__.py:31: torch.conv1d is not supported"},
		{"torch.softmax(x, dim)", "torch.softmax(x, 0)", "code/__torch__.py:31: torch.softmax over another dimension than that of features"},
		{"(z1, h1)", "(h, h1)", "code/__torch__.py: want what comes from the input, found None"},
		{"torch.dim(y), 2", "torch.sum(y), 2", ""},
		{`ops.prim.RaiseException("too few", "builtins.ValueError")`, "y = torch.neg(y)", ""},
		{"if torch.lt(torch.dim(y), 2):\n      ops.prim.RaiseException(\"too few\", \"builtins.ValueError\")", "if torch.lt(torch.sum(y), 2):\n      y = torch.neg(y)", "what depends on the condition in code/__torch__.py:19 is used as if it came from the input"},
		{"      pass\n", "      ops.prim.RaiseException()\n", "code: forward ends in an exception"},
		{"    training = self", "    self.training = True\n    training = self", "code/__torch__.py:13: it writes to an attribute"},
		{"    training = self", "    for i in range(3):\n      pass\n    training = self", "code/__torch__.py:13: a for loop is not supported"},
		{"torch.zeros(", "torch.randn(", "code/__torch__/rnn.py:4: an initial state of torch.gru that is the result of torch.randn, supported are zeros"},
		{", self.shift", ", CONSTANTS.c0", ""},
		{", self.shift", ", CONSTANTS.c1", `code/__torch__.py:18: no constant "c1"`},
		{", self.shift, alpha=1", ", self.shift, alpha=2", "code/__torch__.py:18: torch.add with alpha"},
		{"z0, 0, -1", "z0, 0, 0", "code/__torch__.py:27: torch.select is supported of the last step"},
		{"z0, 0, -1", "z0, 2, -1", "code/__torch__.py:27: torch.select is supported of the last step"},
		{"torch.cat([z, torch.relu(y)], -1)", "z", "code/__torch__/rnn.py:8: a layer that reads 4 features of 2"},
		{"torch.relu(y)", "torch.relu_(y)", ""},
		{"[z, torch.relu(y)]", "[torch.relu_(y), z]", ""},
		{"[z, torch.relu(y)]", "[torch.relu_(y), y]", "code/__torch__.py:26: it uses gru, which was changed in place"},
		{"(z1, h1)", "(torch.squeeze(h1, 0), z1)", ""},
		{"(z1, h1)", "(torch.select(h1, 0, -1), z1)", ""},
		{"(z1, h1)", "(torch.select(h1, 0, 1), z1)", "code/__torch__.py:28: torch.select is supported of the last step"},
		{"(z1, h1)", "(torch.select(y, torch.size(y, 0), -1), z1)", "code/__torch__.py:28: torch.select with a size for a dimension"},
		{"def forward(", "def backward(", "no method forward of __torch__.Net"},
		{"(self: __torch__.Net,", "(self: [", "code/__torch__.py:"},
		{"(_0).forward(", "(_0).backward(", "code/__torch__.py:26: a call of the attribute backward"},
		{"torch.add(x, self.shift, alpha=1), h0, )", "x, h=h0)", "code/__torch__.py:18: a call of a method with arguments by name"},
		{"training), -1, )", "training), dim=-1)", "code/__torch__.py:24: a call of __torch__.norm with arguments by name"},
		{"(rnn).run(", "(self).forward(", "nested deeper than 100 levels"},
		{"1., torch.sig", strings.Repeat("(", 300) + "1., torch.sig", "brackets do not match or are nested too deeply"},
		{"1., torch.sig", strings.Repeat("-", 300) + "1., torch.sig", "nested deeper than 200 levels"},
		{`"too few"`, `"too few`, "code/__torch__.py:20: a text without an end"},
	} {
		text := strings.Replace(good, c.from, c.to, 1)
		require.NotEqual(t, good, text)
		_, err := specOf(text)
		if c.want == "" {
			assert.NoError(t, err, c.to)
		} else {
			assert.ErrorContains(t, err, c.want, c.to)
		}
	}
}

// A scripted nn.RNN has its nonlinearity in a constant of its class.
func TestScriptedRNN(t *testing.T) {
	const code = `class RNN(Module):
  mode : Final[str] = "RNN_RELU"
  batch_first : Final[bool] = False
  _flat_weights_names : List[str]
`
	m := &Module{Class: "__torch__.Net", Attrs: map[string]any{"rnn": &Module{
		Class: "__torch__.torch.nn.modules.rnn.___torch_mangle_5.RNN", Path: "rnn",
		Attrs: map[string]any{
			"weight_ih_l0": &Tensor{Path: "rnn.weight_ih_l0", Shape: []int{2, 3}},
			"weight_hh_l0": &Tensor{Path: "rnn.weight_hh_l0", Shape: []int{2, 2}},
		},
	}}}
	files := map[string][]byte{
		"__torch__.py": []byte("class Net(Module):\n  def forward(self: __torch__.Net, x: Tensor) -> Tensor:\n    y, _0, = (self.rnn).forward__0(x, None, )\n    return y\n"),
	}
	for _, c := range []struct{ from, to, want string }{
		{"", "", ""},
		{"RNN_RELU", "LSTM", `an nn.RNN whose mode is "LSTM", supported are RNN_TANH and RNN_RELU`},
		{"batch_first", "batch", "nn.RNN rnn does not say whether it is batch_first"},
	} {
		files["__torch__/torch/nn/modules/rnn/___torch_mangle_5.py"] = []byte(strings.Replace(code+"  def forward__0(self: T) -> None:\n    pass\n", c.from, c.to, 1))
		p, err := Parse(files, nil)
		require.NoError(t, err)
		s, _, err := p.Spec("net.pt", m)
		if c.want != "" {
			assert.ErrorContains(t, err, c.want)
			continue
		}
		require.NoError(t, err)
		require.Len(t, s.Layers, 1)
		assert.Equal(t, "rnn", s.Layers[0].Kind)
		assert.Equal(t, &format.Function{Kind: format.Relu}, s.Layers[0].Activation)
		assert.Equal(t, map[string]string{"weight_ih_l0": "rnn.weight_ih_l0", "weight_hh_l0": "rnn.weight_hh_l0"}, s.Layers[0].Tensors)
	}
}

// Values that share their parts, and ways that part again and again, end soon.
func TestHostile(t *testing.T) {
	var lists, branches strings.Builder
	lists.WriteString("class Net(Module):\n  def forward(self: T, x: Tensor) -> Tensor:\n    a = [x, x]\n")
	branches.WriteString("class Net(Module):\n  def forward(self: T, x: Tensor, y: Tensor) -> Tensor:\n")
	for i := range 90 {
		lists.WriteString("    a = [a, a]\n")
		branches.WriteString(strings.Repeat("  ", i+2) + "if y:\n" + strings.Repeat("  ", i+3) + "x = (self).forward(x, y)\n")
	}
	lists.WriteString("    return torch.cat(a, -1)\n")
	for _, text := range []string{lists.String(), branches.String()} {
		require.Error(t, hostiletest.Read(t, func() error {
			_, err := specOf(text)
			return err
		}))
	}
	read := func(data []byte) error {
		_, err := specOf(string(data))
		return err
	}
	hostiletest.Flips(t, []byte(good), read, nil)
	for n := range good {
		_ = hostiletest.Read(t, func() error { return read([]byte(good[:n])) })
	}
}

// moved moves dimensions, and step is a step of a cell as it is traced.
const (
	moved = `class Net(Module):
  def forward(self: T, x: Tensor) -> Tensor:
    rnn = self.rnn
    x0 = torch.view(x, [torch.size(x, 0), torch.size(x, 1), -1])
    y, h = torch.gru(torch.permute(x0, [1, 0, 2]), torch.zeros([1]), [rnn.w, rnn.r], False, 1, 0., False, False, False)
    z = torch.squeeze(torch.slice(torch.flatten(torch.unsqueeze(torch.transpose(y, 0, 1), 2), 2), 1, -1))
    return torch.add(torch.silu(z), torch.div(z, torch.add(torch.abs(z), 1)))
`
	step = `class Net(Module):
  def forward(self: T, x: Tensor, s: Tuple[Tensor, Tensor]) -> Tensor:
    h, k, = s
    a = torch.linear(h, self.rnn.r, self.rnn.b)
    i, f, g, o, = torch.unsafe_chunk(torch.add_(a, torch.linear(x, self.rnn.w)), 4, 1)
    c = torch.add_(torch.mul(torch.sigmoid(f), k), torch.mul(torch.sigmoid(i), torch.tanh(g)))
    y = torch.mul(torch.sigmoid_(o), torch.tanh(c))
    return (y, (y, c))
`
)

// Both seeds are followed to their ends.
func TestSeeds(t *testing.T) {
	for _, text := range []string{moved, step} {
		_, err := specOf(text)
		assert.NoError(t, err)
	}
}

// Whatever the program, following it ends in an error or in layers.
func FuzzSpec(f *testing.F) {
	f.Add(good)
	f.Add(moved)
	f.Add(step)
	f.Fuzz(func(t *testing.T, text string) {
		s, err := specOf(text)
		if err == nil && len(s.Layers) == 0 {
			t.Fatal("neither layers nor an error")
		}
	})
}
