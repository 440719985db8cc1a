package kerastest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/tools/convert/internal/hdf5"
	"github.com/rnnedge/rnnedge/tools/internal/npy"
)

// The bidirectional GRU of CREMA's beat tracker, 272→2·64, trained with Keras 2.0.5:
// hard_sigmoid, tanh, concat, all steps (the model_config attribute of its file).
func TestCrema(t *testing.T) {
	folder := models(t, "crema-beats")
	io, err := npy.ReadArchive(filepath.Join(folder, "derived_io", "bigru_layer.npz"))
	require.NoError(t, err)
	x, err := io.Array("x")
	require.NoError(t, err)
	y, err := io.Array("y")
	require.NoError(t, err)

	data, err := os.ReadFile(filepath.Join(folder, "model.h5"))
	require.NoError(t, err)
	file, err := hdf5.Open(data)
	require.NoError(t, err)
	var w [][]float32
	for _, half := range []string{"forward_gru_1", "backward_gru_1"} {
		group, err := file.Root().Group("model_weights/bidirectional_1/bidirectional_1/" + half)
		require.NoError(t, err)
		for _, c := range []struct {
			name  string
			shape []int
		}{{"kernel:0", []int{272, 3 * 64}}, {"recurrent_kernel:0", []int{64, 3 * 64}}, {"bias:0", []int{3 * 64}}} {
			d, err := group.Dataset(c.name)
			require.NoError(t, err)
			require.Equal(t, c.shape, d.Shape(), d.Path())
			values, err := d.Float32()
			require.NoError(t, err)
			w = append(w, values)
		}
	}
	b := format.NewBuilder(272)
	l := layer{"GRU", tanh, hardSigmoid}
	ys := run(t, session(t, b, l.bidirectional(b, format.Input, w, "concat", true)), x.Float32())
	require.Len(t, ys, 60*128)
	compare(t, y.Float32(), ys)
}
