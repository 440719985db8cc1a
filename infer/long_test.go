package infer

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/format"
)

// A million steps give one digest on every table, and leave no trace of where they began:
// a session that has seen the last thousand inputs alone is in the same place. The generic
// table, which is slow, takes the first fiftieth of them; under -short all do.
func TestMillionSteps(t *testing.T) {
	const block, first, all = 1000, 20_000, 1_000_000
	for _, cell := range []string{"lstm", "gru", "rnn"} {
		for typ, file := range map[string][]byte{"float32": cellModel(t, cell, 2, 16), "int8": quantized(t, cellModel(t, cell, 2, 16))} {
			t.Run(cell+"/"+typ, func(t *testing.T) {
				digests := map[int][32]byte{} // by the number of steps
				onEveryISA(t, file, func(t *testing.T, m *Model) {
					steps := all
					if testing.Short() || raceEnabled || m.ISA() == "generic" {
						steps = first
					}
					r, hash := newRandom(5), format.NewBitHash()
					s, late := m.NewSession(), m.NewSession()
					ys, again := make([]float32, 16*block), make([]float32, 16*block)
					for done := 0; done < steps; done += block {
						xs := r.uniform(2*block, 2)
						_, err := s.Run(ys, xs)
						require.NoError(t, err)
						hash.Add(ys)
						if at := done + block; at == first || at == all {
							sum := hash.Sum()
							if _, ok := digests[at]; !ok {
								digests[at] = sum
							}
							assert.Equal(t, digests[at], sum, "after %d steps", at)
						}
						if done+block == steps {
							_, err := late.Run(again, xs)
							require.NoError(t, err)
						}
					}
					assert.InDeltaSlice(t, ys[16*(block-1):], again[16*(block-1):], 1e-5)
				})
			})
		}
	}
}
