package terminal

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestElsewhere(t *testing.T) {
	name := filepath.Join(t.TempDir(), "stderr")
	f, err := os.Create(name)
	require.NoError(t, err)
	defer f.Close()
	assert.False(t, Is(f))
	Line(f)("half of it")
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	assert.Empty(t, text)

	var b bytes.Buffer
	assert.False(t, Is(&b))
	Line(&b)("half of it")
	assert.Empty(t, b.String())
}
