package numbers

import (
	"encoding/json"
	"math"
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
		"[[], []]":                {[]float32{}, []int{2, 0}},
		" [ [ ] ] ":               {[]float32{}, []int{1, 0}},
	} {
		values, shape, err := Array([]byte(text))
		require.NoError(t, err, text)
		assert.Equal(t, want.values, values, text)
		assert.Equal(t, want.shape, shape, text)
	}
	for text, want := range map[string]string{
		"[1, [2]]":             "an array stands beside a number",
		"[[1], 2]":             "a number stands beside an array",
		"[[], 2]":              "a number stands beside an array",
		"[[[1]], [[1, 2]]]":    "rows of 1 and of 2",
		"[[], [1]]":            "rows of 0 and of 1",
		"[[], [[]]]":           "rows of 0 and of 1",
		"[null]":               "null is no number",
		"[1e39]":               "1e39 is beyond float32",
		`"1"`:                  `"\"1\"" is no number`,
		`[{"a": 1}]`:           "is no number",
		`["],["]`:              "is no number",
		"[Inf]":                "invalid character 'I'",
		"[1":                   "unexpected end of JSON input",
		"[[[[[1]]]]]":          "more than 4 dimensions",
		"[[[[1]]], [[[[1]]]]]": "more than 4 dimensions",
	} {
		_, _, err := Array([]byte(text))
		assert.ErrorContains(t, err, want, text)
	}
}

// Whatever the text, what is read from it is what encoding/json reads, but for rounding once.
func FuzzArray(f *testing.F) {
	for _, text := range []string{"2.5", "[]", "[[1, 2], [3, 4]]", "[[[[1]]]]", " [ [ ] ] ", "[null]", `["]"]`, "[1e-50, -0]", "[1"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		values, shape, err := Array(text)
		if err != nil {
			return
		}
		n := 1
		for _, d := range shape {
			n *= d
		}
		require.Len(t, values, n)
		var want any
		require.NoError(t, json.Unmarshal(text, &want))
		at := 0
		var compare func(want any, depth int)
		compare = func(want any, depth int) {
			if list, ok := want.([]any); ok {
				require.Len(t, list, shape[depth])
				for _, e := range list {
					compare(e, depth+1)
				}
				return
			}
			x, ok := want.(float64)
			require.True(t, ok)
			require.InDelta(t, x, float64(values[at]), 1e-6*(1+math.Abs(x)))
			at++
		}
		compare(want, 0)
	})
}
