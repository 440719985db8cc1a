package format

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestWrite(t *testing.T) {
	m := exampleModel(t)
	var b bytes.Buffer
	require.NoError(t, Write(&b, m))
	assert.Equal(t, marshal(t, m), b.Bytes())
	assert.ErrorContains(t, Write(&b, new(Model)), "format: no buffers")
	assert.ErrorIs(t, Write(fullWriter{}, m), errFull)
}

var errFull = errors.New("full")

type fullWriter struct{}

func (fullWriter) Write([]byte) (int, error) { return 0, errFull }

// WriteFile leaves the new file, or what was there before, and nothing else.
func TestWriteFile(t *testing.T) {
	names := func(dir string) (names []string) {
		entries, err := os.ReadDir(dir)
		require.NoError(t, err)
		for _, e := range entries {
			names = append(names, e.Name())
		}
		return names
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "m.rnn")
	all := models(t)

	require.NoError(t, WriteFile(path, all["lstm"]))
	require.NoError(t, WriteFile(path, all["gru"])) // over the old one
	assert.Equal(t, []string{"m.rnn"}, names(dir))
	info, err := os.Stat(path)
	require.NoError(t, err)
	if runtime.GOOS == "linux" {
		assert.Equal(t, os.FileMode(0o644), info.Mode())
	}

	// An open file goes on being what it was while another takes its name.
	open, err := Open(path)
	require.NoError(t, err)
	if runtime.GOOS != "windows" {
		require.NoError(t, WriteFile(path, all["dense"]))
		assert.Equal(t, all["gru"], open.Model)
	}
	require.NoError(t, open.Close())

	old, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.ErrorContains(t, WriteFile(path, new(Model)), "format: no buffers")
	now, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, old, now)

	missing := filepath.Join(dir, "missing", "m.rnn")
	err = WriteFile(missing, all["gru"])
	assert.ErrorIs(t, err, os.ErrNotExist)
	assert.ErrorContains(t, err, "format: writing "+missing+": ")

	taken := filepath.Join(dir, "taken")
	require.NoError(t, os.Mkdir(taken, 0o755))
	assert.ErrorContains(t, WriteFile(taken, all["gru"]), "format: writing "+taken+": ")
	assert.Equal(t, []string{"m.rnn", "taken"}, names(dir))
	assert.Empty(t, names(taken))
}
