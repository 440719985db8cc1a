package onnx_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/tools/convert/internal/onnx"
	"github.com/rnnedge/rnnedge/tools/internal/npy"
)

const shared = "../../../../../shared/models"

// ONNX Runtime's own forward cases that output Y: each row of the batch is a stream.
func TestOnnxRuntimeVectors(t *testing.T) {
	root := filepath.Join(shared, "ort-rnn-tests/onnx")
	if _, err := os.Stat(root); err != nil {
		t.Skip("no ../shared/models")
	}
	for _, name := range []string{
		"gru_ForwardDefaultActivationsSimpleWeightsNoBiasTwoRows_0",
		"lstm_ForwardSimpleWeightsNoBiasTwoRows_0",
		"lstm_BatchParallelFalseSeqLengthGreaterThanOne_0",
		"lstm_LSTMForwardInputForget_0",
		"lstm_LSTMForwardNoBiasUsePeepholes_0",
	} {
		t.Run(name, func(t *testing.T) {
			data, err := os.ReadFile(filepath.Join(root, name, "model.onnx"))
			require.NoError(t, err)
			m, _, _, err := onnx.Read(name, data)
			require.NoError(t, err)
			load := func(file string) ([]int, []float32) {
				b, err := os.ReadFile(filepath.Join(root, name, "test_data_set_0", file))
				require.NoError(t, err)
				shape, v, err := onnx.DecodeTensor(b)
				require.NoError(t, err)
				return shape, v
			}
			shape, x := load("input_0.pb")
			yShape, y := load("output_0.pb")
			T, B, I, H := shape[0], shape[1], shape[2], m.OutputSize()
			require.Equal(t, []int{T, 1, B, H}, yShape)
			for b := range B {
				var xs []float32
				var want []float64
				for k := range T {
					xs = append(xs, x[(k*B+b)*I:][:I]...)
					for _, v := range y[(k*B+b)*H:][:H] {
						want = append(want, float64(v))
					}
				}
				e := worst(t, engine(t, m, xs), want)
				t.Logf("row %d: worst error %.2g", b, e)
				require.LessOrEqual(t, e, 2e-5)
			}
		})
	}
}

// DTLN's first model: two LSTMs whose four states travel packed in one tensor,
// [1, 2, 128, 2], and a mask.
func TestDTLN(t *testing.T) {
	file := filepath.Join(shared, "dtln/model_1.onnx")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Skip("no ../shared/models")
	}
	m, _, _, err := onnx.Read(file, data)
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
