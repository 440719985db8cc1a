package onnx

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/tools/convert/internal/cellmatch"
	"github.com/rnnedge/rnnedge/tools/convert/internal/hostiletest"
)

// The x of a cell that is written out is found among the names of the graph part by part. One
// of thousands of values of their own is given up: to try every end of every part is
// the third power of its width.
func TestNamesOfX(t *testing.T) {
	named := func(width, part int) (*nodeProto, bool) {
		s := &translation{step: cellmatch.New(), values: map[string]*tensor{"h": {}}}
		h, x := s.step.Leaves(1), s.step.Leaves(width)
		names := map[string]string{s.keyOf(h): "h before"}
		for from := 0; from < width; from += part {
			names[s.keyOf(x[from:from+part])] = fmt.Sprint("x", from)
		}
		n := &nodeProto{outputs: []string{"h"}}
		outer := &translation{graph: &graphProto{nodes: []*nodeProto{n}}}
		ok := outer.replace(s, names, n, "h", &cellmatch.Cell{X: x, H: h})
		return outer.graph.nodes[0], ok
	}
	n, ok := named(4096, 2048)
	require.True(t, ok)
	assert.Equal(t, []string{"h before", "x0", "x2048"}, n.inputs)

	require.NoError(t, hostiletest.Read(t, func() error {
		_, ok := named(4096, 1)
		assert.False(t, ok)
		return nil
	}))
}
