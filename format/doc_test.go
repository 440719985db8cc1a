package format

import (
	"bytes"
	"encoding/hex"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// exampleModel is the model whose file the package documentation shows.
func exampleModel(t testing.TB) *Model {
	b := NewBuilder(1)
	b.Output(b.RNN("rnn", Input, Weights{
		W: []float32{1, 0.5},
		R: []float32{0.5, -0.25, 1, 0.5},
		B: []float32{0.5, -0.25},
	}, Relu))
	b.Meta("source", "example")
	m, err := b.Model()
	require.NoError(t, err)

	// The weights are powers of two, so products are exact and plain Go gives
	// the engine's bits.
	m.Witness = Witness{Seed: 1, Steps: 4}
	input, hash := m.Witness.Input(m.Vocabulary()), NewBitHash()
	x, h := make([]float32, 1), make([]float32, 2)
	for range m.Witness.Steps {
		input.Next(x)
		h[0], h[1] = max((0.5+x[0])+(0.5*h[0]-0.25*h[1]), 0), max((-0.25+0.5*x[0])+(h[0]+0.5*h[1]), 0)
		hash.Add(h)
	}
	m.Witness.SHA256 = hash.Sum()
	return m
}

// The specification's example is what Marshal writes, byte for byte.
func TestDocumentedExample(t *testing.T) {
	want, err := Marshal(exampleModel(t))
	require.NoError(t, err)
	doc, err := os.ReadFile("doc.go")
	require.NoError(t, err)

	var got []byte
	line := regexp.MustCompile(`(?m)^//\t([0-9a-f]{4})  ((?:[0-9a-f]{2} )*[0-9a-f]{2})(?: ×(\d+))?(?:  .*)?$`)
	for _, match := range line.FindAllStringSubmatch(string(doc), -1) {
		offset, err := strconv.ParseUint(match[1], 16, 32)
		require.NoError(t, err)
		require.EqualValues(t, len(got), offset, match[0])
		b, err := hex.DecodeString(strings.ReplaceAll(match[2], " ", ""))
		require.NoError(t, err)
		if match[3] != "" {
			n, err := strconv.Atoi(match[3])
			require.NoError(t, err)
			b = bytes.Repeat(b, n)
		}
		got = append(got, b...)
	}
	require.Equal(t, hex.Dump(want), hex.Dump(got))

	f, err := FromBytes(got)
	require.NoError(t, err)
	assert.Equal(t, "example", f.Value("source"))
}

// The published check value of CRC-32C.
func TestDocumentedChecksum(t *testing.T) {
	assert.Equal(t, uint32(0xe3069283), checksum([]byte("123456789")))
}

// What the documentation says of the layouts is what Matrix and Builder do.
func TestDocumentedLayouts(t *testing.T) {
	pad := func(n int) int { return (n + 15) / 16 * 16 }
	index := map[Layout]func(x *Tensor, r, k int) int{
		Panels: func(x *Tensor, r, k int) int {
			p := r / 64
			return p*64*x.Cols + k*min(64, pad(x.Rows)-64*p) + r%64
		},
		Narrow: func(x *Tensor, r, k int) int { return r*pad(x.Cols) + k },
	}
	seen := map[Layout]bool{}
	for _, shape := range [][2]int{{1, 1}, {15, 7}, {15, 40}, {16, 3}, {17, 2}, {64, 5}, {65, 1}, {100, 3}, {112, 2}, {130, 9}} {
		w := make([]float32, shape[0]*shape[1])
		for i := range w {
			w[i] = float32(i + 1)
		}
		b := NewBuilder(shape[1])
		b.Output(b.Dense("", Input, w, nil, Linear))
		m, err := b.Model()
		require.NoError(t, err)
		x := m.Tensor(0)
		seen[x.Layout] = true
		for r := range x.Rows {
			for k := range x.Cols {
				require.Equal(t, w[r*x.Cols+k], x.F32[index[x.Layout](x, r, k)], "%v of %v at %d,%d", x.Layout, shape, r, k)
			}
		}
		assert.Equal(t, w, x.Matrix())
		n, err := x.stored()
		require.NoError(t, err)
		assert.EqualValues(t, n, len(x.F32))
	}
	assert.Len(t, seen, 2)
}
