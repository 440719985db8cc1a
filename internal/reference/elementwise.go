package reference

import (
	"math"
	"slices"

	"github.com/rnnedge/rnnedge/format"
)

// No function writes into its arguments.

// function is f(x), as ONNX's operators of these names define it.
func function(f format.Function, x float64) float64 {
	alpha, beta := float64(f.Alpha), float64(f.Beta)
	switch f.Kind {
	case format.Linear:
		return x
	case format.Sigmoid:
		return 1 / (1 + math.Exp(-x))
	case format.Tanh:
		return math.Tanh(x)
	case format.Relu:
		return max(x, 0)
	case format.LeakyRelu:
		if x < 0 {
			return alpha * x
		}
		return x
	case format.HardSigmoid:
		return min(max(alpha*x+beta, 0), 1)
	case format.Elu:
		if x < 0 {
			return alpha * math.Expm1(x)
		}
		return x
	case format.Softsign:
		return x / (1 + math.Abs(x))
	case format.Softplus: // log(1 + eˣ), where eˣ would overflow too
		return max(x, 0) + math.Log1p(math.Exp(-math.Abs(x)))
	case format.ThresholdedRelu:
		if x > alpha {
			return x
		}
		return 0
	case format.ScaledTanh:
		return alpha * math.Tanh(beta*x)
	case format.Affine:
		return alpha*x + beta
	case format.Clip:
		return min(max(x, alpha), beta)
	}
	panic("reference: no equation for " + f.String())
}

func apply(f format.Function, x []float64) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = function(f, v)
	}
	return y
}

// limited is x within ±limit; 0 is no limit.
func limited(x []float64, limit float32) []float64 {
	if limit == 0 {
		return x
	}
	return apply(format.Function{Kind: format.Clip, Alpha: -limit, Beta: limit}, x)
}

// plus is the sum of vectors, element by element.
func plus(terms ...[]float64) []float64 {
	y := make([]float64, len(terms[0]))
	for _, x := range terms {
		for i, v := range x {
			y[i] += v
		}
	}
	return y
}

// times is a·b, element by element.
func times(a, b []float64) []float64 {
	y := make([]float64, len(a))
	for i, v := range a {
		y[i] = v * b[i]
	}
	return y
}

// complement is 1 − x.
func complement(x []float64) []float64 {
	return apply(format.Function{Kind: format.Affine, Alpha: -1, Beta: 1}, x)
}

// normalized is (x − mean) / √(variance + epsilon).
func normalized(x []float64, epsilon float64) []float64 {
	mean := sum(x) / float64(len(x))
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = v - mean
	}
	deviation := math.Sqrt(sum(times(y, y))/float64(len(x)) + epsilon)
	for i := range y {
		y[i] /= deviation
	}
	return y
}

// logSoftmax is x − log Σ exp(x), the largest x taken out of the sum.
func logSoftmax(x []float64) []float64 {
	largest := slices.Max(x)
	var total float64
	for _, v := range x {
		total += math.Exp(v - largest)
	}
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = v - largest - math.Log(total)
	}
	return y
}

// softmax is exp(x) / Σ exp(x).
func softmax(x []float64) []float64 {
	y := logSoftmax(x)
	for i, v := range y {
		y[i] = math.Exp(v)
	}
	return y
}

func sum(x []float64) (s float64) {
	for _, v := range x {
		s += v
	}
	return s
}
