package converter

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/tools/convert/internal/hostiletest"
)

// A flat table of FlatBuffers: its fields, each an int32, a *flat, a []*flat, or the
// elements of a vector and their number. Tables may be shared.
type (
	flat   []any
	vector struct {
		count int
		data  []byte
	}
)

// flatFile writes a file with this root, level by level, as offsets lead forward.
func flatFile(root *flat) []byte {
	le := binary.LittleEndian
	b := []byte("\x00\x00\x00\x00TFL3")
	type patch struct {
		at int
		to any // *flat, []*flat or vector
	}
	at := map[*flat]int{}
	for level := []patch{{0, root}}; len(level) > 0; {
		var next []patch
		for _, p := range level {
			t, isTable := p.to.(*flat)
			if known, ok := at[t]; isTable && ok {
				le.PutUint32(b[p.at:], uint32(known-p.at))
				continue
			}
			if !isTable {
				le.PutUint32(b[p.at:], uint32(len(b)-p.at))
			}
			switch to := p.to.(type) {
			case vector:
				b = append(le.AppendUint32(b, uint32(to.count)), to.data...)
			case []*flat:
				b = le.AppendUint32(b, uint32(len(to)))
				for _, t := range to {
					next = append(next, patch{len(b), t})
					b = append(b, 0, 0, 0, 0)
				}
			case *flat:
				n := len(*t)
				start := len(b) + 4 + 2*n
				at[t] = start
				le.PutUint32(b[p.at:], uint32(start-p.at))
				b = le.AppendUint16(le.AppendUint16(b, uint16(4+2*n)), uint16(4+4*n))
				for i, field := range *t {
					if field == nil {
						b = append(b, 0, 0)
					} else {
						b = le.AppendUint16(b, uint16(4+4*i))
					}
				}
				b = le.AppendUint32(b, uint32(4+2*n))
				for _, field := range *t {
					if v, ok := field.(int32); ok {
						b = le.AppendUint32(b, uint32(v))
						continue
					}
					if field != nil {
						next = append(next, patch{len(b), field})
					}
					b = append(b, 0, 0, 0, 0)
				}
			}
		}
		level = next
	}
	return b
}

func ints(values ...int32) vector {
	var b []byte
	for _, v := range values {
		b = binary.LittleEndian.AppendUint32(b, uint32(v))
	}
	return vector{len(values), b}
}

func text(s string) vector { return vector{len(s), []byte(s)} }

// flatModel is a TFLite model of these tensors, operators and buffers.
func flatModel(tensors, operators, buffers []*flat) []byte {
	return flatGraphs(buffers, &flat{tensors, ints(0), ints(1), operators})
}

// flatGraphs is a model of these subgraphs, whose operators are TANH and WHILE.
func flatGraphs(buffers []*flat, graphs ...*flat) []byte {
	return flatFile(&flat{int32(3), []*flat{{int32(28)}, {int32(119)}}, graphs, nil, buffers})
}

