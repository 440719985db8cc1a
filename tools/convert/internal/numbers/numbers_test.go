package numbers

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestArray(t *testing.T) {
	for text, want := range map[string]struct {
		values []float32
		shape  []int
	}{
		"2.5":                     {[]float32{2.5}, []int{}},
		"[1, 2]":                  {[]float32{1, 2}, []int{2}},
		"[]":                      {[]float32{}, []int{0}},
		" [\n[1, 2], [3, 4]]":     {[]float32{1, 2, 3, 4}, []int{2, 2}},
		"[[[1], [2]], [[3],[4]]]": {[]float32{1, 2, 3, 4}, []int{2, 2, 1}},
		"[[], []]":                {nil, []int{2, 0}},
	} {
		values, shape, err := Array([]byte(text))
		require.NoError(t, err, text)
		assert.Equal(t, want.values, values, text)
		assert.Equal(t, want.shape, shape, text)
	}
	for text, want := range map[string]string{
		"[1, [2]]":           "json: ",
		"[[1], 2]":           "rows of 1 and of []",
		"[[[1]], [[1, 2]]]":  "rows of [1 1] and of [1 2]",
		"[null]":             "null is no number",
		"[1e39]":             "json: ",
		`"1"`:                "json: ",
		"[[[[[1]]]]]":        "5 dimensions, want at most 4",
		"[[1], [[[[[1]]]]]]": "5 dimensions, want at most 4",
	} {
		_, _, err := Array([]byte(text))
		assert.ErrorContains(t, err, want, text)
	}
}
