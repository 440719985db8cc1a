package infer

// delayLine is y = x of the steps t−(n−1)·d, …, t−d, t. It is copies: every way to run it
// gives the same bits.
//
// The steps before this one are a ring: a step costs as much as its taps, however long the
// line is. To shift one of 8192 floats, two taps of 16 that are 512 steps apart, would take
// half a microsecond; the whole step takes less than half of that. The index of the ring's oldest
// float stands behind it, as a float32, which counts that far: so it goes wherever a stream's
// states are copied. What leaves the engine starts with the oldest: see Model.state.
type delayLine struct {
	x, y vectors // of each slot
	line vectors // of each stream: (n−1)·d vectors as x, and the index of the oldest
	hop  int     // floats from one tap to the next
}

func (o *delayLine) step() bool {
	o.shift(o.y.one, o.x.one, o.line.one)
	return true
}

func (o *delayLine) run(steps, streams int) int {
	for t := range steps {
		for s := range streams {
			o.shift(o.y.at(t*streams+s), o.x.at(t*streams+s), o.line.at(s))
		}
	}
	return -1
}

func (o *delayLine) shift(y, x, line []float32) {
	end := len(line) - 1
	ring, oldest := line[:end], int(line[end])
	if o.hop == len(x) { // side by side
		y = y[copy(y, ring[oldest:]):]
		y = y[copy(y, ring[:oldest]):]
	} else {
		for at := oldest; len(y) > len(x); {
			y = y[copy(y, ring[at:][:len(x)]):]
			if at += o.hop; at >= end {
				at -= end
			}
		}
	}
	copy(y, x)
	if oldest += copy(ring[oldest:], x); oldest == end {
		oldest = 0
	}
	line[end] = float32(oldest)
}
