package asm

// The forms of cells that people train most have an update kernel of their own in
// each table. What follows are the others, in passes over whole gates, a pass being
// a kernel of the table or a Go loop: with the plain functions and no limits they give
// the bits of the kernels.
//
// Slices are as for the kernel of the cell, except that zx is overwritten.

// An RNNForm is the update of a vanilla RNN with any function: h = F(clip(zx + zh)).
type RNNForm struct {
	Kernels *Kernels
	F       Function
	Clip    float32 // limits the argument of F to ±Clip; 0 for no limit
}

// Update computes h. len(h) = H, len(zx) and len(zh) ≥ H.
func (f *RNNForm) Update(h, zx, zh []float32) {
	z := zx[:len(h)]
	addTo(z, zh)
	limit(z, f.Clip)
	f.Kernels.ApplyF32(f.F, h, z)
	for j, v := range h {
		h[j] = floor(v)
	}
}

// An LSTMForm is the update of an LSTM with any functions, limits and normalisation:
// see LSTMF32, LSTMPeepholeF32, LSTMCoupledF32.
type LSTMForm struct {
	Kernels                 *Kernels
	Gate, Candidate, Output Function // σ, tanh and the tanh of c in the plain form
	Clip                    float32  // limits the arguments of Gate and Candidate; 0 for no limit
	CellClip                float32  // limits the new c before the output gate sees it; 0 for no limit
	Coupled                 bool     // three gates i, g, o, and f = 1 − i
}

// NormEpsilon is what TensorFlow Lite adds to the variance in the layer normalisation
// of an LSTM.
const NormEpsilon = 1e-8

// Update computes c and h. len(h) = len(c) = H, len(zx) and len(zh) ≥ 4H, 3H if
// coupled; p has the peepholes of i, f and o, or of i and o, or is nil.
func (f *LSTMForm) Update(h, c, zx, zh, p []float32) { f.UpdateNorm(h, c, zx, zh, p, nil, nil) }

// UpdateNorm is Update with layer normalisation: zx and zh are without bias; each
// gate's argument, peephole included, is normalised over the gate, multiplied by gain
// and given the bias b. len(gain) = len(b) = 4H, 3H if coupled; a nil gain is no
// normalisation, a nil b no bias.
func (f *LSTMForm) UpdateNorm(h, c, zx, zh, p, gain, b []float32) {
	H, gates := len(c), 4
	if f.Coupled {
		gates = 3
	}
	z := zx[:gates*H]
	addTo(z, zh)
	// gate finishes gate g, which sees c through the peepholes in place peephole.
	gate := func(g, peephole int, fn Function) []float32 {
		v := z[g*H:][:H]
		if p != nil && peephole >= 0 {
			for j, w := range p[peephole*H:][:H] {
				v[j] = fma32(w, c[j], v[j])
			}
		}
		if gain != nil {
			NormalizeF32(v, v, NormEpsilon)
			var shift []float32
			if b != nil {
				shift = b[g*H:][:H]
			}
			ScaleF32(v, v, gain[g*H:][:H], shift)
		}
		limit(v, f.Clip)
		f.Kernels.ApplyF32(fn, v, v)
		return v
	}
	i := gate(0, 0, f.Gate)
	candidate := gate(gates-2, -1, f.Candidate)
	if f.Coupled {
		for j, i := range i {
			c[j] = floor(clipped(fma32(1-i, c[j], float32(i*candidate[j])), f.CellClip))
		}
	} else {
		forget := gate(1, 1, f.Gate)
		for j, i := range i {
			c[j] = floor(clipped(fma32(forget[j], c[j], float32(i*candidate[j])), f.CellClip))
		}
	}
	o := gate(gates-1, gates-2, f.Gate)
	f.Kernels.ApplyF32(f.Output, h, c)
	for j, o := range o {
		h[j] = float32(o * h[j])
	}
}

// A GRUForm is the update of a GRU with any functions: see GRUF32, GRUResetF32 and
// GRUBeforeF32.
type GRUForm struct {
	Kernels         *Kernels
	Gate, Candidate Function // σ and tanh in the plain form
	Clip            float32  // limits the arguments of both; 0 for no limit
}

// Update is GRUF32, the reset gate after the product.
func (f *GRUForm) Update(h, zx, zh []float32) {
	H := len(h)
	gates, n := zx[:2*H], zx[2*H:][:H]
	addTo(gates, zh)
	limit(gates, f.Clip)
	f.Kernels.ApplyF32(f.Gate, gates, gates)
	for j := range n {
		n[j] = fma32(gates[j], zh[2*H+j], n[j])
	}
	f.finish(h, gates[H:], n)
}

// Reset is GRUResetF32: rh = r·h.
func (f *GRUForm) Reset(rh, h, zx, zh []float32) {
	r := zx[:len(h)]
	addTo(r, zh)
	limit(r, f.Clip)
	f.Kernels.ApplyF32(f.Gate, r, r)
	for j, r := range r {
		rh[j] = float32(r * h[j])
	}
}

// UpdateBefore is GRUBeforeF32, the rest after the product with rh.
func (f *GRUForm) UpdateBefore(h, zx, zh []float32) {
	H := len(h)
	z := zx[H : 3*H]
	addTo(z, zh[H:])
	u := z[:H]
	limit(u, f.Clip)
	f.Kernels.ApplyF32(f.Gate, u, u)
	f.finish(h, u, z[H:])
}

// finish computes h = u·h + (1−u)·Candidate(n).
func (f *GRUForm) finish(h, u, n []float32) {
	limit(n, f.Clip)
	f.Kernels.ApplyF32(f.Candidate, n, n)
	for j, u := range u {
		h[j] = floor(fma32(u, h[j], float32((1-u)*n[j])))
	}
}

// addTo is z += x.
func addTo(z, x []float32) {
	for j := range z {
		z[j] += x[j]
	}
}

// limit is clipped for each element.
func limit(z []float32, to float32) {
	if to > 0 {
		for j, v := range z {
			z[j] = within(v, -to, to)
		}
	}
}

// clipped limits v to ±to, unless to is 0.
func clipped(v, to float32) float32 {
	if to > 0 {
		return within(v, -to, to)
	}
	return v
}
