package hostiletest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/format"
)

// An Importer is how a package reads a format that is a whole model.
type Importer struct {
	Sniff func(data []byte) bool
	Read  func(file string, data []byte) (*format.Model, []string, error)
}

func (i Importer) read(data []byte) error {
	_, _, err := i.Read("model", data)
	return err
}

// Damage makes sure that i knows good from foreign, and that good, which ends with its last
// byte, ends well whatever is cut off or flipped in it.
func (i Importer) Damage(t *testing.T, good, foreign string) {
	t.Helper()
	require.True(t, i.Sniff([]byte(good)))
	require.False(t, i.Sniff([]byte(foreign)))
	require.NoError(t, i.read([]byte(good)))
	Truncations(t, []byte(good), i.read)
	Flips(t, []byte(good), i.read, nil)
}

// Fuzz makes sure that, whatever the file, reading it ends in an error or in a model that
// can be written.
func (i Importer) Fuzz(f *testing.F, good string) {
	f.Add([]byte(good))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, _, err := i.Read("model", data)
		if err != nil {
			return
		}
		_, err = format.Marshal(m)
		require.NoError(t, err)
	})
}
