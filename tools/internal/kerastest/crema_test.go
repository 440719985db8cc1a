// The HDF5 library needs an int of 64 bits.
//go:build !386 && !arm && !mips && !mipsle

package kerastest

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/scigolib/hdf5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/format"
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

	const group = "/model_weights/bidirectional_1/bidirectional_1/"
	weights := datasets(t, filepath.Join(folder, "model.h5"), group)
	var w [][]float32
	for _, half := range []string{"forward_gru_1/", "backward_gru_1/"} {
		for _, c := range []struct {
			name string
			size int
		}{{"kernel:0", 272 * 3 * 64}, {"recurrent_kernel:0", 64 * 3 * 64}, {"bias:0", 3 * 64}} {
			require.Len(t, weights[half+c.name], c.size, half+c.name)
			w = append(w, weights[half+c.name])
		}
	}
	b := format.NewBuilder(272)
	l := layer{"GRU", tanh, hardSigmoid}
	ys := run(t, session(t, b, l.bidirectional(b, format.Input, w, "concat", true)), x.Float32())
	require.Len(t, ys, 60*128)
	compare(t, y.Float32(), ys)
}

// datasets reads the datasets under group, by their names in it.
func datasets(t *testing.T, path, group string) map[string][]float32 {
	f, err := hdf5.Open(path)
	require.NoError(t, err)
	defer func() { assert.NoError(t, f.Close()) }()
	list := map[string][]float32{}
	f.Walk(func(path string, o hdf5.Object) {
		name, ok := strings.CutPrefix(path, group)
		d, isData := o.(*hdf5.Dataset)
		if !ok || !isData {
			return
		}
		values, err := d.Read()
		require.NoError(t, err, path)
		narrow := make([]float32, len(values))
		for i, v := range values {
			narrow[i] = float32(v)
		}
		list[name] = narrow
	})
	return list
}
