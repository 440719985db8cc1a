// Package onnx imports recurrent networks from ONNX models.
//
// The graph is followed for one time step of one stream: every dynamic dimension
// is 1, so that an activation is a vector of features, and ops that move
// dimensions of size 1 about, pack or unpack states, or assemble weights cost
// nothing. RNN, GRU and LSTM nodes become layers with state; an initial state that
// is a graph input and comes back as a graph output is the state of a session,
// which starts from zeros. A direction that runs backward in time makes a model that
// needs whole sequences. What would change the result is refused by name.
package onnx

import (
	"fmt"

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
// NumPy array; nil binds none. sourceFormat names the format with its opset, notes are
// what was left aside or changed. Nothing of the result aliases data.
func Read(file string, data []byte, bind map[string][]byte) (m *format.Model, sourceFormat string, notes []string, err error) {
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
	t := newTranslation(p, len(data))
	if err = t.bindInputs(bind); err == nil {
		m, err = t.model()
	}
	if err != nil {
		return nil, "", nil, fmt.Errorf("%s: %w", file, err)
	}
	return m, sourceFormat, t.notes, nil
}
