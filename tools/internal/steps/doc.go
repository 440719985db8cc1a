// Package steps reads what models are fed with: time steps, of one stream or of several,
// from NumPy arrays, lines of numbers and sound.
package steps
