package converter

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// RNNoise's own net, against the same sums in float32, and against the C code, which
// looks sigmoid and tanh up in a table.
func TestRNNoise(t *testing.T) {
	const models = "../../../../shared/models"
	source := filepath.Join(models, "rnnoise-rnnn", "std.rnnn")
	if _, err := os.Stat(source); err != nil {
		t.Skip("no ../shared/models/rnnoise-rnnn: ", err)
	}
	r, err := Convert(source, "")
	require.NoError(t, err)
	assert.Equal(t, "22 gains of bands, 1 of voice activity", r.Model.Value("outputs"))
	m := open(t, r.Model)
	io := archive(t, filepath.Join(models, "rnnoise-c", "derived_io", "std.npz"))
	x, gains, vad, exact := io("x").Float32(), io("c_gains").Float64(), io("c_vad").Float64(), io("exact").Float64()
	steps := len(vad)
	ys := make([]float32, 23*steps)
	_, err = m.NewSession().Run(ys, x)
	require.NoError(t, err)

	var want, c []float64
	for i := range steps {
		want = append(want, exact[191*i:191*i+23]...) // then come the states
		c = append(append(c, gains[22*i:22*i+22]...), vad[i])
	}
	t.Logf("worst error %.2e, of the C code %.2e", worst(t, want, ys), worst(t, c, ys))
	assert.LessOrEqual(t, worst(t, want, ys), 2e-6)
	assert.LessOrEqual(t, worst(t, c, ys), 1e-4)
}