// Tables that name each other, and sizes that are lies.
func TestHostileTFLite(t *testing.T) {
	x, none := &flat{ints(1, 3), nil, int32(0), text("x")}, []*flat{{}}
	tensor := func(shape vector) []byte { return flatModel([]*flat{x, {shape}}, nil, none) }
	tanh := &flat{int32(0), ints(0), ints(1)}
	good := flatModel([]*flat{x, x}, []*flat{tanh}, none)
	if _, err := convert("m", good, extras{}); err != nil {
		t.Fatal(err)
	}
	long, wide := &flat{ints(1, 3), nil, int32(0), text(strings.Repeat("x", million))}, &flat{ints(slices.Repeat([]int32{1}, million/4)...)}
	again := func(n int, t *flat) []*flat { return slices.Repeat([]*flat{t}, n) }
	body := &flat{again(2, x), ints(0), ints(0), again(crowd, tanh)}
	loops := func(n int, condition, body int32) (list []*flat) {
		for k := range n {
			from := n - k + 1
			if k == 0 {
				from = 0
			}
			list = append(list, &flat{int32(1), ints(int32(from)), ints(int32(n - k)), nil, &flat{condition, body}})
		}
		return list
	}
	looped := func(n int, condition, inside int32) []byte {
		return flatGraphs(none, &flat{again(n+2, x), ints(0), ints(1), loops(n, condition, inside)}, body, body)
	}
	patched := func(offset int, v uint32) []byte {
		b := slices.Clone(good)
		binary.LittleEndian.PutUint32(b[offset:], v)
		return b
	}
	for _, f := range []hostileFile{
		{"one tensor a million times", flatModel(again(million, x), nil, none), "", `has more than 131072 tensors and operators`},
		{"one tensor again and again", flatModel(again(format.MaxItems, x), nil, none), "", `the output, tensor 1, reads tensor 1, which nothing before it computes`},
		{"one operator a million times", flatModel([]*flat{x, x}, again(million, tanh), none), "", `has more than 131072 tensors and operators`},
		{"one subgraph again and again", flatGraphs(none, again(256, &flat{again(crowd, x), ints(0), ints(1), nil})...), "", `has more than 131072 tensors and operators`},
		{"a million subgraphs", flatGraphs(none, again(million, body)...), "", `has 1000000 subgraphs, supported are 1 to 256`},
		{"a loop around itself", looped(1, 0, 0), "", `names subgraphs 0 and 0 of 3`},
		{"a loop that is not there", looped(1, 1, 1<<30), "", `names subgraphs 1 and 1073741824 of 3`},
		{"a loop within its own body", flatGraphs(none, &flat{again(3, x), ints(0), ints(1), loops(1, 1, 2)}, &flat{again(3, x), ints(0), ints(1), loops(1, 1, 2)}, &flat{again(3, x), ints(0), ints(1), loops(1, 1, 2)}), "", `has a condition that is not that the number of the step`},
		{"a crowd of loops with one body", looped(crowd, 1, 2), "", `has a condition that is not that the number of the step`},
		{"a loop of a crowd of values", flatGraphs(none,
			&flat{again(3, x), ints(0), ints(1), []*flat{{int32(1), ints(make([]int32, crowd)...), ints(slices.Repeat([]int32{1}, crowd)...), nil, &flat{int32(1), int32(2)}}}},
			&flat{again(2, x), ints(make([]int32, crowd)...), ints(0), nil},
			&flat{again(2, x), ints(make([]int32, crowd)...), ints(make([]int32, crowd)...), again(crowd, tanh)}), "", `makes more than`},
		{"a million buffers", flatModel([]*flat{x, x}, nil, again(million, &flat{})), "", `the output, tensor 1, reads tensor 1, which nothing before it computes`},
		{"a long name by many", flatModel(again(crowd, long), nil, none), "", `name the same strings and lists over and over`},
		{"a long shape by many", flatModel(append([]*flat{x}, again(crowd, wide)...), nil, none), "", `name the same strings and lists over and over`},
		{"long inputs by many", flatModel([]*flat{x, x}, again(crowd, &flat{int32(0), ints(make([]int32, million/4)...), ints(1)}), none), "", `name the same strings and lists over and over`},
		{"a shape that overflows", tensor(ints(1<<30, 1<<30, 1<<30)), "", `want sizes of no more than 268435456 elements together`},
		{"a shape that comes round to 0", tensor(ints(0, 1<<30, 1<<30)), "", `want sizes of no more than`},
		{"a negative shape", tensor(ints(-1, -1)), "", `want sizes of no more than`},
		{"a shape without data", flatModel([]*flat{{ints(1, 1<<28)}, {ints(1, 1<<28)}}, []*flat{tanh}, none), "", `found shape [1 268435456], supported are up to 1048576 elements`},
		{"a shape past the end", tensor(vector{1 << 30, nil}), "", `are not in its`},
		{"a buffer that is not there", flatModel([]*flat{x, {ints(1, 3), nil, int32(1 << 30)}}, nil, none), "", `is in buffer 1073741824 of 1`},
		{"a negative buffer", flatModel([]*flat{x, {ints(1, 3), nil, int32(-1)}}, nil, none), "", `is in buffer -1 of 1`},
		{"a tensor that is not there", flatModel([]*flat{x, x}, []*flat{{int32(0), ints(0), ints(1 << 30)}}, none), "", `names tensor 1073741824 of 2`},
		{"an operator that reads itself", flatModel([]*flat{x, x}, []*flat{{int32(0), ints(1), ints(1)}}, none), "", `reads tensor 1, which nothing before it computes`},
		{"a root past the end", patched(0, 1<<31), "", `an offset leads out of its`},
		{"a root at itself", patched(0, 0), "", `an offset leads out of its`},
		{"a root in its own name", patched(0, 4), "", `an offset leads out of its`},
	} {
		t.Run(f.kind, func(t *testing.T) {
			hostiletest.Refuse(t, f.want, func() error {
				_, err := convert("m", f.data, extras{})
				return err
			})
		})
	}
	hostiletest.Truncations(t, good, func(data []byte) error {
		_, err := convert("m", data, extras{})
		return err
	})
}
