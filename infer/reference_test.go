package infer

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/internal/reference"
)

// The engine stays within the stated distance of float64 over 300 steps: float32
// rounding, damped by the cells, and no more.
func TestAgainstFloat64(t *testing.T) {
	const tolerance = 2e-6
	files := map[string][]byte{"every layer": everyLayer(t), "token": tokenModel(t)}
	for _, cell := range cells {
		for _, shape := range [][2]int{{1, 1}, {3, 5}, {40, 3}, {16, 16}, {7, 20}, {1, 64}, {33, 126}} {
			files[fmt.Sprintf("%s %d→%d", cell, shape[0], shape[1])] = cellModel(t, cell, shape[0], shape[1])
		}
	}
	for name, file := range files {
		t.Run(name, func(t *testing.T) {
			m, err := FromBytes(file)
			require.NoError(t, err)
			s, ref, r := m.NewSession(), reference.New(m.Format()), newRandom(5)
			y := make([]float32, m.OutputSize())
			worst := 0.0
			for range 300 {
				x := input(m, r)
				require.NoError(t, s.Step(y, x))
				for i, want := range ref.Step(x) {
					worst = max(worst, math.Abs(float64(y[i])-want)/max(1, math.Abs(want)))
				}
			}
			t.Logf("worst error %.2e", worst)
			if strings.HasPrefix(name, "normalised") {
				// Where the arguments of a gate are nearly equal, as those of one input near
				// zero, normalising them magnifies what rounding left of their differences.
				worst /= 20
			}
			require.LessOrEqual(t, worst, tolerance)
		})
	}
}

// input returns a random input of the kind the model takes.
func input(m *Model, r random) []float32 {
	if v := m.Vocabulary(); v > 0 {
		return []float32{float32(r.IntN(v))}
	}
	return r.uniform(m.InputSize(), 2)
}
