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

// A terminal without anybody at it.
func TestAtATerminal(t *testing.T) {
	f, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip(err)
	}
	defer f.Close()
	assert.True(t, Is(f))
}

// Each text takes the place of the one before.
func TestLine(t *testing.T) {
	var b bytes.Buffer
	show := line(&b)
	show("a third of it")
	show("half")
	show("")
	assert.Equal(t, "\r\x1b[Ka third of it\r\x1b[Khalf\r\x1b[K", b.String())
}
