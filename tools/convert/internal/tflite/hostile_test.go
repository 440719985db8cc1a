package tflite_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/tools/convert/internal/hostiletest"
	"github.com/rnnedge/rnnedge/tools/convert/internal/tflite"
)

func read(data []byte) error {
	tflite.Sniff(data)
	_, _, err := tflite.Read("m.tflite", data)
	return err
}

// A file has no checksum: damage is an error or another model, and always the end of it.
func TestHostile(t *testing.T) {
	data, err := os.ReadFile("testdata/rnn_step.tflite")
	require.NoError(t, err)
	for n := range data {
		_ = hostiletest.Read(t, func() error { return read(data[:n]) })
	}
	hostiletest.Flips(t, data, read, nil)
}

func TestSniff(t *testing.T) {
	for _, other := range []string{"", "\x1c\x00\x00\x00TFL", "\x1c\x00\x00\x00TFL2", "{\"a\": 1}", "\x89HDF\r\n\x1a\n"} {
		require.False(t, tflite.Sniff([]byte(other)), "%q", other)
	}
}

func FuzzRead(f *testing.F) {
	for _, name := range []string{"lstm_coupled_all", "rnn", "lstm_norm_peephole", "around", "keras_last", "keras_flatten", "keras_gru", "keras_unrolled", "states", "both_rnn", "keras_functions", "keras3_tokens", "keras_int8"} {
		data, err := os.ReadFile(filepath.Join("testdata", name+".tflite"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(_ *testing.T, data []byte) { _ = read(data) })
}
