package converter

import (
	"archive/zip"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// kerasFile writes an entry of the importer's goldens to a file of this name.
func kerasFile(t *testing.T, entry, path string) {
	r, err := zip.OpenReader("../internal/keras/testdata/keras2.zip")
	require.NoError(t, err)
	defer func() { assert.NoError(t, r.Close()) }()
	f, err := r.Open(entry)
	require.NoError(t, err)
	data, err := io.ReadAll(f)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, data, 0o600))
}

// The configuration of weights lies beside them or is given, and a spec takes its place.
func TestKerasConfig(t *testing.T) {
	folder := t.TempDir()
	in := func(name string) string { return filepath.Join(folder, name) }
	kerasFile(t, "stack.weights.h5", in("stack.weights.h5"))
	_, err := Convert(in("stack.weights.h5"), "")
	require.ErrorContains(t, err, "stack.weights.h5: holds weights and no configuration: save that of model.to_json() beside it")
	require.ErrorContains(t, err, "  - lstm: lstm # weight_ih_l0 [16 3]")

	require.NoError(t, os.WriteFile(in("spec.yaml"), []byte("layers: [{lstm: lstm}, {gru: gru}, {dense: dense, activation: sigmoid}]"), 0o600))
	bySpec, err := Convert(in("stack.weights.h5"), in("spec.yaml"))
	require.NoError(t, err)

	kerasFile(t, "stack.json", in("stack.json"))
	beside, err := Convert(in("stack.weights.h5"), "")
	require.NoError(t, err)
	assert.Equal(t, in("stack.json"), beside.Spec)
	assert.Equal(t, bySpec.Model.Witness, beside.Model.Witness)

	require.NoError(t, os.Rename(in("stack.json"), in("other.json")))
	given, err := Convert(in("stack.weights.h5"), in("other.json"))
	require.NoError(t, err)
	assert.Equal(t, beside.Model.Witness, given.Model.Witness)

	// A file with a configuration counts alone, whatever lies beside it.
	kerasFile(t, "stack.keras", in("stack.keras"))
	require.NoError(t, os.WriteFile(in("stack.json"), []byte(`{"class_name": "Dense", "config": {}}`), 0o600))
	whole, err := Convert(in("stack.keras"), "")
	require.NoError(t, err)
	assert.Empty(t, whole.Spec)
	assert.Equal(t, beside.Model.Witness, whole.Model.Witness)
	_, err = Options{Bind: map[string]string{"x": in("stack.json")}}.Convert(in("stack.keras"))
	require.ErrorContains(t, err, "the format has no named inputs to bind")
}
