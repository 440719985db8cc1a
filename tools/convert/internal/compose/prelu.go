package compose

import "github.com/rnnedge/rnnedge/format"

// PRelu adds relu(x) − slopes·relu(−x), of which one part is zero: nothing is rounded but
// the product.
func PRelu(b *format.Builder, name string, x format.Buffer, slopes []float32) format.Buffer {
	minus := make([]float32, len(slopes))
	for i, s := range slopes {
		minus[i] = -s
	}
	negative := b.Function(name+".negated", x, format.Function{Kind: format.Affine, Alpha: -1})
	negative = b.Scale(name+".slopes", b.Activate(name+".negative", negative, format.Relu), minus, nil)
	return b.Add(name, b.Activate(name+".positive", x, format.Relu), negative)
}
