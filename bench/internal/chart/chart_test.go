package chart

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A chart is well-formed, names what it shows, and has no number that is none.
func TestChart(t *testing.T) {
	c := Chart{Title: "a < b", X: "streams", Y: "ns", Series: []Series{
		{Name: "one & two", Points: [][2]float64{{1, 100}, {2, 60}, {256, 3}}},
		{Name: "three", Points: [][2]float64{{1, 100}, {256, 3.01}}},
		{Name: "floor", Points: [][2]float64{{1, 2}, {256, 2}}, Limit: true},
	}}
	var s strings.Builder
	_, err := c.WriteTo(&s)
	require.NoError(t, err)
	svg := s.String()
	for d := xml.NewDecoder(strings.NewReader(svg)); ; {
		_, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
	}
	for _, want := range []string{"a &lt; b", "one &amp; two", "three", "floor", "streams", ">100<"} {
		assert.Contains(t, svg, want)
	}
	assert.NotContains(t, svg, "NaN")
	assert.NotContains(t, svg, "Inf")

	_, y := c.axes()
	labels := c.labels(y)
	for i, a := range labels {
		for _, b := range labels[:i] {
			assert.GreaterOrEqual(t, max(a-b, b-a), 17.0, "names do not overlap")
		}
	}
}
