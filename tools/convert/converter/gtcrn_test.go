package converter

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/internal/reference"
)

// GTCRN's checkpoint is a dict with an optimizer, in a .tar that is a zip. Its convolutions
// are refused by name; its recurrent parts convert with a spec.
func TestGTCRN(t *testing.T) {
	source := filepath.Join("../../../../shared/models", "gtcrn", "model_trained_on_dns3.tar")
	if _, err := os.Stat(source); err != nil {
		t.Skip("no ../shared/models/gtcrn: ", err)
	}
	_, err := Convert(source, "")
	assert.ErrorContains(t, err, `# not supported: "encoder.en_convs.0.conv", a convolution by its shape: # weight [16 9 1 5], bias [16]`)
	assert.ErrorContains(t, err, "- gru: encoder.en_convs.2.tra.att_gru # weight_ih_l0 [48 8], weight_hh_l0 [48 16]")

	spec := filepath.Join(t.TempDir(), "spec.yaml")
	for _, c := range []struct {
		text          string
		inputs, width int
	}{
		{`
layers:
  - gru: encoder.en_convs.2.tra.att_gru
  - dense: encoder.en_convs.2.tra.att_fc
    activation: sigmoid
ignore: [erb, encoder.en_convs.0, encoder.en_convs.1, encoder.en_convs.2.point_conv1, encoder.en_convs.2.point_bn1,
  encoder.en_convs.2.point_act, encoder.en_convs.2.depth_conv, encoder.en_convs.2.depth_bn, encoder.en_convs.2.depth_act,
  encoder.en_convs.2.point_conv2, encoder.en_convs.2.point_bn2, encoder.en_convs.3, encoder.en_convs.4, dpgrnn1, dpgrnn2, decoder]
`, 8, 8},
		{`
layers:
  - gru: dpgrnn1.intra_rnn.rnn1
  - gru: dpgrnn1.inter_rnn.rnn1
ignore: [erb, encoder, dpgrnn1.intra_rnn.rnn2, dpgrnn1.intra_fc, dpgrnn1.intra_ln, dpgrnn1.inter_rnn.rnn2,
  dpgrnn1.inter_fc, dpgrnn1.inter_ln, dpgrnn2, decoder]
`, 8, 8},
	} {
		require.NoError(t, os.WriteFile(spec, []byte(c.text), 0o600))
		r, err := Convert(source, spec)
		require.NoError(t, err)
		m := open(t, r.Model)
		require.Equal(t, c.inputs, m.InputSize())
		require.Equal(t, c.width, m.OutputSize())
		const steps = 50
		xs, ys := make([]float32, c.inputs*steps), make([]float32, c.width*steps)
		for i := range xs {
			xs[i] = float32(i*i%31)/16 - 1
		}
		_, err = m.NewSession().Run(ys, xs)
		require.NoError(t, err)
		var want []float64
		for _, y := range reference.New(r.Model).Run(xs, steps) {
			want = append(want, y...)
		}
		assert.LessOrEqual(t, worst(t, want, ys), 1e-6)
	}
}
