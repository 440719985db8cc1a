package roofline

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
)

func all() []Reader { return append(native(), Reader{"Go", readGo}) }

// Every way to read must see each bit of x and none outside: random bits fill a
// buffer, and any element missed, read twice or taken from beyond the ends
// changes the result.
func TestRead(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	const before, most = 2, 16 * 300
	buffer := make([]float32, before+most+64)
	for i := range buffer {
		buffer[i] = math.Float32frombits(random.Uint32())
	}
	for _, r := range all() {
		t.Run(r.Name, func(t *testing.T) {
			for n := 0; n <= most; n += 16 {
				x := buffer[before:][:n]
				var want uint32
				for _, v := range x {
					want ^= math.Float32bits(v)
				}
				assert.Equal(t, want, r.Read(x), "%d elements", n)
			}
		})
	}
}

func BenchmarkRead(b *testing.B) {
	for _, r := range all() {
		for _, kb := range []int{8, 32, 128, 512, 2048, 8192} {
			x := make([]float32, kb<<10/4)
			for i := range x {
				x[i] = 1 // a page never written need not have memory of its own
			}
			b.Run(fmt.Sprintf("%s/%dKB", r.Name, kb), func(b *testing.B) {
				b.SetBytes(int64(4 * len(x)))
				for b.Loop() {
					r.Read(x)
				}
			})
		}
	}
}
