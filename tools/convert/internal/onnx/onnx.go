// Package onnx imports recurrent networks from ONNX models.
//
// The graph is followed once, node by node, for one time step of one stream. A
// dynamic dimension is 1 then, and so is a fixed one that counts steps or streams, so
// that a value is a vector of features. Of each of its elements it is known where it
// comes from, a ref; ops that only move elements about cost nothing, and a layer is
// added where somebody reads what it computes:
//
//	x [time, streams, 2]  shape [1, 1, 2], free [t, s, -], refs x0 x1
//	  Transpose 1,0,2     shape [1, 1, 2], free [s, t, -], refs x0 x1
//	  Gather 1 of axis 2  shape [1, 1],    free [s, t],    refs x1
//	  Tanh                slice and activation layers,     refs tanh0
//
// Three marks keep one step from being taken for the whole sequence:
//
//   - free says which dimensions may be longer in the graph, and which dimension of
//     the input each is: two values meet only if theirs agree, all cells run along one
//     of them, and a reshape leaves them in their place;
//   - last says that a value is of the last step only: it does not meet one of every
//     step, and no cell reads it;
//   - dyn says that a constant was made from a length: it serves as a shape, and is
//     never computed with.
//
// RNN, GRU and LSTM nodes become a layer for each direction. One that runs backward in
// time lies between two Reverse layers, and its first step of a sequence is its own
// last one; the model then needs whole sequences:
//
//	x ─┬────────────── cell ──────────────┬─ Y
//	   └─ Reverse ── cell.reverse ─┬─ Reverse ─┘
//	                               └─ Y_h
//
// A cell that is written out as products, sums and functions is found by package
// cellmatch, in the graph of one step (written.go) and in the body of a Loop or Scan
// (loop.go), with what is computed of its states there (beside.go); steps that are all
// written out become such a body (unrolled.go), or where PyTorch has done it a RNN node
// (chain.go). Quantised weights are taken back to float32 (quantised.go).
//
// An initial state that is a graph input is the state of a session, which starts from
// zeros, whether it comes back as a graph output or not. What would change the result
// is refused by name.
package onnx

import (
	"fmt"
	"path/filepath"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/rnnedge/rnnedge/format"
)

// Sniff reports whether data looks like an ONNX model, perhaps a damaged one.
func Sniff(data []byte) bool {
	var version bool // or a producer: early files have no version
	for len(data) > 0 {
		num, typ, n := protowire.ConsumeTag(data)
		if n < 0 {
			return false
		}
		want, known := modelFields[num]
		if !known || typ != want {
			return false
		}
		data = data[n:]
		version = version || num == modelVersion || num == modelProducer
		if num == modelGraph && version {
			return true
		}
		if n = protowire.ConsumeFieldValue(num, typ, data); n < 0 {
			return false
		}
		data = data[n:]
	}
	return false
}

// Read translates the model in data; file stands for it in messages. Graph inputs that
// bind names become constants, each the content of a file with a TensorProto or a
// NumPy array; nil binds none. Of a graph that is one step, states names the inputs that are
// states, all of them, where shapes do not tell. Weights that the model keeps in other files are read from
// the folder of file. sourceFormat names the format with its opset, notes are
// what was left aside or changed. Nothing of the result aliases data.
func Read(file string, data []byte, bind map[string][]byte, states ...string) (m *format.Model, sourceFormat string, notes []string, err error) {
	p, err := parseModel(data)
	if err != nil {
		return nil, "", nil, fmt.Errorf("%s: %w", file, err)
	}
	if p.graph == nil {
		return nil, "", nil, fmt.Errorf("%s: found no graph, expected an ONNX model", file)
	}
	sourceFormat = "ONNX"
	if p.opset > 0 {
		sourceFormat = fmt.Sprintf("ONNX opset %d", p.opset)
	}
	external, err := p.readExternal(filepath.Dir(file))
	if err != nil {
		return nil, "", nil, fmt.Errorf("%s: %w", file, err)
	}
	t := newTranslation(p, len(data)+external)
	t.said = states
	if err = t.bindInputs(bind); err == nil {
		m, err = t.model()
	}
	if err != nil {
		return nil, "", nil, fmt.Errorf("%s: %w", file, err)
	}
	return m, sourceFormat, t.notes, nil
}
