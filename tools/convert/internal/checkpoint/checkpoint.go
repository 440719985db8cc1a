// Package checkpoint is the vocabulary that the importers share: what a file of
// trained weights holds: tensors, and seldom how its layers are connected.
package checkpoint

import (
	"strings"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/tools/convert/internal/spec"
)

// MaxTensors is the largest number of tensors in a file, as many as a model may have.
const MaxTensors = format.MaxItems

// Tensor is one named array of a checkpoint: dense, row-major, widened to
// float32. Widening is exact for float16, bfloat16 and float32; float64 is
// rounded to nearest, ties to even. NaN and infinities are kept.
type Tensor struct {
	Name  string
	Shape []int // empty for a scalar; len(Data) is the product
	Data  []float32
	DType string // as stored: "float16", "bfloat16", "float32", "float64"
}

// Checkpoint is the content of one file. It does not alias the bytes it was
// read from.
type Checkpoint struct {
	File    string            // name for messages
	Format  string            // "PyTorch zip", "safetensors"
	Tensors []Tensor          // in file order, names are unique
	Meta    map[string]string // plain scalars and strings found beside the tensors, keys dotted
	Skipped []string          // what was left aside or changed, one sentence each
	Spec    *spec.Spec        // how the layers are connected, nil if the file does not tell
	Unknown string            // why not, if there is more to say than that
	Epsilon float32           // of normalisations whose own is not said; 0 is PyTorch's, 1e-5
	Modules map[string]Module // what the file says of modules beside their tensors, by prefix
	Absent  map[string]string // why tensors are not there whose parts are, by name
}

// A Module is what tensors come from.
type Module struct {
	Class        string  // as "torch.nn.modules.linear.Linear"
	Epsilon      float32 // of a normalisation, 0 if it is not said
	Nonlinearity string  // of an RNN: "tanh" or "relu", "" if it is not said
	MaxNorm      bool    // of an embedding: rows are made shorter when they are read
}

// layers are the kinds of layers that PyTorch's modules with tensors are.
var layers = map[string]string{
	"torch.nn.modules.rnn.RNN": "rnn", "torch.nn.modules.rnn.RNNCell": "rnn",
	"torch.nn.modules.rnn.LSTM": "lstm", "torch.nn.modules.rnn.LSTMCell": "lstm",
	"torch.nn.modules.rnn.GRU": "gru", "torch.nn.modules.rnn.GRUCell": "gru",
	"torch.nn.modules.linear.Linear":           "dense",
	"torch.nn.modules.conv.Conv1d":             "dense", // over one step; its shape tells
	"torch.nn.modules.sparse.Embedding":        "embedding",
	"torch.nn.modules.normalization.LayerNorm": "layernorm",
	"torch.nn.modules.batchnorm.BatchNorm1d":   "batchnorm",
}

// Layer is the kind of layer that m is, "" if it is one of PyTorch's modules that is none;
// known says whether m is one of those.
func (m Module) Layer() (kind string, known bool) {
	if kind = layers[m.Class]; m.MaxNorm {
		kind = ""
	}
	return kind, strings.HasPrefix(m.Class, "torch.nn.modules.")
}

// Lookup returns the tensor of that name, or nil if there is none. The tensor
// belongs to the checkpoint.
func (c *Checkpoint) Lookup(name string) *Tensor {
	for i := range c.Tensors {
		if c.Tensors[i].Name == name {
			return &c.Tensors[i]
		}
	}
	return nil
}
