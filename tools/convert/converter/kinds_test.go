package converter

import (
	"archive/zip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Every recurrent module of PyTorch, in every form that it is saved in, is what PyTorch computes
// in float64; a program needs no spec.
func TestKinds(t *testing.T) {
	z, err := zip.OpenReader(filepath.Join(testdata, "kinds.zip"))
	require.NoError(t, err)
	defer z.Close()
	folder := t.TempDir()
	for _, f := range z.File {
		r, err := f.Open()
		require.NoError(t, err)
		data, err := io.ReadAll(r)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(folder, f.Name), data, 0o600))
	}
	forms := map[string]int{}
	for _, f := range z.File {
		kind, form, _ := strings.Cut(f.Name, ".")
		if !strings.HasSuffix(form, "pt") {
			continue
		}
		forms[form]++
		t.Run(f.Name, func(t *testing.T) {
			spec := filepath.Join(folder, kind+".yaml")
			if form == "script.pt" || form == "trace.pt" {
				spec = ""
			}
			r, err := Convert(filepath.Join(folder, f.Name), spec)
			require.NoError(t, err)
			values := archive(t, filepath.Join(folder, kind+".npz"))
			e := worst(t, values("y").Float64(), computed(t, r.Model, values("x").Float32()))
			t.Logf("worst error %.2e", e)
			assert.LessOrEqual(t, e, 2e-7)
		})
	}
	assert.Equal(t, map[string]int{"pt": 9, "module.pt": 9, "script.pt": 9, "trace.pt": 9}, forms)
}
