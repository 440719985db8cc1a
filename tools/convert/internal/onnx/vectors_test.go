package onnx_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/infer"
	"github.com/rnnedge/rnnedge/tools/convert/internal/onnx"
	"github.com/rnnedge/rnnedge/tools/internal/npy"
)

const shared = "../../../../../shared/models"

// The official tests of RNN, GRU and LSTM nodes, ONNX Runtime's own and CNTK's: all
// of them, each stream of the batch by itself, every output that has a file.
func TestVectors(t *testing.T) {
	for folder, count := range map[string]int{
		"onnx-backend-node": 12, "onnx-backend-node-deb1.12": 12, "ort-rnn-tests/onnx": 67, "ort-rnn-tests/CNTK": 2,
	} {
		t.Run(folder, func(t *testing.T) {
			if _, err := os.Stat(filepath.Join(shared, folder)); err != nil {
				t.Skip("no ../shared/models/" + folder)
			}
			files, err := filepath.Glob(filepath.Join(shared, folder, "*", "model.onnx"))
			require.NoError(t, err)
			require.Len(t, files, count)
			for _, file := range files {
				v := readVector(t, filepath.Dir(file))
				t.Run(v.name, v.test)
			}
		})
	}
}

// tolerance is the accuracy of the expected numbers. Those of these two are 6.135e-5
// away from the equations in float64, and from what ONNX Runtime computes today.
func tolerance(name string) float64 {
	switch name {
	case "lstm_LSTMShorterSeqInMiddle_0", "lstm_LSTMZeroSeqInMiddle_0":
		return 6.2e-5
	}
	return 2e-5
}

// A vector is a model with inputs and expected outputs.
type vector struct {
	name            string
	model           []byte
	node            onnx.Node // the only recurrent one, unless joined
	joined          bool      // CNTK: two nodes and a Concat
	files           map[string][]byte
	inputs, outputs map[string]*onnx.Tensor
}

func readVector(t *testing.T, folder string) *vector {
	v := &vector{name: filepath.Base(folder), files: map[string][]byte{}, inputs: map[string]*onnx.Tensor{}, outputs: map[string]*onnx.Tensor{}}
	var err error
	v.model, err = os.ReadFile(filepath.Join(folder, "model.onnx"))
	require.NoError(t, err)
	nodes, err := onnx.Nodes(v.model)
	require.NoError(t, err)
	v.node, v.joined = nodes[0], len(nodes) > 1
	for pattern, to := range map[string]map[string]*onnx.Tensor{"input_*.pb": v.inputs, "output_*.pb": v.outputs} {
		files, err := filepath.Glob(filepath.Join(folder, "test_data_set_0", pattern))
		require.NoError(t, err)
		require.NotEmpty(t, files, folder)
		for _, file := range files {
			b, err := os.ReadFile(file)
			require.NoError(t, err)
			tensor, err := onnx.DecodeTensor(b)
			require.NoError(t, err)
			to[tensor.Name] = tensor
			v.files[tensor.Name] = b
		}
		require.Len(t, to, len(files), "names of tensors")
	}
	return v
}

// input is input k of the node if it comes from a file.
func (v *vector) input(k int) *onnx.Tensor {
	if k >= len(v.node.Inputs) {
		return nil
	}
	return v.inputs[v.node.Inputs[k]]
}

// output is output k of the node if there is a file for it.
func (v *vector) output(k int) *onnx.Tensor {
	if k >= len(v.node.Outputs) {
		return nil
	}
	return v.outputs[v.node.Outputs[k]]
}

// stream is what a tensor has for stream b of N, whose dimension is axis.
func stream(x *onnx.Tensor, axis, b int) []float32 {
	inner := 1
	for _, d := range x.Shape[axis+1:] {
		inner *= d
	}
	var part []float32
	for block := b * inner; block < len(x.Floats); block += x.Shape[axis] * inner {
		part = append(part, x.Floats[block:][:inner]...)
	}
	return part
}

