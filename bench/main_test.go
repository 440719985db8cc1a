package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/asm"
	"github.com/rnnedge/rnnedge/infer"
)

// tiny is a run of some milliseconds: a size that is a multiple of 16 and one
// that is not.
var tiny = []string{"-H", "5,16", "-repeats", "3", "-budget", "1ms"}

// tinyRows is how many rows it prints: cells × types × sizes × tables.
var tinyRows = 2 * 2 * 2 * len(asm.All())

func TestTable(t *testing.T) {
	var out, progress bytes.Buffer
	require.NoError(t, run(tiny, &out, &progress))
	assert.Empty(t, progress.String(), "progress belongs on a terminal only")

	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	require.Greater(t, len(lines), 5)
	assert.Equal(t, "go run ./bench -H 5,16 -repeats 3 -budget 1ms", lines[1])
	assert.Equal(t, []string{"cell", "type", "H", "kernels", "bytes", "read", "ns", "step", "ns", "step/read", "medians", "×", "48", "kHz"},
		strings.Fields(lines[4]))
	rows := 0
	for _, line := range lines[5:] {
		if fields := strings.Fields(line); len(fields) > 0 {
			assert.Len(t, fields, 10, line)
			rows++
		}
	}
	assert.Equal(t, tinyRows, rows)
}

func TestJSON(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, run(append([]string{"-json"}, tiny...), &out, io.Discard))
	var r report
	d := json.NewDecoder(&out)
	d.DisallowUnknownFields()
	require.NoError(t, d.Decode(&r))
	assert.NotEmpty(t, r.CPU)
	require.Len(t, r.Rows, tinyRows)
	for _, row := range r.Rows {
		assert.Positive(t, row.ReadNS)
		assert.LessOrEqual(t, row.StepNS, row.StepMedianNS)
		assert.Equal(t, row.StepNS/row.ReadNS, row.Ratio)
		assert.LessOrEqual(t, row.ReadNS, row.ReadMedianNS)
		assert.Equal(t, row.StepMedianNS/row.ReadMedianNS, row.MedianRatio)
		assert.Positive(t, row.Realtime)
		assert.GreaterOrEqual(t, row.Batches, 1)
	}
	// 4 gates of 16 rows, two matrices of 16 columns, 4 bytes.
	i := len(asm.All())
	same := func(r row) row { return row{Cell: r.Cell, Type: r.Type, H: r.H, Kernels: r.Kernels, Bytes: r.Bytes} }
	assert.Equal(t, row{Cell: "lstm", Type: "float32", H: 16, Kernels: asm.All()[0].Name, Bytes: 4 * 16 * 2 * 16 * 4}, same(r.Rows[i]))
	// As bytes, with a scale for each row of both.
	assert.Equal(t, row{Cell: "lstm", Type: "int8", H: 16, Kernels: asm.All()[0].Name, Bytes: 4*16*2*16 + 2*4*16*4}, same(r.Rows[3*i]))
}

// The product alone reads what the LSTM does.
func TestProduct(t *testing.T) {
	for _, digits := range []int{0, 1, 2} {
		var sizes []int
		for _, name := range []string{"lstm", "product"} {
			c, err := cellByName(name)
			require.NoError(t, err)
			file, err := c.file(32, digits)
			require.NoError(t, err)
			m, err := infer.FromBytes(file)
			require.NoError(t, err)
			_, bytes := matrices(m)
			sizes = append(sizes, bytes)
		}
		assert.Equal(t, sizes[0], sizes[1])
	}
}

// All tables of a row must read the memory that the read loop reads.
func TestSameMemory(t *testing.T) {
	for _, digits := range []int{0, 1, 2} {
		file, err := cells[0].file(16, digits)
		require.NoError(t, err)
		var first *float32
		for _, k := range asm.All() {
			m, err := infer.FromBytes(file, infer.WithISA(k.Name))
			require.NoError(t, err)
			w, _ := matrices(m)
			if first == nil {
				first = &w[0][0]
			}
			assert.Same(t, first, &w[0][0])
		}
	}
}

func TestArguments(t *testing.T) {
	for _, test := range []struct{ args, want string }{
		{"-cell foo", `-cell: no cell "foo"; there are lstm, gru and product`},
		{"-type int4", `-type: no type "int4"; there are float32, int8 and int8x16`},
		{"-H 0", `-H: "0" is no size from 1 to 4096`},
		{"-H 16,x", `-H: "x" is no size from 1 to 4096`},
		{"-isa sse9", `-isa: asm: no kernels "sse9" on this CPU`},
		{"-repeats 0", "-repeats 0: want at least 1"},
		{"extra", `argument "extra": bench takes flags only`},
	} {
		assert.ErrorContains(t, run(strings.Fields(test.args), io.Discard, io.Discard), test.want)
	}
	var help bytes.Buffer
	assert.ErrorIs(t, run([]string{"-h"}, io.Discard, &help), flag.ErrHelp)
	assert.Contains(t, help.String(), "memory wall")
}
