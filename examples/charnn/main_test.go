package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/asm"
	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/infer"
	"github.com/rnnedge/rnnedge/tools/convert/converter"
)

// digests are the SHA-256 of the bits of 10,000 steps of logits on the characters
// of heldout.txt: on every CPU, on every table of kernels.
var digests = map[string]string{
	"float32": "8008dc5f93c81201eccbd1cce3654831f7d5855af6f0d2912c9a54fdc6dffbd4",
	"int8":    "1a10aa6cd2f497c38d993284d84dd423154181e4bfbf270d84f639e52eaa74f6",
}

func model(t *testing.T, int8 bool) []byte {
	r, err := converter.Options{Int8: int8}.Convert("charnn.pt")
	require.NoError(t, err)
	file, err := format.Marshal(r.Model)
	require.NoError(t, err)
	return file
}

func TestSameBits(t *testing.T) {
	passage, err := os.ReadFile("heldout.txt")
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(passage), 10_000)
	if want := os.Getenv("RNNEDGE_REQUIRE_ISA"); want != "" {
		_, err := asm.ByName(want)
		require.NoError(t, err)
	}
	for name, digest := range digests {
		file := model(t, name == "int8")
		for _, k := range asm.All() {
			t.Run(name+"/"+k.Name, func(t *testing.T) {
				if testing.Short() && k.Name == "generic" && len(asm.All()) > 1 {
					t.Skip("-short: the generic kernels take too long under emulation; other runs cover them")
				}
				m, err := infer.FromBytes(file, infer.WithISA(k.Name))
				require.NoError(t, err)
				c, hash, start := newCharacters(m), format.NewBitHash(), time.Now()
				for _, r := range string(passage[:10_000]) {
					require.NoError(t, c.read(r))
					hash.Add(c.logits)
				}
				sum := fmt.Sprintf("%x", hash.Sum())
				t.Logf("10,000 steps with %s in %v: SHA-256 %s", k.Name, time.Since(start).Round(time.Millisecond), sum)
				assert.Equal(t, digest, sum)
			})
		}
	}
}

// The example's figure is what PyTorch computes in float64 from the same checkpoint,
// by train.py's bits_per_character. Int8 costs no more than 0.01 of it.
func TestBitsPerCharacter(t *testing.T) {
	passage, err := os.ReadFile("heldout.txt")
	require.NoError(t, err)
	for name, tolerance := range map[string]float64{"float32": 1e-6, "int8": 0.01} {
		m, err := infer.FromBytes(model(t, name == "int8"))
		require.NoError(t, err)
		bits, err := newCharacters(m).bitsPerCharacter(string(passage))
		require.NoError(t, err)
		t.Logf("%s: %.8f bits per character", name, bits)
		assert.InDelta(t, 1.56920585, bits, tolerance)
	}
}

func TestWrite(t *testing.T) {
	m, err := infer.FromBytes(model(t, false))
	require.NoError(t, err)
	c := newCharacters(m)
	write := func() string {
		text, err := c.write("And God said", 200, 0.5, rand.New(rand.NewPCG(1, 0)))
		require.NoError(t, err)
		return text
	}
	text := write()
	assert.True(t, strings.HasPrefix(text, "And God said"))
	assert.Equal(t, text, write(), "one seed writes one text")
	_, err = c.write("Ω", 1, 1, rand.New(rand.NewPCG(1, 0)))
	assert.ErrorContains(t, err, `the model knows no 'Ω'`)
	assert.ErrorContains(t, run(io.Discard, ".", false, "", "a", 0, 1, 1), "temperature is 0, want more than 0")
	assert.ErrorContains(t, run(io.Discard, "nowhere", false, "", "a", 1, 1, 1), "run from the root of the repository, or give -dir")

	var printed strings.Builder
	assert.NoError(t, run(&printed, ".", true, t.TempDir()+"/m.rnn", "And", 0.6, 20, 1))
	for _, want := range []string{"model       charnn.pt, ", "kernels     ", "bits per character", "steps/s", "\nAnd"} {
		assert.Contains(t, printed.String(), want)
	}
}
