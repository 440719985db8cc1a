// Package compose builds what other formats have as one layer and package format has as
// several.
package compose

import (
	"fmt"

	"github.com/rnnedge/rnnedge/format"
)

// Causal adds what a causal convolution along time reads: taps steps of x, dilation apart,
// the last of them this step, zeros before the first one. A dense layer on it whose rows
// are [taps][width of x] is the convolution. One tap is x itself. The error has no name in
// it.
func Causal(b *format.Builder, name string, x format.Buffer, taps, dilation int) (format.Buffer, error) {
	if taps == 1 {
		return x, nil
	}
	width := b.Width(x)
	if taps > format.MaxWidth/width || dilation > format.MaxWidth/(width*(taps-1)) {
		return x, fmt.Errorf("has a kernel of %d steps, %d apart, of %d features, supported are up to %d numbers from the first to the last", taps, dilation, width, format.MaxWidth)
	}
	return b.DelayLine(name, x, taps, dilation), nil
}
