package torch_test

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/tools/convert/internal/checkpoint"
	"github.com/rnnedge/rnnedge/tools/convert/internal/torch"
)

const (
	formats = "../../testdata/formats"
	models  = "../../../../../shared/models"
	noaa    = models + "/noaa-lstm/nh_AORC_hourly_slope_elev_precip_temp_seq999_seed101_2801_191806/model_epoch009.pt"
)

// real are checkpoints that PyTorch wrote, and the fingerprints of what
// torch.load of PyTorch 2.15 finds in their state_dicts.
var real = []struct {
	path        string
	tensors     int
	fingerprint string
}{
	{formats + "/zip.pt", 10, "7f78ded7492b05d0"},
	{formats + "/legacy.pth", 10, "7f78ded7492b05d0"},
	{formats + "/cuda.pt", 10, "7f78ded7492b05d0"},
	{formats + "/data_parallel.pt", 10, "7f78ded7492b05d0"},
	{formats + "/nested.pt", 10, "7f78ded7492b05d0"},
	{formats + "/strided.pt", 10, "7f78ded7492b05d0"},
	{formats + "/legacy_strided.pth", 10, "7f78ded7492b05d0"},
	{formats + "/float16.pt", 10, "13758fb3a81a8d80"},
	{formats + "/legacy_float16.pth", 10, "13758fb3a81a8d80"},
	{formats + "/bfloat16.pt", 10, "af8473c726697fa9"},
	{formats + "/tied.pt", 10, "ff2c5c53ae286b28"},
	{formats + "/bidirectional.pt", 8, "b06c6e5164fffd40"},
	{formats + "/projection.pt", 5, "8d6f7cf07229d626"},
	{formats + "/gru_alone.pt", 4, "e4a859fc2efac13b"},
	{formats + "/lstm_cell.pt", 4, "46fc896ccf3e5bca"},
	{formats + "/whole_module.pt", 10, "7f78ded7492b05d0"},
	{formats + "/checkpoint.pth.tar", 10, "7f78ded7492b05d0"},
	{formats + "/pytorch_model.bin", 10, "7f78ded7492b05d0"},
	{formats + "/rnn_alone.pt", 4, "745d2d14d19116a5"},
	{noaa, 6, "a6d6785e63c6c218"},
	{models + "/gtcrn/model_trained_on_dns3.tar", 249, "2eb5d2382107bff0"},
	{models + "/gtcrn/model_trained_on_vctk.tar", 249, "c0f4d0c21da4a80c"},
	{formats + "/script_lstm.pt", 13, "a7fe815a4b08e0fa"},
	{formats + "/trace_lstm.pt", 13, "a7fe815a4b08e0fa"},
	{formats + "/script_gru.pt", 10, "4c15b5d4348ca642"},
	{formats + "/torchscript.pt", 4, "5bdde652eb05a0c4"},
	{models + "/noaa-lstm/sugar_creek_trained.pt", 6, "daf24b8f302ab4f6"},
	{models + "/anydrive/anydrive_v3_lstm.pt", 12, "8675d24a4064dc27"},
	{models + "/silero-vad/silero_vad.jit", 30, "6306e0ce8d07fd74"},
}

// fingerprint is the start of the SHA-256 over all tensors in order, each as a
// line "name dtype [shape]" and its float32 numbers, little-endian.
func fingerprint(c *checkpoint.Checkpoint) string {
	h := sha256.New()
	for _, t := range c.Tensors {
		fmt.Fprintln(h, t.Name, t.DType, t.Shape)
		var b []byte
		for _, v := range t.Data {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
		}
		h.Write(b)
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// load reads a real file, or skips the test by the file's name.
func load(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.FromSlash(path))
	if err != nil {
		t.Skipf("no %s", path)
	}
	return data
}

func TestReal(t *testing.T) {
	for _, test := range real {
		t.Run(filepath.Base(test.path), func(t *testing.T) {
			c := read(t, load(t, test.path))
			require.Len(t, c.Tensors, test.tensors)
			require.Equal(t, test.fingerprint, fingerprint(c))
		})
	}
}

func TestRealSurroundings(t *testing.T) {
	c := read(t, load(t, models+"/gtcrn/model_trained_on_dns3.tar"))
	require.Equal(t, map[string]string{"epoch": "87"}, c.Meta)
	require.Equal(t, "optimizer: optimizer state", c.Skipped[0])
	require.Contains(t, c.Skipped, "encoder.en_convs.0.bn.num_batches_tracked: int64 tensor of shape []")
}

func TestRealRefusals(t *testing.T) {
	for path, want := range map[string]string{
		models + "/silero-vad/silero_vad.onnx":                     "not a PyTorch checkpoint",
		models + "/emg-cdt406/RNN2/Saved_models_120ms/model.keras": "a zip archive with 0 data.pkl entries",
	} {
		t.Run(filepath.Base(path), func(t *testing.T) {
			data := load(t, path)
			_, err := torch.Read("x", data)
			require.ErrorContains(t, err, want)
		})
	}
}
