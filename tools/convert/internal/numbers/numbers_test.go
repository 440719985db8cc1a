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