func (v *vector) test(t *testing.T) {
	bind := map[string][]byte{}
	for _, k := range []int{1, 2, 3, 7} { // W, R, B, P
		if x := v.input(k); x != nil {
			bind[x.Name] = v.files[x.Name]
		}
	}
	x, time, batch, states, sequence := v.input(0), 0, 1, 1, 2 // where the stream is counted in X, Y_h and Y
	if v.node.BatchFirst {
		time, batch, states, sequence = 1, 0, 0, 0
	}
	if v.joined {
		sequence = 1
	}
	T, N := x.Shape[time], x.Shape[batch]
	var worst float64
	compare := func(what string, want, have []float32) {
		require.Equal(t, len(want), len(have), what)
		for k := range want {
			e := math.Abs(float64(want[k]) - float64(have[k]))
			require.LessOrEqual(t, e, tolerance(v.name), "%s, element %d: want %v, have %v", what, k, want[k], have[k])
			worst = max(worst, e)
		}
	}
	for b := range N {
		steps := T
		if lens := v.input(4); lens != nil {
			steps = int(lens.Ints[b])
		}
		// The initial states are set in the session, and are constants of the model.
		for _, bound := range []bool{false, true} {
			initial := map[int][]float32{}
			for k, slot := range []int{5, 6} {
				if s := v.input(slot); s != nil && !v.joined {
					initial[k] = stream(s, states, b)
					if bound {
						shape := slices.Clone(s.Shape)
						shape[states] = 1
						bind[s.Name] = tensor(s.Name, initial[k], shape)
					} else {
						delete(bind, s.Name)
					}
				}
			}
			if bound && len(initial) == 0 {
				continue
			}
			m, _, notes, err := onnx.Read(v.name, v.model, bind)
			require.NoError(t, err)
			if b == 0 {
				t.Logf("notes %q", notes)
			}
			s := session(t, m)
			if !bound {
				require.NoError(t, v.write(m, s, initial))
			}
			ys := make([]float32, T*m.OutputSize())
			n, err := s.RunLength(ys, stream(x, batch, b), steps)
			require.NoError(t, err)
			require.Equal(t, steps, n)
			v.compare(t, m, s, ys, steps, b, sequence, states, compare)
		}
	}
	t.Logf("%d streams of up to %d steps, worst error %.2g", N, T, worst)
}

// compare compares every output of stream b.
func (v *vector) compare(t *testing.T, m *format.Model, s *infer.Session, ys []float32, steps, b, sequence, states int, compare func(string, []float32, []float32)) {
	compared := 0
	y := v.output(0)
	for _, joined := range v.outputs {
		if v.joined {
			y = joined
		}
	}
	if y != nil {
		compare(y.Name, stream(y, sequence, b), ys)
		compared++
	} else {
		// What a step gives is h, and after the last step it is Y_h.
		require.Positive(t, steps)
		compare("Y_h as the output", stream(v.output(1), states, b), ys[(steps-1)*m.OutputSize():][:m.OutputSize()])
	}
	for k, suffix := range map[int]string{1: ".h", 2: ".c"} {
		if y := v.output(k); y != nil && !v.joined {
			compare(y.Name, stream(y, states, b), v.read(t, m, s, suffix))
			compared++
		}
	}
	require.Equal(t, len(v.outputs), compared, "outputs that were compared")
}

// statesOf are the indices of the model's states h or c, forward before reverse.
func (v *vector) statesOf(m *format.Model, suffix string) (index []int) {
	for i, s := range m.States {
		if strings.HasSuffix(s.Name, suffix) {
			index = append(index, i)
		}
	}
	return index
}

func (v *vector) write(m *format.Model, s *infer.Session, initial map[int][]float32) error {
	for k, values := range initial {
		for _, i := range v.statesOf(m, []string{".h", ".c"}[k]) {
			size := m.States[i].Size
			if err := s.WriteState(i, values[:size]); err != nil {
				return err
			}
			values = values[size:]
		}
		if len(values) > 0 {
			return fmt.Errorf("%d floats left", len(values))
		}
	}
	return nil
}

func (v *vector) read(t *testing.T, m *format.Model, s *infer.Session, suffix string) (values []float32) {
	for _, i := range v.statesOf(m, suffix) {
		part := make([]float32, m.States[i].Size)
		require.NoError(t, s.ReadState(i, part))
		values = append(values, part...)
	}
	return values
}

// session is a session of a model that has been a file.
func session(t *testing.T, m *format.Model) *infer.Session {
	t.Helper()
	b, err := format.Marshal(m)
	require.NoError(t, err)
	model, err := infer.FromBytes(b)
	require.NoError(t, err)
	return model.NewSession()
}

// DTLN's first model: two LSTMs whose four states travel packed in one tensor,
// [1, 2, 128, 2], and a mask.
func TestDTLN(t *testing.T) {
	file := filepath.Join(shared, "dtln/model_1.onnx")
	if _, err := os.Stat(filepath.Dir(file)); err != nil {
		t.Skip("no ../shared/models/dtln")
	}
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	m, _, _, err := onnx.Read(file, data, nil)
	require.NoError(t, err)
	z, err := npy.ReadArchive(filepath.Join(shared, "dtln/derived_io/model_1.npz"))
	require.NoError(t, err)
	x, err := z.Array("x")
	require.NoError(t, err)
	y, err := z.Array("activation_2")
	require.NoError(t, err)
	e := worst(t, engine(t, m, x.Float32()), y.Float64())
	t.Logf("worst error %.2g", e)
	require.LessOrEqual(t, e, 1e-5)
}
