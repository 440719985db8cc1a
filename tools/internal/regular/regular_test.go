package regular_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/tools/internal/regular"
)

func TestReadFile(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "a")
	require.NoError(t, os.WriteFile(path, []byte("text"), 0o600))
	b, err := regular.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, "text", string(b))

	_, err = regular.ReadFile(folder)
	assert.EqualError(t, err, folder+": is a folder, want a file")
	_, err = regular.ReadFile(path + "b")
	assert.ErrorIs(t, err, os.ErrNotExist)

	// A file with a hole of 4 GiB, which takes no room.
	require.NoError(t, os.Truncate(path, 4<<30+1))
	_, err = regular.ReadFile(path)
	assert.EqualError(t, err, path+": has 4294967297 bytes, want at most 4294967296")
}
